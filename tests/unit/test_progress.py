"""From the bytes of a growing log to lines: what is cut where changes nothing."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aexp.domain.progress import MAX_HELD, LogText, ProgressLines, collapsed

CUTS = st.lists(st.integers(0, 60), max_size=6)


def cut(whole: bytes | str, at: list[int]) -> list[bytes | str]:
    """The whole in pieces."""
    places = [0, *sorted(at), len(whole)]
    return [whole[one:two] for one, two in itertools.pairwise(places)]


def lines_of(*texts: str) -> list[str]:
    """What all of the text gives in the end."""
    lines = ProgressLines()
    return [*(line for text in texts for line in lines.feed(text)), *lines.close()]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", []),
        ("one\ntwo\n", ["one\n", "two\n"]),
        ("one\n\ntwo", ["one\n", "\n", "two"]),
        ("10%\r20%\rdone\n", ["done\n"]),
        ("10%\r20%", ["20%"]),
        ("10%\r20%\r", ["20%"]),
        ("windows\r\nends\r\n", ["windows\n", "ends\n"]),
        ("10%\r100%\r\n", ["100%\n"]),
        ("\r\r\n", ["\n"]),
        ("\rlate\n", ["late\n"]),
        ("\r", []),
        ("remote: 50%   \rremote: 100%, done.   \nnext\n", ["remote: 100%, done.   \n", "next\n"]),
    ],
)
def test_of_progress_only_the_last_state_is_given(text: str, given: list[str]) -> None:
    assert lines_of(text) == given
    assert lines_of(*text) == given


@given(st.text("ab\r\n\x1bü", max_size=60), CUTS)
def test_lines_are_the_same_wherever_the_text_is_cut(text: str, at: list[int]) -> None:
    assert lines_of(*cut(text, at)) == lines_of(text)  # type: ignore[arg-type]


def test_a_line_is_given_when_it_has_ended_and_not_before() -> None:
    lines = ProgressLines()
    assert lines.feed("Receiving objects:  50%\rReceiving") == []
    assert lines.feed(" objects: 100%\r") == []
    assert lines.feed("Receiving objects: 100%, done.\nfrom") == [
        "Receiving objects: 100%, done.\n"
    ]
    assert lines.close() == ["from"]
    assert lines.close() == []


def test_a_line_that_never_ends_is_given_in_pieces_and_not_held() -> None:
    lines = ProgressLines()
    given = [piece for _ in range(100) for piece in lines.feed("x" * 5000)]
    assert len(given) > 1
    assert max(map(len, given)) < MAX_HELD + 5001
    assert "".join([*given, *lines.close()]) == "x" * 500_000


def test_progress_that_never_ends_its_line_takes_no_more_room_than_its_state() -> None:
    lines = ProgressLines()
    assert [lines.feed(f"{number}%\r") for number in range(50_000)] == [[]] * 50_000
    assert lines.close() == ["49999%"]


@given(st.text("ab\r\n\x1bü", max_size=60), CUTS)
def test_what_was_given_begins_the_whole_and_goes_on_with_the_rest(
    text: str, at: list[int]
) -> None:
    whole = collapsed(text)
    lines = ProgressLines()
    *pieces, _ = cut(text, at)
    given = "".join(line for piece in pieces for line in lines.feed(str(piece)))
    assert lines.chars == len(given)
    assert lines.begins(whole)
    assert given + "".join(lines.go_on(whole[lines.chars :])) == whole
    assert lines.ends(whole) == bool(whole)


def test_the_line_that_has_not_ended_is_known_as_it_stands() -> None:
    lines = ProgressLines()
    shown = []
    for text in ("a\n10%\r", "20%\r30", "%", "\r\nnext"):
        lines.feed(text)
        shown.append(lines.current)
    assert shown == ["10%", "30", "30%", "next"]


@example(b"\r\xc2", False, [])
@given(st.binary(max_size=60), st.booleans(), CUTS)
def test_a_log_is_decoded_as_an_answer_is_wherever_it_is_cut(
    body: bytes, headed: bool, at: list[int]
) -> None:
    log = b"$ git fetch  (cwd=/home/ada)\n" + body if headed else b"x" + body
    text, lines = LogText(), ProgressLines()
    given = "".join(text.feed(piece) for piece in cut(log, at))  # type: ignore[arg-type]
    answer = (body if headed else log).decode("utf-8", "replace")
    assert given + text.unfinished == answer
    lines.feed(given)
    assert lines.ends(collapsed(answer), text.unfinished) or not collapsed(answer)


def test_an_answer_that_does_not_go_on_from_the_log_is_known() -> None:
    lines = ProgressLines()
    lines.feed("one\ntwo\n")
    assert lines.begins("one\ntwo\nthree\n")
    assert not lines.begins("one\ntoo\nthree\n")
    assert not lines.begins("one\n")
    assert not lines.ends("one\ntwo\nthree\n")


def test_a_log_that_is_nothing_but_its_first_line_says_nothing() -> None:
    text = LogText()
    assert [text.feed(piece) for piece in (b"$", b" git fet", b"ch\n")] == ["", "", ""]
    assert not ProgressLines().ends("anything")


@pytest.mark.parametrize(
    "line",
    [
        "Enumerating objects: 5, done.",
        "remote: Counting objects: 100% (12/12), done.        ",
        "Writing objects: 100% (3/3), 255 bytes | 255.00 KiB/s, done.",
        "remote: Resolving deltas: 100% (1/1), completed with 1 local object.",
        "Delta compression using up to 2 threads",
        "Total 3 (delta 0), reused 0 (delta 0), pack-reused 0 (from 0)",
    ],
)
def test_progress_of_git_that_has_come_to_its_end_is_left_out(line: str) -> None:
    assert collapsed(f"{line}\nTo origin\n") == "To origin\n"


@pytest.mark.parametrize(
    "line",
    ["To the origin 5, done.", "Total 3", "remote: error: denied", "Receiving objects:  42% (4/9)"],
)
def test_what_is_no_finished_progress_of_git_stays(line: str) -> None:
    assert collapsed(f"{line}\n") == f"{line}\n"


@given(st.lists(st.sampled_from(["a", "b\n", "\r", "5%\r", "Total 3\n", "x: 5, done.\n", "\n"])))
def test_in_one_piece_it_is_the_same(pieces: list[str]) -> None:
    apart, whole = ProgressLines(), ProgressLines()
    for piece in pieces:
        assert "".join(apart.feed(piece)) == whole.feed_whole(piece)
    assert apart.close() == whole.close()
