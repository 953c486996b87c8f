"""The check-up of the daemon: where it serves, how its clock stands, and how late its news is seen here."""

from dataclasses import replace

import pytest

from aexp.airgapped.checkup.of_queue import NEXT_BEAT_S
from aexp.airgapped.heart import Heart
from aexp.domain.findings import Level
from aexp.domain.text import age
from tests.surgery import Surgery


@pytest.fixture
def surgery() -> Surgery:
    return Surgery()


@pytest.mark.parametrize(
    ("behind_s", "words"),
    [(59.0, None), (-59.0, None), (300.0, "5 min ahead of"), (-90.0, "90 s behind")],
)
def test_the_clock_of_the_file_server(surgery: Surgery, behind_s: float, words: str | None) -> None:
    surgery.node.server_behind_s = behind_s
    finding = surgery.findings()["server-clock"]
    assert finding.level == ("ok" if words is None else "warn")
    assert words is None or (words in finding.what and finding.fix)


@pytest.mark.parametrize(
    ("skew_s", "words"), [(0.0, None), (64.0, None), (-59.0, None), (-90.0, "behind")]
)
def test_the_clock_of_the_daemons_node(skew_s: float, words: str | None) -> None:
    surgery = Surgery(host="gpu7")
    surgery.node.beat_written = surgery.clock.wall
    surgery.clock.skew = -skew_s
    daemon = surgery.serve()
    surgery.clock.skew = 0.0
    if abs(skew_s) > 30:
        # Judged by its changes, since it looks old at first sight.
        beats = iter(range(100))

        def beat_on() -> None:
            surgery.clock.skew = -skew_s
            facts = {"host": "login1", "pid": 7, "consent": "login", "n": next(beats)}
            Heart(surgery.storage, str(daemon.me), facts, surgery.clock).beat()
            surgery.clock.skew = 0.0

        surgery.clock.tick = beat_on
    found = surgery.findings()
    assert found["daemon"].what == "serves on login1 (pid 7), consent login"
    assert found["daemon-clock"].level == ("ok" if words is None else "warn")
    assert words is None or words in found["daemon-clock"].what


def test_a_suspended_daemon_of_this_node_is_a_failure_although_it_beat_lately(
    surgery: Surgery,
) -> None:
    surgery.serve()
    assert surgery.findings()["daemon"].level is Level.OK
    assert surgery.standing.posted is not None
    surgery.standing.posted = replace(surgery.standing.posted, suspended=True)
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert finding.what == "the one on this node (pid 7) is suspended and serves nobody"
    assert "`kill -CONT 7`" in finding.fix


def test_no_daemon_is_a_warning_and_one_that_died_a_failure(surgery: Surgery) -> None:
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.WARN
    daemon = surgery.serve()
    surgery.processes.dead.add(str(daemon.me))
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert "gone from this machine" in finding.what
    assert "aexp relay up" in finding.fix


def test_trouble_of_the_daemon_is_a_failure(surgery: Surgery) -> None:
    surgery.serve(trouble="the quota is used up")
    finding = surgery.findings()["daemon"]
    assert finding.level is Level.FAIL
    assert finding.what.endswith("in trouble: the quota is used up")
    assert "aexp relay status" in finding.fix


def beats_late(delay_s: float, skew_s: float = 0.0) -> Surgery:
    """A daemon elsewhere whose next beat comes in sight so many seconds after it was written."""
    surgery = Surgery(host="gpu7")
    surgery.node.server_behind_s = 20.0
    daemon = surgery.serve()
    started = surgery.clock.monotonic()
    written: list[float] = []

    def beat_on() -> None:
        if surgery.clock.monotonic() - started >= 3.0 + delay_s and not written:
            written.append(surgery.clock.wall() - surgery.node.server_behind_s - delay_s)
            facts = {"host": "login1", "pid": 7, "consent": "login", "n": 1}
            surgery.clock.skew = skew_s
            Heart(surgery.storage, str(daemon.me), facts, surgery.clock).beat()
            surgery.clock.skew = 0.0

    surgery.clock.tick = beat_on
    surgery.node.beat_written = lambda: written[0]
    return surgery


@pytest.mark.parametrize("skew_s", [0.0, -25.0])
@pytest.mark.parametrize(("delay_s", "level"), [(0.0, "ok"), (1.5, "ok"), (3.5, "warn")])
def test_how_late_the_other_node_is_seen_whatever_its_clock_says(
    delay_s: float, level: str, skew_s: float
) -> None:
    (finding,) = beats_late(delay_s, skew_s).of("visibility")
    assert finding.level == level
    assert finding.what == f"what login1 writes is seen here after {age(delay_s)}"
    assert bool(finding.fix) == (level == "warn")


def test_a_beat_that_never_comes_in_sight_is_told() -> None:
    surgery = Surgery(host="gpu7")
    surgery.serve()
    started = surgery.clock.monotonic()
    (finding,) = surgery.of("visibility")
    assert finding.level is Level.WARN
    assert "nothing that login1 wrote came in sight within 7 s" in finding.what
    assert surgery.clock.monotonic() - started < NEXT_BEAT_S + 1.0


def test_on_the_daemons_own_node_nothing_is_waited_for(surgery: Surgery) -> None:
    surgery.serve()
    started = surgery.clock.monotonic()
    assert surgery.of("visibility") == []
    assert surgery.clock.monotonic() == started
