"""``aexp sandbox ls`` and ``check``."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.exits import INVALID
from aexp.cli.render import show_finding, show_table
from aexp.cli.terminal import echo, print_json, show_note, style
from aexp.cli.wiring import json_option, parent_option
from aexp.domain.findings import Level
from aexp.domain.text import amount, visible
from aexp.sandbox import SandboxView, check_sandboxes, list_sandboxes
from aexp.sandbox.grounds import grounds
from aexp.sandbox.whereabouts import no_sandbox, put_away

if TYPE_CHECKING:
    from aexp.sandbox import SandboxCheck

_HEADING = [
    *("DATE", "AGE", "SLUG", "NB", "SIZE", "LARGE", "COMMIT", "README", "PROMOTED", "TITLE")
]

_README = {"complete": "yes", "incomplete": "no", "missing": "none", "unreadable": "broken"}


@click.command()
@click.option("--archived", is_flag=True, help="Those that were put away, too.")
@parent_option
@json_option
def ls(archived: bool, parent_dir: str | None, as_json: bool) -> None:
    """List the sandboxes, the oldest first.

    NB counts notebooks, LARGE files of 5 MiB or more that `git add` would take (`?` where git cannot be
    asked). README is `yes` when all that belongs before the first result is written.
    """
    views = list_sandboxes(parent_dir=parent_dir, archived=archived)
    if as_json:
        print_json({"sandboxes": [_plain(view) for view in views]})
        return
    ground = grounds(parent_dir=parent_dir)
    if not views:
        show_note(f"{no_sandbox(ground)}")
        return
    show_table([_HEADING, *(_row(view) for view in views)])
    for closed in (what for view in views for what in view.closed):
        show_note(f"left out of NB and SIZE: {visible(closed, limit=500)}")
    if not archived and (told := put_away(ground)):
        echo(told, err=True)


@click.command()
@click.argument("name", required=False)
@parent_option
@json_option
def check(name: str | None, parent_dir: str | None, as_json: bool) -> None:
    """Check a sandbox by its rules; exits with 65 when one is broken.

    NAME is a slug or the folder's name. Without it, the sandbox around the current folder is checked,
    or else all of them.
    """
    checks = check_sandboxes(name, parent_dir=parent_dir)
    if as_json:
        print_json({"sandboxes": [asdict(one) for one in checks]})
    else:
        _show_checks(checks, parent_dir)
    failed = any(one.level is Level.FAIL for one in checks)
    sys.exit(INVALID if failed else 0)


def _show_checks(checks: "Sequence[SandboxCheck]", parent_dir: str | None) -> None:
    if not checks:
        show_note(f"{no_sandbox(grounds(parent_dir=parent_dir))}")
    for number, one in enumerate(checks):
        echo(f"{'' if number == 0 else chr(10)}{style(visible(one.dir_path, limit=500), 'cyan')}")
        for finding in one.findings:
            show_finding(finding)


def _plain(view: SandboxView) -> dict[str, object]:
    return {**asdict(view), "complete": view.readme == "complete"}


def _row(view: SandboxView) -> list[str]:
    large = view.large_untracked
    size = sum(file.size_bytes for file in large or ())
    commit = view.last_commit
    unknown = "?" if large is None else "never"
    return [
        str(view.date),
        f"{view.age_days} d",
        view.slug + (" (archived)" if view.archived else ""),
        str(view.notebooks),
        amount(view.size_bytes),
        "?" if large is None else f"{len(large)} ({amount(size)})" if large else "-",
        time.strftime("%Y-%m-%d", time.localtime(commit.when)) if commit else unknown,
        _README[view.readme],
        str(len(view.promoted) or "-"),
        visible(view.title),
    ]
