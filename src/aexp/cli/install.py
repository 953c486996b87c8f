"""``aexp install`` and ``aexp uninstall``: commands for coding agents in a repository."""

import os
import shlex
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.terminal import echo, is_terminal, print_json, show_note, style
from aexp.cli.wiring import json_option, must_agree
from aexp.domain.installation import NEW, Outcome, Step
from aexp.domain.installed_texts import MCP, MCP_SDK, PARTS
from aexp.domain.text import visible

if TYPE_CHECKING:
    from aexp.domain.interpreters import Interpreter
    from aexp.installing.planning import Plan
    from aexp.ports.filesystem import Filesystem

_VERBS: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.CREATED: "create",
        Outcome.IDENTICAL: "identical",
        Outcome.REFRESHED: "refresh",
        Outcome.PRESERVED: "preserve",
        Outcome.RESTORED: "restore",
        Outcome.REMOVED: "remove",
    }
)
_COLOURS: Mapping[Outcome, str] = MappingProxyType(
    {Outcome.PRESERVED: "yellow", Outcome.REMOVED: "red", Outcome.IDENTICAL: "cyan"}
)

_dry = click.option("--dry-run", is_flag=True, help="Print the plan, and write nothing.")
_yes = click.option("-y", "--yes", is_flag=True, help="Do it without asking.")


@click.command()
@_dry
@_yes
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something differs.")
@click.option(
    "--new", "beside", is_flag=True, help="Put our text beside a file that you edited, as NAME.new."
)
@click.option(
    "--mcp/--no-mcp",
    "mcp",
    default=None,
    help="Also the MCP server, into .mcp.json for Claude Code; or not.  [default: as before]",
)
@click.option("--python-exe", metavar="PATH", help="The interpreter that the commands call.")
@click.option("--conda-env", metavar="NAME|PATH", help="The same, by its conda environment.")
@json_option
def install(
    dry_run: bool,
    yes: bool,
    check: bool,
    beside: bool,
    mcp: bool | None,
    python_exe: str | None,
    conda_env: str | None,
    as_json: bool,
) -> None:
    """Install /aexp-new-sandbox, /aexp-promote and /aexp-relay for Claude Code into this repository.

    Beside the three skills, a part of AGENTS.md and of .gitignore; with --mcp an entry in .mcp.json. What you
    edit is kept.
    """
    from aexp import __version__
    from aexp.airgapped.defaults import local_filesystem
    from aexp.installing.ground import record_in, repository
    from aexp.installing.planning import plan_install

    if python_exe is not None and conda_env is not None:
        raise click.UsageError("Give one of --python-exe and --conda-env.")
    files = local_filesystem()
    root = repository(files)
    before = record_in(root, files)[1].python_exe
    python = _python(python_exe, conda_env, before, files)
    plan = plan_install(root, python.path, files, version=__version__, beside=beside, mcp=mcp)
    _warn(python, root, files, plan, is_settled=python.path == before)
    if check:
        _show(plan, as_json=as_json, planned=True, python=python.path)
        sys.exit(1 if plan.drift else 0)
    _run(plan, files, dry_run=dry_run, yes=yes, as_json=as_json, python=python.path)
    kept = {step.path for step in plan.steps if step.outcome is Outcome.PRESERVED}
    there = {step.path for step in plan.steps}
    if not as_json and not {f"{path}{NEW}" for path in kept} <= there:
        show_note(
            f"what you edited is kept; `aexp install --new` puts ours beside it, as NAME{NEW}"
        )


