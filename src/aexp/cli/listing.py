"""``aexp relay ls``: which requests there are, how they stand, and what each waits for."""

import dataclasses
import os
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli import completing
from aexp.cli.parameters import Count, Operation
from aexp.cli.render import FAILED, OK, ended
from aexp.cli.standing import tell_absence
from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.consent import FINAL, State
from aexp.domain.layout import OUTBOX, requests_in
from aexp.domain.operations import ALLOWED

if TYPE_CHECKING:
    from aexp.airgapped.inspection import RequestView
    from aexp.airgapped.queue import RelayQueue

LATEST = 20
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def _moment(_: click.Context, __: click.Parameter, given: str | None) -> float | None:
    """Seconds since 1970 for a span before now, or for a date."""
    if given is None:
        return None
    span = _SPAN.fullmatch(given.strip())
    if span is not None:
        return time.time() - float(span[1]) * _UNITS[span[2]]
    from datetime import datetime

    try:
        return datetime.fromisoformat(given.strip()).timestamp()
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(
            f"{given!r} is neither a span such as 30min, 2h or 3d nor a date such as 2026-01-31."
        ) from exc


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Also the older answers.")
@click.option("-n", "count", type=Count(1), metavar="N", help="At most N answers, the latest.")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not answered yet.")
@click.option("--ended", "only_ended", is_flag=True, help="Only those that are answered.")
@click.option(
    "--state",
    "states",
    type=click.Choice([*(state.value for state in State), OK, FAILED]),
    multiple=True,
    help="Only requests in this state, ok or failed for completed ones; may be repeated.",
)
@click.option(
    "--op",
    "ops",
    type=Operation(ALLOWED),
    multiple=True,
    metavar="OP",
    help="Only requests of this operation, git_pull or pull; may be repeated.",
)
@click.option(
    "-C",
    "--cwd",
    metavar="DIR",
    shell_complete=completing.folders,
    help="Only requests for DIR and what lies below it, such as -C .",
)
@click.option("--here", is_flag=True, help="The same for the current folder.")
@click.option(
    "--since",
    metavar="WHEN",
    callback=_moment,
    help="Only those submitted, or answered, since then: 30min, 2h, 3d, or a date.",
)
@queue_option
@json_option
def ls(
    everything: bool,
    count: int | None,
    only_open: bool,
    only_ended: bool,
    states: tuple[str, ...],
    ops: tuple[str, ...],
    cwd: str | None,
    here: bool,
    since: float | None,
    queue: str | None,
    as_json: bool,
) -> None:
    """List the requests: open ones first, then the latest twenty answers."""
    if only_open and only_ended:
        raise click.UsageError("Give one of --open and --ended.")
    if here and cwd is not None:
        raise click.UsageError("Give one of --here and --cwd.")
    from aexp.cli.clients import queue_of

    found = queue_of(queue)
    folder = folder_of(found, "." if here else cwd)
    fits = _filter(states, ops, folder, since)
    views, unread, url = _views(found, only_open=only_open)
    wanted = [view for view in views if fits(view) and not (only_ended and view.state not in FINAL)]
    waiting = [view for view in wanted if view.state not in FINAL]
    answered = [view for view in wanted if view.state in FINAL]
    most = None if everything or (as_json and count is None) else count or LATEST
    shown = waiting + answered[:most]
    if as_json:
        print_json({"requests": [dataclasses.asdict(view) for view in shown]})
    else:
        _show(shown, url, older=len(wanted) - len(shown), others=len(views) + unread - len(wanted))
        if waiting:
            _tell_absence(found)


def _tell_absence(found: "RelayQueue") -> None:
    """Say that no daemon serves, unless one looks in from time to time and sees to what is open then."""
    from aexp.airgapped.defaults import system_clock
    from aexp.airgapped.visits import last_visit_s

    if last_visit_s(found.storage, system_clock()) is None:
        tell_absence(found, "what is open is seen to once one is started")


def _filter(
    states: tuple[str, ...], ops: tuple[str, ...], folder: str | None, since: float | None
) -> "Callable[[RequestView], bool]":
    """Whether a request is asked for."""

    def fits(view: "RequestView") -> bool:
        return (
            (not states or view.state in states or ended(view) in states)
            and (not ops or view.op in ops)
            and (folder is None or f"{view.cwd}/".startswith(f"{folder.rstrip('/')}/"))
            and (since is None or (view.when is not None and view.when >= since))
        )

    return fits


def folder_of(queue: "RelayQueue", cwd: str | None) -> str | None:
    """The folder that is meant, as requests name it: on this machine, or on that of the queue."""
    if cwd is None:
        return None
    far = queue.storage.far
    if far is not None:
        return far.place(far.folder(cwd))
    return os.path.realpath(os.path.expanduser(cwd))


def _views(found: "RelayQueue", *, only_open: bool) -> "tuple[list[RequestView], int, str]":
    """The requests, each open one with what it waits for; how many more there are; the queue's URL."""
    from aexp.airgapped.ahead import open_requests, waits_in
    from aexp.airgapped.defaults import local_filesystem
    from aexp.airgapped.inspection import request_views

    filesystem = local_filesystem()
    if only_open:
        # Their answers need not be read for that, a week of them.
        answered = {*requests_in(found.storage.list(OUTBOX))}
        views = open_requests(found, filesystem)
        still = [one for one in views if one.request_id not in answered]
        return still, len(answered), found.storage.url
    views = request_views(found)
    if all(view.state in FINAL for view in views):
        return views, 0, found.storage.url
    return waits_in(found, views, filesystem), 0, found.storage.url


def _show(shown: "list[RequestView]", url: str, *, older: int, others: int) -> None:
    """The table, and what is not in it.

    Args:
        older: requests that fit and are not shown.
        others: requests that do not fit.
    """
    from aexp.airgapped.hints import flag_here
    from aexp.cli.render import request_rows, show_table

    flag = flag_here(url)
    if shown:
        show_table(request_rows(shown, time.time(), url))
    elif others:
        told = "1 other" if others == 1 else f"{others} others"
        click.echo(f"No requests that fit; {told}: aexp relay ls{flag}", err=True)
    else:
        click.echo(f"No requests. The first one: aexp relay git-status{flag}", err=True)
    if older:
        click.echo(f"older answers: {older}; aexp relay ls --all{flag}", err=True)
