"""``aexp relay audit verify|show``: the audit trail, and whether anybody has changed it."""

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from aexp.cli.exits import INVALID
from aexp.cli.groups import LazyGroup
from aexp.cli.login_node import container
from aexp.cli.parameters import Count
from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option

if TYPE_CHECKING:
    from aexp.container import Container
    from aexp.domain.chain import Entry
    from aexp.domain.trail_check import Findings

LATEST = 50
LOOKS = 5
LOOK_EVERY_S = 0.2
COMMANDS = {"verify": "aexp.cli.audit:verify", "show": "aexp.cli.audit:show"}
_HEAD = re.compile(r"(\d{1,12}):([0-9a-fA-F]{8,64})", re.ASCII)


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def audit() -> None:
    """Look at the audit trail, and check that it was not changed."""


@dataclasses.dataclass(frozen=True)
class Trails:
    """The trail on this machine, where there is one, and the copy in the queue.

    Attributes:
        path: where the trail of this machine would be, None when there can be none.
    """

    built: "Container"
    path: Path | None

    def trail(self) -> Iterator[bytes] | None:
        """The lines of the trail on this machine; None when there is none."""
        from aexp.domain.chain import lines_of

        if self.path is None or not self.path.is_file():
            return None
        path = self.path

        def read(offset: int, length: int) -> bytes:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)

        return lines_of(read)

    def copy(self) -> Iterator[bytes] | None:
        """The lines of the copy; None when there is none."""
        from aexp.domain import layout
        from aexp.domain.chain import lines_of

        storage, host = self.built.storage(), self.built.processes().hostname
        name = layout.trail_copy(host) if storage.shared else layout.TRAIL_COPY
        if name not in storage.list(""):
            return None
        return lines_of(lambda offset, length: storage.read(name, offset, length))


def _trails(queue: str | None) -> Trails:
    from aexp.adapters.journal.chained import trail_path
    from aexp.domain.errors import SettingsError

    built = container(queue)
    storage = built.storage()
    try:
        path = trail_path(built.environ(), built.policy().home, storage.identity)
    except SettingsError:
        # A node without a folder of its own has no trail; the copy can be looked at all the same.
        return Trails(built, None)
    return Trails(built, path)


def _examine(trails: Trails, heads: dict[int, str]) -> "Findings":
    from aexp.domain.errors import RelayStorageError
    from aexp.domain.trail_check import Findings, examine

    try:
        return examine(trails.trail, trails.copy, heads)
    except RelayStorageError as exc:
        trail = examine(trails.trail, lambda: None, heads).trail
        return Findings(trail, None, (f"The copy in the queue cannot be read: {exc}",))