@click.command()
@_dry
@_yes
@json_option
def uninstall(dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take away what `aexp install` put into this repository, but for what was edited since."""
    from aexp.airgapped.defaults import local_filesystem
    from aexp.installing.ground import repository
    from aexp.installing.planning import plan_uninstall

    files = local_filesystem()
    plan = plan_uninstall(repository(files), files)
    if not plan.steps and not as_json:
        show_note(f"nothing is installed in {visible(plan.root, limit=500)}")
        return
    _run(plan, files, dry_run=dry_run, yes=yes, as_json=as_json)


def _python(
    given: str | None, conda_env: str | None, before: str, files: "Filesystem"
) -> "Interpreter":
    """The interpreter: as given, else as recorded, else the one that runs this."""
    from aexp.airgapped.defaults import absolute
    from aexp.domain.errors import InstallError
    from aexp.installing.pythons import conda_interpreter, interpreter

    if conda_env is not None:
        return interpreter(conda_interpreter(conda_env, os.environ, files), files)
    if given is not None:
        return interpreter(absolute(given), files)
    mine = os.path.abspath(sys.executable)
    try:
        return interpreter(before or mine, files)
    except InstallError as error:
        _warning(f"{error.what} It was recorded before; from now on it is {mine}")
        return interpreter(mine, files)


def _warn(
    python: "Interpreter", root: str, files: "Filesystem", plan: "Plan", *, is_settled: bool
) -> None:
    from aexp.adapters.own_source import own_source
    from aexp.domain.interpreters import doubts
    from aexp.installing.pythons import has_package, project_of

    project = project_of(root, python.prefix, files)
    for doubt in doubts(python, project, own_source(), is_settled=is_settled):
        _warning(doubt)
    if not plan.serves_mcp:
        return
    if has_package("mcp", python.prefix, files) is False:
        _warning(
            f"The MCP server needs its SDK: {shlex.quote(python.path)} -m pip install '{MCP_SDK}'"
        )
    if plan.shares_mcp:
        _warning(
            f"git does not pass over {MCP}, whose entry names a Python of this machine; keep the entry "
            "out of what others pull"
        )


def _warning(text: str) -> None:
    echo(style(f"warning: {visible(text, limit=1000)}", "yellow"), err=True)


def _run(
    plan: "Plan",
    files: "Filesystem",
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    python: str | None = None,
) -> None:
    """Show the plan, ask where it is to be asked, carry it out, and say what was done."""
    from aexp.installing.applying import carry_out

    if dry_run:
        _show(plan, as_json=as_json, planned=True, python=python)
        return
    if plan.changes and not yes:
        _show(plan, as_json=False, planned=True, python=python, err=True)
        _ask()
    done: list[Step] = []
    try:
        for step in carry_out(plan, files):
            done.append(step)
    finally:
        # Only now: a reader who goes away must not leave the work half done.
        if as_json:
            _print(done, plan, python, planned=False)
        else:
            for step in done:
                _line(step, str(step.outcome))


def _ask() -> None:
    if not is_terminal(sys.stdin):
        raise click.UsageError(
            "Nothing was written: nobody can be asked here. Say --yes, or --dry-run."
        )
    must_agree("Go ahead?")


def _show(
    plan: "Plan", *, as_json: bool, planned: bool, python: str | None, err: bool = False
) -> None:
    if as_json:
        _print(list(plan.steps), plan, python, planned=planned)
        return
    calls = f", which calls {visible(python, limit=500)}" if python else ""
    echo(f"plan for {visible(plan.root, limit=500)}{calls}", err=True)
    for step in plan.steps:
        _line(step, _VERBS[step.outcome], err=err)


def _line(step: Step, word: str, *, err: bool = False) -> None:
    is_part = step.path in PARTS and step.before is not None and step.after is not None
    words = [word for word in ("our part" if is_part else "", step.why) if word]
    why = f"  ({'; '.join(words)})" if words else ""
    colour = _COLOURS.get(step.outcome, "green")
    echo(f"{style(word.ljust(9), colour)}  {visible(step.path, limit=500)}{why}", err=err)


def _print(steps: list[Step], plan: "Plan", python: str | None, *, planned: bool) -> None:
    told = [{"path": one.path, "outcome": one.outcome, "why": one.why} for one in steps]
    body = {"root": plan.root, "python_exe": python, "planned": planned, "drift": plan.drift}
    print_json({**body, "files": told})
