"""``python -m tests.simulation --seed N [--trace | --all] [--crowd] | --seeds A-B | --minutes M``."""

import argparse
import sys
import time
from collections.abc import Iterable
from itertools import count

from tests.simulation.run import run


def main() -> int:
    """Play seeds; 0 when every promise held."""
    asked = _arguments()
    if asked.seed is not None:
        report = run(asked.seed, days=asked.days, crowd=asked.crowd)
        if asked.trace or asked.all:
            _say("\n".join(report.stage.trace.lines(everything=asked.all)))
        _say(report.explain(0 if asked.trace or asked.all else 60) if report.broken else "all held")
        return 1 if report.broken else 0
    first, _, last = asked.seeds.partition("-")
    seeds: Iterable[int] = range(int(first), int(last or first) + 1)
    if asked.minutes:
        seeds = count(
            asked.start if asked.start is not None else time.time_ns() // 1_000_000 % 10**9
        )
    crowds = (False, True) if asked.both else (asked.crowd,)
    return _play(seeds, asked.minutes, days=asked.days, crowds=crowds)


def _play(
    seeds: Iterable[int], minutes: float | None, *, days: bool, crowds: tuple[bool, ...]
) -> int:
    began = time.perf_counter()
    bad: list[int] = []
    played = 0
    for seed in seeds:
        if minutes and time.perf_counter() - began > minutes * 60:
            break
        report = run(seed, days=days, crowd=crowds[played % len(crowds)])
        played += 1
        if report.broken:
            bad.append(seed)
            _say(report.explain(25) + "\n")
    took = time.perf_counter() - began
    _say(
        f"{played} seeds in {took:.1f} s ({took / max(played, 1) * 1000:.0f} ms each); broken: {bad}"
    )
    return 1 if bad else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play one seed")
    parser.add_argument("--trace", action="store_true", help="show what happened")
    parser.add_argument("--all", action="store_true", help="show every look as well")
    parser.add_argument("--seeds", default="0-499", metavar="A-B", help="play a range [0-499]")
    parser.add_argument("--minutes", type=float, help="play new seeds for so long")
    parser.add_argument("--start", type=int, help="the first seed of a long run")
    parser.add_argument("--days", action="store_true", help="let nine quiet days pass afterwards")
    parser.add_argument("--crowd", action="store_true", help="let all hosts serve at once")
    parser.add_argument("--both", action="store_true", help="let them do so in every other seed")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
