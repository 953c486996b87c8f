"""How results and views look on a terminal. Standard output carries what was asked for, nothing else."""

import dataclasses
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aexp.cli.terminal import echo, print_json, show_note, style
from aexp.domain.consent import FINAL, State
from aexp.domain.text import age, visible_lines

if TYPE_CHECKING:
    from aexp.airgapped.inspection import DaemonView, RequestView
    from aexp.domain.requests import RelayResult

_COLOURS = {
    State.COMPLETED: "green",
    State.RUNNING: "cyan",
    State.PENDING: "yellow",
    State.RECEIVED: "cyan",
    State.APPROVED: "cyan",
}


def show_output(text: str) -> None:
    """An operation's output: exactly as it was into a pipe, made harmless on a terminal."""
    if sys.stdout.isatty():
        text = visible_lines(text)
    echo(text, nl=bool(text) and not text.endswith("\n"))


def show_lines(lines: Iterable[str]) -> bool:
    """The same as it comes, in lines and pieces of long lines; whether there were any."""
    harmful, last = sys.stdout.isatty(), ""
    for line in lines:
        echo(visible_lines(line) if harmful else line, nl=False)
        last = line
    if last and not last.endswith("\n"):
        echo()
    return bool(last)


def show_result(result: "RelayResult", *, as_json: bool) -> None:
    """The output on stdout; on stderr one line of how it went, where somebody is there to read it."""
    if as_json:
        print_json(dataclasses.asdict(result))
        return
    show_output(result.stdout)
    show_end(result)


def show_end(result: "RelayResult") -> None:
    """The notices, and the line of how it went."""
    for notice in result.notices:
        show_note(notice)
    if result.ok and not sys.stderr.isatty():
        return
    mark = style("ok", "green") if result.ok else style("failed", "red")
    told = f"{mark} {result.op} in {age(result.duration_s)}"
    if not result.ok:
        told += f", returncode {result.returncode}"
        told += f" ({result.kind})" if result.kind else ""
    echo(told, err=True)
    if result.hint and not result.ok:
        echo(f"{style('  next:', 'cyan')} {result.hint}", err=True)


def show_daemon(view: "DaemonView") -> None:
    """Who serves, and what there is to do."""
    if view.up:
        mark = style("up", "green", bold=True)
        beat = "?" if view.beat_age_s is None else age(view.beat_age_s)
        since = "" if view.since is None else f", serving since {moment(view.since)}"
        echo(f"{mark}    daemon on {view.host} (pid {view.pid}){since}, last beat {beat} ago")
    else:
        echo(f"{style('down', 'red', bold=True)}  {view.why}")
    if view.up and view.trouble:
        echo(f"{style('trouble', 'yellow')}  {view.trouble}")
    counts = f"{view.waiting} waiting, {view.pending} for consent, {view.running} running"
    seen = f" on {view.filesystem}" if view.filesystem else ""
    echo(f"queue {view.queue}: {counts} (profile {view.profile}{seen})")
    if view.consent:
        echo(f"consent {view.consent}")
    if view.trail:
        echo(f"audit   {view.trail}")
    for line in view.destinations:
        echo(f"destination {line}")


def request_rows(views: Iterable["RequestView"], now: float) -> list[list[str]]:
    """The lines of ``aexp relay ls``, with a heading."""
    rows = [["ID", "STATE", "OPERATION", "AGE", "RC", "WHERE", "NOTE"]]
    for view in views:
        old = "" if view.when is None else age(now - view.when)
        status = "" if view.returncode is None else str(view.returncode)
        operation = " ".join([view.op, *view.args])
        note = view.error or view.kind or ""
        rows.append([view.request_id[:8], view.state, operation, old, status, view.cwd, note])
    return rows


def show_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they must be, the last one cut to the terminal; a state is coloured."""
    import shutil

    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if sys.stdout.isatty():
            cells[-1] = _cut(row[-1], max(room, 12))
        if row[1] in [*State]:
            cells[1] = style(cells[1], _COLOURS.get(State(row[1]), "red"))
        echo("  ".join(cells).rstrip())


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def show_request(view: "RequestView", output: str, log: str) -> None:
    """What is known of a request, then its output."""
    facts = {
        "request": view.request_id,
        "state": style(view.state, _COLOURS.get(view.state, "red")),
        "operation": " ".join([view.op, *view.args]),
        "cwd": view.cwd,
        "client": view.client,
        "daemon": view.owner,
        "answered" if view.state in FINAL else "submitted": ""
        if view.when is None
        else moment(view.when),
        "returncode": "" if view.returncode is None else str(view.returncode),
        "duration": "" if view.duration_s is None else age(view.duration_s),
        "kind": view.kind or "",
        "error": view.error or "",
        "next": view.hint or "",
        "log": log,
    }
    for name, value in facts.items():
        if value:
            echo(f"{name:<11}{value}")
    if output:
        echo("")
        show_output(output)


def moment(seconds: float) -> str:
    """A date and time on this node's clock and in its zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "?"