def _parse_heads(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[int, str]:
    found = {}
    for text in given:
        match = _HEAD.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise click.BadParameter(f"{text!r} is not N:DIGEST, for example 12:0f3a….")
        found[int(match[1])] = match[2].lower()
    return found


@click.command()
@click.option(
    "--head",
    "heads",
    metavar="N:DIGEST",
    multiple=True,
    callback=_parse_heads,
    help="A head that was noted elsewhere: line N must have this digest. May be repeated.",
)
@queue_option
@json_option
def verify(heads: dict[int, str], queue: str | None, as_json: bool) -> None:
    """Check that the audit trail is whole. Exits with 65 when it was changed."""
    from aexp.domain.errors import RelayNotFoundError

    trails = _trails(queue)
    found = _examine(trails, heads)
    for _ in range(LOOKS):
        # A line that is just being written may be in one of the two and not in the other yet.
        if not found.may_pass:
            break
        trails.built.clock().sleep(LOOK_EVERY_S)
        found = _examine(trails, heads)
    if found.trail is None and found.copy is None and not found.problems:
        raise RelayNotFoundError(
            f"There is no audit trail of {trails.built.storage().url} on this machine or in the queue.",
            "It begins with the first daemon: aexp relay up",
        )
    if as_json:
        _print_findings(found)
    else:
        _tell_findings(found, trails)
    sys.exit(INVALID if found.problems else 0)


def _print_findings(found: "Findings") -> None:
    head = found.trail or found.copy
    print_json(
        {
            "ok": not found.problems,
            "n": head.count if head else 0,
            "head": head.digest if head else "",
            "trail": found.trail and dataclasses.asdict(found.trail),
            "copy": found.copy and dataclasses.asdict(found.copy),
            "problems": found.problems,
        }
    )


def _tell_findings(found: "Findings", trails: Trails) -> None:
    for name, report, where in (
        ("trail", found.trail, str(trails.path)),
        ("copy", found.copy, f"{trails.built.storage().url}/audit.jsonl"),
    ):
        if report is not None:
            click.echo(f"{name}  n={report.count} head={report.digest or '-'}  {where}")
            if report.torn:
                click.echo(
                    f"  its last line is torn ({report.torn} bytes without an end): a crash, or it is "
                    "being written; the daemon cuts it off and records that",
                    err=True,
                )
    for problem in found.problems:
        click.echo(f"{click.style('changed:', fg='red', bold=True)} {problem}", err=True)
    if found.problems:
        click.echo(
            "  next: keep a copy of both, and find out who could write them: aexp relay audit show",
            err=True,
        )
    if found.trail is None and found.copy is not None:
        click.echo(
            "  note: only the copy was checked; the trail is on the login node. Lines cut off at the end "
            "are seen only against a head that was noted elsewhere: --head N:DIGEST",
            err=True,
        )
    if not found.problems:
        click.echo("All lines fit.")


@click.command()
@click.argument("request_id", metavar="[ID]", required=False)
@click.option("-n", "count", type=Count(1), metavar="N", default=LATEST, help="The last N lines.")
@queue_option
@json_option
def show(request_id: str | None, count: int, queue: str | None, as_json: bool) -> None:
    """Show the audit trail: all requests, or the one whose ID begins so."""
    from collections import deque

    from aexp.cli.render import show_table
    from aexp.domain.chain import digest_of
    from aexp.domain.errors import RelayNotFoundError
    from aexp.domain.text import visible

    trails = _trails(queue)
    lines = trails.trail() or trails.copy() or iter(())
    shown: deque[Entry] = deque(maxlen=count)
    number, digest, unreadable = 0, "", 0
    for line in lines:
        entry = _entry(line)
        if entry is None:
            unreadable += 1
            continue
        number, digest = entry.n, digest_of(line[:-1])
        if request_id is None or entry.request.startswith(request_id.lower()):
            shown.append(entry)
    if request_id is not None and not shown:
        raise RelayNotFoundError(
            f"The trail has no request that begins with {visible(request_id, limit=64)}.",
            "`aexp relay audit show` lists them.",
        )
    if as_json:
        told = [{**dataclasses.asdict(entry), "facts": dict(entry.facts)} for entry in shown]
        print_json({"n": number, "head": digest, "unreadable": unreadable, "lines": told})
        return
    if shown:
        show_table([["TIME", "EVENT", "REQUEST", "WHO", "FACTS"], *map(_row, shown)])
    click.echo(f"n={number} head={digest or '-'}", err=True)
    if unreadable:
        click.echo(f"{unreadable} lines cannot be read; next: aexp relay audit verify", err=True)


def _entry(line: bytes) -> "Entry | None":
    from aexp.domain.chain import ChainError, Entry

    try:
        return Entry.from_line(line[:-1]) if line.endswith(b"\n") else None
    except ChainError:
        return None


def _row(entry: "Entry") -> list[str]:
    """One line for a person; who can write the copy can write anything into it."""
    from aexp.domain.text import visible

    facts: dict[str, Any] = dict(entry.facts)
    host, pid = facts.pop("host", None), facts.pop("pid", None)
    who = f"{host} pid {pid}" if host is not None else str(facts.pop("client", ""))
    told = " ".join(f"{key}={value}" for key, value in facts.items())
    cells = (entry.at, entry.event, entry.request[:8], who, told)
    return [
        visible(cell, limit=limit) for cell, limit in zip(cells, (24, 32, 8, 60, 400), strict=True)
    ]
