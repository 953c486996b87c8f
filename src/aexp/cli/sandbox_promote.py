"""``aexp sandbox promote``."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import rich_click as click

from aexp.cli.terminal import echo, is_terminal, print_json, show_note, style
from aexp.cli.wiring import json_option, must_agree
from aexp.domain.text import visible, visible_lines
from aexp.sandbox import PromotedScript, promote_notebook

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("notebook", metavar="NOTEBOOK")
@click.option(
    "--cells",
    metavar="LIST",
    help="These cells: numbers (1 is the topmost, text counts too), ranges, ids: 3,5-8,train.",
)
@click.option("--tag", metavar="TAG", help="The cells with this tag.")
@click.option(
    "--to",
    required=True,
    metavar="PATH",
    help="The script, which must not exist yet; or a folder for it. From the current folder on.",
)
@click.option(
    "--param",
    "parameters",
    metavar="NAMES",
    help="Only these variables become options, such as lr,seed; all of the parameters cell if missing.",
)
@click.option("--experiment", metavar="ID", help="The tracked experiment, such as E012.")
@click.option(
    "--allow-undefined", is_flag=True, help="Write it although it would not find some names."
)
@click.option("--dry-run", is_flag=True, help="Write nothing, show what would change.")
@json_option
def promote(
    notebook: str,
    cells: str | None,
    tag: str | None,
    to: str,
    parameters: str | None,
    experiment: str | None,
    allow_undefined: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a script of some cells of a sandbox's notebook, outside of the sandbox.

    NOTEBOOK is its path; or a sandbox's slug or folder, where that holds one notebook. Save it and commit it
    first: the script names the commit that it comes from.

    Without --cells and --tag, the cells that begin with `#| export`. The notebook stays as it is, nothing
    is overwritten, and the sandbox's README gains a line that names the script.
    """
    if cells is not None and tag is not None:
        raise click.UsageError("Give one of --cells and --tag.")
    make = partial(
        promote_notebook,
        notebook,
        to=to,
        cells=cells,
        tag=tag,
        parameters=_names(parameters),
        experiment=experiment,
        allow_undefined=allow_undefined,
    )
    if not (dry_run or as_json):
        _ask_if_too_early(make)
    made = make(dry_run=dry_run)
    if as_json:
        print_json(asdict(made))
        return
    if dry_run:
        _show_diff(made.diff)
    for warning in made.warnings:
        show_note(visible(warning, limit=1000))
    if not dry_run:
        _tell(made)


def _ask_if_too_early(make: Callable[..., PromotedScript]) -> None:
    """Ask whoever sits there before a script is written that no commit can be found for."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return
    early = make(dry_run=True)
    if not early.as_committed:
        show_note(visible(early.warnings[0], limit=1000))
        must_agree("Promote it all the same?")


def _names(given: str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    names = tuple(name.strip() for name in given.split(",") if name.strip())
    if not names:
        raise click.UsageError("Give at least one name with --param, such as --param lr,seed.")
    return names


def _show_diff(diff: str) -> None:
    for line in visible_lines(diff).split("\n")[:-1]:
        head = line.startswith(("+++ ", "--- "))
        colour = "" if head else _COLOURS.get(line[:1], "")
        echo(style(line, colour) if colour else line)


def _tell(made: PromotedScript) -> None:
    script, notebook = (visible(path, limit=500) for path in (made.script, made.notebook))
    cells = f"{len(made.cells)} {'cell' if len(made.cells) == 1 else 'cells'}"
    if made.along:
        cells += f" ({visible(', '.join(made.along))} came along)"
    echo(f"Promoted {cells} of {notebook}\n      to {script}")
    if made.options:
        echo(f" options {', '.join(made.options)}")
    echo(
        f"\nNext, at the repository's root: python {visible(shlex.quote(made.script), limit=500)}, "
        "and commit it with the sandbox's README."
    )
