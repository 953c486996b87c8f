"""``aexp relay doctor``."""

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.exits import DOWN
from aexp.cli.terminal import echo, print_json, style
from aexp.cli.wiring import json_option, queue_option

if TYPE_CHECKING:
    from aexp.airgapped.probing import Ground
    from aexp.domain.checkup import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@queue_option
@json_option
def doctor(queue: str | None, as_json: bool) -> None:
    """Look for what keeps the relay from working, on either node. Exits with 69 when something does.

    It writes nothing but a few small files in the queue's tmp folder, and removes them again.
    """
    from aexp.domain.checkup import Level, worst

    url, findings = _examined(queue)
    level = worst(findings)
    if as_json:
        told = [dataclasses.asdict(finding) for finding in findings]
        print_json({"queue": url, "host": os.uname().nodename, "level": level, "findings": told})
    else:
        for finding in findings:
            _show(finding)
    sys.exit(DOWN if level is Level.FAIL else 0)


def _examined(queue: str | None) -> "tuple[str, list[Finding]]":
    """The queue's URL, and what was found."""
    from aexp.adapters.checkup import within
    from aexp.airgapped.doctor import LIMIT_S, examine
    from aexp.domain.checkup import fail
    from aexp.settings import load_settings

    try:
        ground = within(LIMIT_S, lambda: _ground(queue))
    except TimeoutError:
        told = f"the filesystem does not answer: nothing came within {LIMIT_S:.0f} s"
        fix = "Check the mount, and ask the people who run the file server."
        return str(load_settings(queue=queue).queue), [fail("queue", told, fix)]
    return ground.storage.url, examine(ground, within)


def _ground(queue: str | None) -> "Ground":
    from aexp.adapters.checkup import LocalNodeFacts
    from aexp.airgapped import defaults
    from aexp.airgapped.probing import Ground
    from aexp.cli.clients import queue_of

    filesystem = defaults.local_filesystem()
    return Ground(
        queue=queue_of(queue),
        clock=defaults.system_clock(),
        processes=defaults.system_processes(),
        filesystem=filesystem,
        node=LocalNodeFacts(os.environ, filesystem.resolve(os.path.expanduser("~"))),
    )


def _show(finding: "Finding") -> None:
    mark = style(finding.level.ljust(4), _COLOURS[finding.level])
    echo(f"{mark}  {finding.name:<12}  {finding.what}")
    if finding.fix:
        echo(f"{style('  fix:', 'cyan')} {finding.fix}")
