"""How results and views look on a terminal. Standard output carries what was asked for, nothing else."""

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aexp.cli.cells import cells, padded
from aexp.cli.telling import Voice
from aexp.cli.terminal import echo, is_terminal, print_json, show_note, style
from aexp.domain.consent import FINAL, State
from aexp.domain.progress import collapsed
from aexp.domain.text import age, local_time, visible_lines

if TYPE_CHECKING:
    from aexp.airgapped.inspection import DaemonView, RequestView
    from aexp.domain.findings import Finding
    from aexp.domain.requests import RelayResult

OK, FAILED = "ok", "failed"
"""How an operation ended that ran to its end: what ``aexp relay ls`` says for ``completed``."""
_COLOURS: dict[str, str] = {
    State.COMPLETED: "green",
    State.RUNNING: "cyan",
    State.PENDING: "yellow",
    State.RECEIVED: "cyan",
    State.APPROVED: "cyan",
    OK: "green",
}
_MARKS = {"up": "green", "down": "red", "trouble": "yellow"}
_LEVELS = {"ok": "green", "warn": "yellow", "fail": "red"}


def show_output(text: str) -> None:
    """An operation's output: exactly as it was into a pipe, made harmless on a terminal."""
    if is_terminal(sys.stdout):
        text = visible_lines(collapsed(text))
    echo(text, nl=bool(text) and not text.endswith("\n"))


def show_lines(lines: Iterable[str]) -> bool:
    """The same as it comes, in lines and pieces of long lines; whether there were any."""
    harmful, last = is_terminal(sys.stdout), ""
    try:
        for line in lines:
            echo(visible_lines(line) if harmful else line, nl=False)
            last = line
    finally:
        # What is said of an error begins on a line of its own.
        if last and not last.endswith("\n"):
            echo()
    return bool(last)


def show_result(result: "RelayResult", *, as_json: bool, voice: Voice, url: str) -> None:
    """The output on stdout; on stderr one line of how it went, where somebody is there to read it."""
    if as_json:
        print_json(dataclasses.asdict(result))
        if voice is Voice.VERBOSE:
            show_end(result, voice, url)
        return
    show_output(result.stdout)
    show_end(result, voice, url)


def show_end(result: "RelayResult", voice: Voice, url: str) -> None:
    """The notices, and the line of how it went; after a failure what to do next.

    Args:
        url: the queue's.
    """
    if voice is not Voice.QUIET:
        for notice in result.notices:
            show_note(notice)
    heard = is_terminal(sys.stderr) and voice is Voice.NORMAL
    if result.ok and not heard and voice is not Voice.VERBOSE:
        return
    mark = style("ok", "green") if result.ok else style("failed", "red")
    told = f"{mark} {result.op} in {age(result.duration_s)}"
    if voice is Voice.VERBOSE:
        told = f"{result.request_id} {told}"
    if not result.ok:
        told += f", returncode {result.returncode}"
        told += f" ({result.kind})" if result.kind else ""
    echo(told, err=True)
    hint = "" if result.ok else result.hint or _more_of_it(result, url)
    if hint:
        echo(f"{style('  next:', 'cyan')} {hint}", err=True)


def _more_of_it(result: "RelayResult", url: str) -> str:
    """Where there is more to read of a failure that nothing else is known of; empty where all was shown."""
    from aexp.airgapped.hints import log_hint
    from aexp.domain.output import LEFT_OUT

    if not result.stdout.strip():
        return (
            "it said nothing; aexp relay doctor, on the login node, looks for what is missing there"
        )
    if LEFT_OUT in result.stdout:
        return f"see all that it said: {log_hint(result.request_id, url)}"
    return ""


def show_daemon(view: "DaemonView") -> None:
    """Who serves, and what there is to do."""
    from aexp.airgapped.standing import facts_of

    for name, said in facts_of(view):
        word = name.strip()
        mark = style(word, _MARKS[word], bold=word != "trouble") if word in _MARKS else word
        echo(f"{mark}{name[len(word) :]}{said}")


def request_rows(views: Iterable["RequestView"], now: float, url: str) -> list[list[str]]:
    """The lines of ``aexp relay ls``, with a heading.

    Args:
        url: the queue's, for what is to be typed.
    """
    views = [*views]
    known = {view.request_id: view for view in views}
    rows = [["ID", "STATE", "OPERATION", "AGE", "RC", "WHERE", "NOTE"]]
    for view in views:
        old = "" if view.when is None else age(now - view.when)
        status = "" if view.returncode is None else str(view.returncode)
        operation = " ".join([view.op, *view.args])
        note = view.error or view.kind or wait_of(view, url, known.get(view.behind or ""))
        state = ended(view) or view.state
        rows.append([view.request_id[:8], state, operation, old, status, view.cwd, note])
    return rows


def ended(view: "RequestView") -> str:
    """Whether an operation that ran to its end did what it should; empty for all others."""
    if view.state is not State.COMPLETED or view.returncode is None:
        return ""
    return FAILED if view.returncode else OK


def wait_of(view: "RequestView", url: str, ahead: "RequestView | None" = None) -> str:
    """What an open request waits for, in words; empty where it waits for nothing, or that is not known.

    Args:
        ahead: the request that it is behind, if that is known.
    """
    from aexp.airgapped.hints import approve_hint

    what = f" ({ahead.op})" if ahead else ""
    does = "runs" if ahead and ahead.state is State.RUNNING else "comes first"
    return {
        "person": f"for consent: {approve_hint(view.request_id, url)}",
        "request": f"behind {(view.behind or '')[:8]}{what}, which {does} in this folder",
        "slot": "for a free slot: as many run as may",
        "daemon": "for the daemon to come to it",
    }.get(view.waits_for or "", "")


def show_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they must be, a state coloured. A terminal gets what fits, a pipe all of it."""
    if is_terminal(sys.stdout):
        import os
        import shutil

        from aexp.cli.tables import fitted

        rows = fitted(
            rows, shutil.get_terminal_size().columns, os.path.realpath(os.path.expanduser("~"))
        )
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    heading = rows[0]
    for row in rows:
        line = [*map(padded, row, widths)]
        line[-1] = row[-1]
        if row is not heading and "STATE" in heading:
            at = heading.index("STATE")
            line[at] = style(line[at], _COLOURS.get(row[at], "red"))
        echo("  ".join(line).rstrip())


def show_finding(finding: "Finding") -> None:
    """What one check found, and what to do about it."""
    mark = style(finding.level.ljust(4), _LEVELS[finding.level])
    echo(f"{mark}  {finding.name:<13}  {finding.what}")
    if finding.fix:
        echo(f"{style('  fix:', 'cyan')} {finding.fix}")


def show_request(view: "RequestView", output: str, log: str, url: str) -> None:
    """What is known of a request, then its output."""
    facts = {
        "request": view.request_id,
        "state": style(view.state, _COLOURS.get(view.state, "red")),
        "operation": " ".join([view.op, *view.args]),
        "cwd": view.cwd,
        "waits": wait_of(view, url),
        "client": view.client,
        "daemon": view.owner,
        "answered" if view.state in FINAL else "submitted": ""
        if view.when is None
        else local_time(view.when),
        "returncode": "" if view.returncode is None else str(view.returncode),
        "duration": "" if view.duration_s is None else age(view.duration_s),
        "kind": view.kind or "",
        "error": view.error or "",
        "next": view.hint or "",
        "log": log,
    }
    notices = [("note", notice) for notice in view.notices]
    for name, value in (*facts.items(), *notices):
        if value:
            echo(f"{name:<11}{value}")
    if output:
        echo("")
        show_output(output)
