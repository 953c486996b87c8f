"""``aexp sandbox open``."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import rich_click as click

from aexp.cli.terminal import echo
from aexp.cli.wiring import parent_option
from aexp.domain.errors import SandboxError
from aexp.domain.text import visible


@click.command("open")
@click.argument("name", required=False)
@click.option(
    "--launch", is_flag=True, help="Start Jupyter Lab, or VS Code in a terminal of VS Code."
)
@click.option(
    "--with", "program", metavar="COMMAND", help="Start this instead, such as 'jupyter nbclassic'."
)
@parent_option
def open_(name: str | None, launch: bool, program: str | None, parent_dir: str | None) -> None:
    """Print a sandbox's folder, for `cd "$(aexp sandbox open)"`; or launch its first notebook.

    NAME is a slug or the folder's name. Without it, the sandbox around the current folder is meant, or
    else the newest.
    """
    from aexp.sandbox.looking import meant_sandbox, notebooks_of
    from aexp.sandbox.places import local_filesystem, walk

    if launch and program is not None:
        raise click.UsageError("Give one of --launch and --with COMMAND.")
    folder = meant_sandbox(name, parent_dir=parent_dir)
    if not launch and program is None:
        echo(folder)
        return
    notebooks = notebooks_of(dict(walk(folder, local_filesystem())))
    _launch(program or _usual(), f"{folder}/{notebooks[0]}" if notebooks else folder)


def _usual() -> str:
    return "code" if os.environ.get("TERM_PROGRAM") == "vscode" else "jupyter lab"


def _launch(command: str, place: str) -> None:
    """Become the program, so that Ctrl-C and its exit code are its own."""
    try:
        words = shlex.split(command)
    except ValueError as exc:
        raise click.UsageError(f"--with {command!r} is no command: {exc}.") from exc
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise SandboxError(
            f"There is no program '{visible(words[0]) if words else ''}' on the PATH.",
            f"{_nearby(words, place)}Name another with --with COMMAND, or open it yourself: {place}",
        )
    echo(shlex.join([*words, place]), err=True)
    sys.stdout.flush()
    os.chdir(Path(place).parent if Path(place).is_file() else place)
    os.execv(found, [*words, place])  # noqa: S606


def _nearby(words: list[str], place: str) -> str:
    """Where the program is although the PATH leads past it: in an environment of the project, or in ours."""
    if not words:
        return ""
    bins = [Path(sys.executable).parent]
    bins += [folder / env / "bin" for folder in Path(place).parents for env in (".venv", "venv")]
    found = next((there for there in bins if os.access(there / words[0], os.X_OK)), None)
    if found is None:
        return ""
    return (
        f"It is in {found}: --with {shlex.quote(shlex.join([str(found / words[0]), *words[1:]]))}. "
    )
