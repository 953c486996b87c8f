"""What a site costs its file server: calls a second for N users, from what one user was measured to cost.

::

    python -m benchmarks.site_model RESULTS.json [--daemons 1] [--waiting 0.2] [--requests 6] [--to FOLDER]

A call is one that asks the filesystem for something (see :mod:`benchmarks.calls`). A network filesystem
answers some of them from its caches, so this is the most that the server sees.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aexp.domain.polling import DAEMON_DOZING_S, daemon_wait
from benchmarks.results import Results

LOOK_CALLS = 3.0
"""Calls of one look at a folder: open it, read it, read that there is no more."""
ORIGINAL_CLIENT_LOOKS = 4.0
"""Looks a second: a client of the original polls every 250 ms for as long as it waits."""
ORIGINAL_WAIT_S = 0.5
"""Seconds that a client of the original waits for a short operation (``round_trip.original.p50``)."""
MOST_USERS = 10_000
_USERS = (10, 30, 100, 300, 1000, 3000, MOST_USERS)


@dataclass(frozen=True)
class Schedule:
    """What one process costs.

    Attributes:
        daemon: calls a second of a daemon that has nothing to do.
        waiting: calls a second of a client that has waited for minutes.
        request: calls of one short request, of both sides together.
        cools_down: whether the daemon looks more often for some minutes after each request.
    """

    name: str
    daemon: float
    waiting: float
    request: float
    cools_down: bool = False


@dataclass(frozen=True)
class Habits:
    """What a user does, on average.

    Attributes:
        daemons: that run for them.
        waiting: clients that wait, at any moment.
        requests: an hour, evenly spaced: what comes together costs less.
    """

    daemons: float = 1.0
    waiting: float = 0.2
    requests: float = 6.0


def load(schedule: Schedule, habits: Habits, users: int) -> float:
    """Calls a second of that many users."""
    a_second = habits.requests / 3600
    request = schedule.request
    if schedule.cools_down and a_second:
        request += LOOK_CALLS * looks_more(1 / a_second)
    each = habits.daemons * schedule.daemon + habits.waiting * schedule.waiting + a_second * request
    return users * each


def looks_more(quiet_s: float) -> float:
    """How many more looks a daemon takes in so much quiet after a request than in the long run."""
    at, looks = 0.0, 0
    while at < quiet_s:
        at += daemon_wait(at)
        looks += 1
    return looks - at / DAEMON_DOZING_S


def ours(results: Results) -> Schedule:
    """What was measured of ours.

    Raises:
        LookupError: the run lacks a figure.
    """
    request = _median(results, "operations.client") + _median(results, "operations.daemon")
    daemon, waiting = _median(results, "idle.daemon.calls"), _median(results, "idle.client.calls")
    return Schedule("ours", daemon, waiting, request, cools_down=True)


def original(results: Results) -> Schedule:
    """The same code on the original's schedule: the daemon was measured, the client's looks are counted."""
    waiting = ORIGINAL_CLIENT_LOOKS * LOOK_CALLS
    request = ours(results).request + ORIGINAL_WAIT_S * waiting
    return Schedule("original schedule", _median(results, "idle.original.calls"), waiting, request)


def table(schedules: Sequence[Schedule], habits: Habits) -> str:
    """The model as text."""
    lines = ["calls a second   " + "".join(f"{one.name:>20}" for one in schedules)]
    for users in _USERS:
        loads = "".join(f"{load(one, habits, users):>20,.0f}" for one in schedules)
        lines.append(f"{users:>7,} users    {loads}")
    return "\n".join(lines)


def draw(schedules: Sequence[Schedule], habits: Habits, folder: Path) -> list[Path]:
    """The model as a picture; the files that were written."""
    from benchmarks.plots import OURS, THEIRS, picture

    with picture(folder / "site_model") as (axes, written):
        for one, colour in zip(schedules, (OURS, THEIRS), strict=True):
            loads = [load(one, habits, users) for users in _USERS]
            axes.loglog(_USERS, loads, "o-", color=colour, label=one.name)
        axes.set_xlabel("users")
        axes.set_ylabel("calls a second on the file server")
        axes.legend(frameon=False)
        axes.grid(visible=True, alpha=0.3)
    return written


def _median(results: Results, name: str) -> float:
    found = results.find(name)
    if found is None:
        raise LookupError(f"the run lacks {name}: take the measures idle and operations")
    return found.median


def main(words: Sequence[str] | None = None) -> int:
    """Print the model; with ``--to`` draw it as well."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.site_model", description=__doc__.split("\n")[0]
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--daemons", type=float, default=Habits.daemons)
    parser.add_argument("--waiting", type=float, default=Habits.waiting)
    parser.add_argument("--requests", type=float, default=Habits.requests, help="an hour")
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    args = parser.parse_args(words)
    try:
        results = Results.load(args.results)
        schedules = (ours(results), original(results))
    except (OSError, ValueError, LookupError) as exc:
        print(exc, file=sys.stderr)
        return 2
    habits = Habits(args.daemons, args.waiting, args.requests)
    print(table(schedules, habits))
    if args.to is not None:
        for path in draw(schedules, habits, args.to):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
