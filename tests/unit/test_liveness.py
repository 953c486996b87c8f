"""Judging a beat on the reader's own clock."""

from aexp.domain.liveness import BeatWatch, Verdict


def watched(*sights: tuple[float, bytes | None], old: bool = False) -> Verdict:
    watch = BeatWatch()
    verdict = Verdict.UNSURE
    for when, beat in sights:
        verdict = watch.see(beat, when, looks_old=old)
    return verdict


def every_second(beat: bytes, start: int, end: int) -> list[tuple[float, bytes | None]]:
    return [(float(second), beat) for second in range(start, end)]


def test_no_beat_at_the_first_look_means_down_at_once() -> None:
    assert watched((0.0, None)) is Verdict.DOWN


def test_a_beat_that_changes_is_alive_whatever_it_looks_like() -> None:
    assert watched((0.0, b"1"), (5.0, b"2"), old=True) is Verdict.ALIVE


def test_a_beat_that_looks_fresh_has_thirty_seconds_to_change() -> None:
    assert watched(*every_second(b"1", 0, 30)) is Verdict.UNSURE
    assert watched(*every_second(b"1", 0, 31)) is Verdict.DOWN


def test_a_beat_that_looks_old_has_one_interval_and_a_half() -> None:
    assert watched(*every_second(b"1", 0, 8), old=True) is Verdict.UNSURE
    assert watched(*every_second(b"1", 0, 9), old=True) is Verdict.DOWN


def test_a_beat_that_stops_changing_is_down_after_thirty_seconds() -> None:
    living = [(0.0, b"1"), (5.0, b"2")]
    assert watched(*living, *every_second(b"2", 6, 35)) is Verdict.ALIVE
    assert watched(*living, *every_second(b"2", 6, 36)) is Verdict.DOWN


def test_a_reader_that_was_itself_paused_starts_its_time_again() -> None:
    assert watched((0.0, b"1"), (5.0, b"2"), (500.0, b"2")) is Verdict.ALIVE
    assert (
        watched((0.0, b"1"), (5.0, b"2"), (500.0, b"2"), *every_second(b"2", 501, 531))
        is Verdict.DOWN
    )


def test_a_beat_that_vanishes_for_a_moment_may_be_a_hand_over() -> None:
    assert watched((0.0, b"1"), (1.0, None)) is Verdict.UNSURE
    assert watched((0.0, b"1"), (1.0, None), (2.0, None), (3.0, None)) is Verdict.DOWN
    assert watched((0.0, b"1"), (1.0, None), (2.0, b"other")) is Verdict.ALIVE
