"""``aexp sandbox archive``."""

import shlex
from dataclasses import asdict
from pathlib import PurePosixPath

import rich_click as click

from aexp.cli.terminal import echo, print_json
from aexp.cli.wiring import json_option, parent_option
from aexp.domain.text import visible
from aexp.sandbox import archive_sandbox


@click.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="Bring it back.")
@parent_option
@json_option
def archive(name: str, undo: bool, parent_dir: str | None, as_json: bool) -> None:
    """Put a sandbox away into _archive, with all that lies in it, and stage that in git.

    NAME is a slug or the folder's name. Only a sandbox that is committed as it stands is put away.
    Nothing is deleted, and nothing is committed.
    """
    moved = archive_sandbox(name, undo=undo, parent_dir=parent_dir)
    if as_json:
        print_json(asdict(moved))
        return
    there = PurePosixPath(moved.target).name
    source, target = visible(moved.source, limit=500), visible(moved.target, limit=500)
    if undo:
        echo(f"Brought back {target}\n\nNext: git commit, if the archiving was committed.")
        return
    # A path may lead to one that is not where sandboxes are kept now.
    elsewhere = parent_dir is not None or "/" in name
    parent = shlex.quote(str(PurePosixPath(moved.target).parent.parent))
    flag = f" --parent-dir {visible(parent, limit=500)}" if elsewhere else ""
    echo(
        f"Archived {source}\n      as {target}\n\n"
        f'Next: git commit -m "Archive {there}". '
        f"To bring it back: aexp sandbox archive --undo {there}{flag}"
    )
