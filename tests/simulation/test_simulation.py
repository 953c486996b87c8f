"""The promises of the queue, on 500 seeds of a world in which everything goes wrong.

``python -m tests.simulation`` plays more of them, or one with its trace.
"""

import os
import subprocess
import sys

import pytest

from tests.simulation.run import run

CHUNK = 25
CHUNKS = 20
LONG_SEEDS = 12
CROWD_CHUNKS = 8
LONG_CROWD_SEEDS = 4
ALIKE = (7, 189)
LOST = (90272, 91094)
"""Seeds in which a full disk lets all daemons take each other for dead, and a request was lost."""


@pytest.mark.parametrize("first", range(0, CHUNK * CHUNKS, CHUNK))
def test_every_promise_holds_whatever_the_seed_brings(first: int) -> None:
    for seed in range(first, first + CHUNK):
        report = run(seed)
        assert not report.broken, report.explain()


@pytest.mark.parametrize("first", range(0, CHUNK * CROWD_CHUNKS, CHUNK))
def test_every_promise_holds_where_several_daemons_serve_at_once(first: int) -> None:
    for seed in range(first, first + CHUNK):
        report = run(seed, crowd=True)
        assert not report.broken, report.explain()


@pytest.mark.parametrize("seed", LOST)
def test_a_claim_that_changes_hands_and_comes_back_is_not_lost(seed: int) -> None:
    report = run(seed, crowd=True)
    assert not report.broken, report.explain()


@pytest.mark.parametrize("seed", range(LONG_CROWD_SEEDS))
def test_after_nine_days_nothing_is_left_of_several_daemons(seed: int) -> None:
    report = run(seed, days=True, crowd=True)
    assert not report.broken, report.explain()


@pytest.mark.parametrize("seed", range(LONG_SEEDS))
def test_after_nine_days_nothing_is_left(seed: int) -> None:
    report = run(seed, days=True)
    assert not report.broken, report.explain()


@pytest.mark.parametrize("crowd", [False, True])
@pytest.mark.parametrize("seed", ALIKE)
def test_a_seed_plays_the_same_again(seed: int, crowd: bool) -> None:
    first, second = (run(seed, crowd=crowd).stage.trace.lines(everything=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("crowd", [False, True])
@pytest.mark.parametrize("seed", ALIKE)
def test_a_seed_plays_the_same_in_another_python(seed: int, crowd: bool) -> None:
    first, second = (_played(seed, hash_seed, crowd=crowd) for hash_seed in ("1", "2"))
    here = run(seed, crowd=crowd).stage.trace.lines(everything=True)
    assert first == second
    assert first[: len(here)] == here


def test_a_trace_tells_who_did_what_and_when() -> None:
    lines = run(ALIKE[0]).stage.trace.lines()
    assert any("put_new lease/00000001 -> True" in line for line in lines)
    assert any("NEW r1 " in line for line in lines)
    assert any("ANSWER r1 " in line for line in lines)


def _played(seed: int, hash_seed: str, *, crowd: bool) -> list[str]:
    play = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--all"]
    play += ["--crowd"] if crowd else []
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        play, env=env, capture_output=True, check=False, text=True, timeout=60
    ).stdout.splitlines()
