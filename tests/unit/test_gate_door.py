"""The gate's process: how long it waits for a client, and how many there may be."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.adapters.seats import take_seat
from aexp.cli import gate as door
from aexp.domain.frames import MAX_QUESTION, Frame, FrameReader
from tests.gates import GateWorld


@pytest.fixture
def pipes() -> Iterator[tuple[int, int, int, int]]:
    """Questions (read, write) and answers (read, write)."""
    ends = (*os.pipe(), *os.pipe())
    os.set_blocking(ends[3], False)
    yield ends
    for end in ends:
        os.close(end)


def _converse(pipes: tuple[int, int, int, int]) -> None:
    door._converse(GateWorld().gate, FrameReader(MAX_QUESTION), pipes[3], pipes[0])


def test_a_question_that_comes_letter_by_letter_holds_the_gate_no_longer_than_silence(
    pipes: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "IDLE_S", 0.3)
    over = threading.Event()

    def dribble() -> None:
        for letter in Frame({"n": 1, "verb": "open", "queue": "x" * 3_000}).to_bytes():
            os.write(pipes[1], bytes([letter]))
            if over.wait(0.02):
                return

    client = threading.Thread(target=dribble)
    client.start()
    began = time.monotonic()
    _converse(pipes)
    over.set()
    client.join()
    assert time.monotonic() - began < 20


def test_what_was_asked_before_is_answered_before_the_connection_ends(
    pipes: tuple[int, int, int, int],
) -> None:
    asked = b"".join(Frame({"n": n, "verb": "open"}).to_bytes() for n in (1, 2, 3))
    os.write(pipes[1], asked + b"\xff" * 8)
    with pytest.raises(SystemExit):
        _converse(pipes)
    reader = FrameReader(MAX_QUESTION)
    reader.feed(os.read(pipes[2], 1 << 16))
    answers = [reader.take() for _ in range(3)]
    assert [answer and answer.head["n"] for answer in answers] == [1, 2, 3]


def test_a_client_that_does_not_take_its_answers_is_held_for_gone(
    pipes: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "TAKEN_WITHIN_S", 0.2)
    with pytest.raises(BrokenPipeError):
        door._write(pipes[3], bytes(1 << 20))


def test_there_are_so_many_seats_and_a_process_that_ends_frees_its_own(tmp_path: Path) -> None:
    seats = [take_seat(tmp_path, 3) for _ in range(4)]
    assert seats.count(None) == 1
    held = [seat for seat in seats if seat is not None]
    os.close(held.pop())
    held += [seat for seat in [take_seat(tmp_path, 3)] if seat is not None]
    assert len(held) == 3
    assert take_seat(tmp_path, 3) is None
    for seat in held:
        os.close(seat)


def test_a_seat_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        take_seat(tmp_path, 1)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_where_no_program_can_be_spoken_to_that_is_told(tmp_path: Path, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -P -m aexp relay exec {closed}', sys.executable],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (77, "")
    assert "speaks to a program at the other end of ssh" in done.stderr
