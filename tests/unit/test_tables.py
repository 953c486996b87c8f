"""Tables: whatever stands in them, they fit on the terminal, and say the most that they can there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.cli import render
from aexp.cli.cells import beginning, cells, ending, padded
from aexp.cli.cutting import folder, operation, tail
from aexp.cli.tables import fitted

HOME = "/home/ada"
RUN = "wandb/offline-run-20260102_030405-ab12cd34"
CLIENT = "gpu017-19c29fcf-7863-300655-a920194f"
PENDING = [
    ["ID", "OPERATION", "SENDS", "WAITS", "FROM", "WHERE"],
    ["7c6bfb77", f"wandb_sync {RUN}", "1 run, 3 files, 4.2 KiB", "1.8 s", CLIENT, f"{HOME}/thesis"],
]
HEADINGS = (
    PENDING[0],
    ["ID", "STATE", "OPERATION", "AGE", "RC", "WHERE", "NOTE"],
    ["ID", "OPERATION", "ENDS IN", "USES", "KEPT", "GIVEN BY", "WHERE", "GOES TO"],
    ["TIME", "EVENT", "REQUEST", "WHO", "FACTS"],
    ["DATE", "AGE", "SLUG", "NB", "SIZE", "LARGE", "COMMIT", "README", "PROMOTED", "TITLE"],
)
CELLS = st.one_of(
    st.text(max_size=120),
    st.just(""),
    st.sampled_from([f"wandb_sync {RUN} {RUN}", f"{HOME}/{'x' * 40}/y", CLIENT, "failed-to-start"]),
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    heading = draw(st.sampled_from(HEADINGS))
    ids = st.text("0123456789abcdef", min_size=8, max_size=32)
    row = st.tuples(*(ids if name in ("ID", "REQUEST") else CELLS for name in heading))
    return [heading, *map(list, draw(st.lists(row, min_size=1, max_size=6)))]


def lines(rows: list[list[str]], width: int) -> list[str]:
    """What a terminal of this width shows."""
    found = fitted(rows, width, HOME)
    widths = [max(map(cells, column)) for column in zip(*found, strict=True)]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in found]


@given(tables(), st.integers(40, 300))
def test_no_line_is_longer_than_the_terminal_is_wide_and_ids_are_whole(
    rows: list[list[str]], width: int
) -> None:
    found = fitted(rows, width, HOME)
    widths = [max(map(cells, column)) for column in zip(*found, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    assert len(found) == len(rows)
    for name in {"ID", "REQUEST"} & {*rows[0]}:
        assert [row[found[0].index(name)] for row in found] == [
            row[rows[0].index(name)] for row in rows
        ]


@given(tables())
def test_where_there_is_room_nothing_is_cut_and_no_column_is_missing(rows: list[list[str]]) -> None:
    found = fitted(rows, 2000, "")
    assert [*found[0]] == rows[0]
    kept = [number for number, name in enumerate(rows[0]) if name != "FROM"]
    assert [[row[at] for at in kept] for row in found] == [[row[at] for at in kept] for row in rows]


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (130, "7c6bfb77  wandb_sync wandb/offline-run-20260102_030405-ab12cd34  "
              "1 run, 3 files, 4.2 KiB  1.8 s  gpu017  ~/thesis"),
        (100, "7c6bfb77  wandb_sync wandb/offline-run-20260102_0…  "
              "1 run, 3 files, 4.2 KiB  1.8 s  gpu017  ~/thesis"),
        (80, "7c6bfb77  wandb_sync wandb/of…  1 run, 3 files, 4.2 KiB  1.8 s  gpu017  ~/thesis"),
    ],
)  # fmt: skip
def test_what_waits_fits_on_a_terminal(width: int, told: str) -> None:
    heading, line = lines(PENDING, width)
    assert line == told
    assert heading.split() == PENDING[0]


def test_a_note_is_cut_last_and_columns_without_a_word_go_first() -> None:
    note = "for consent: aexp relay approve 7c6bfb77"
    rows = [
        ["ID", "STATE", "OPERATION", "AGE", "RC", "WHERE", "NOTE"],
        ["7c6bfb77", "pending", f"wandb_sync {RUN} {RUN}", "12 s", "", f"{HOME}/a/thesis", note],
    ]
    told = [lines(rows, width)[1] for width in (97, 90, 80, 60)]
    assert told == [
        f"7c6bfb77  pending  wandb_sync 2 args  12 s  ~/a/thesis  {note}",
        f"7c6bfb77  pending  wandb_sync…  12 s  ~/a/thesis  {note}",
        "7c6bfb77  pending  wandb_sync…  12 s  ~/a/thesis  for consent: aexp relay appro…",
        "7c6bfb77  pending  wandb_sync…  12 s  ~/a/thesis  for conse…",
    ]


SANDBOXES = [
    ["DATE", "AGE", "SLUG", "NB", "SIZE", "LARGE", "COMMIT", "README", "PROMOTED", "TITLE"],
    [
        *("2026-11-23", "2 d", "does-a-longer-warm-up-help", "3", "141.5 KiB", "-", "2026-11-25"),
        *("yes", "-", "Does a longer warm-up help?"),
    ],
    ["2026-11-24", "1 d", "probe", "1", "14.2 KiB", "-", "never", "no", "-", "Probe"],
]


@pytest.mark.parametrize("width", range(44, 200))
def test_the_days_of_a_sandbox_are_whole_however_narrow_the_terminal_is(width: int) -> None:
    for large, promoted in (("-", "-"), ("2 (11.1 MiB)", "4")):
        rows = [SANDBOXES[0], [*SANDBOXES[1]], SANDBOXES[2]]
        rows[1][5], rows[1][8] = large, promoted

        heading, line, _ = lines(rows, width)

        assert {"DATE", "SLUG", "COMMIT", "README"} <= {*heading.split()}
        assert line.startswith("2026-11-23  ")
        assert "  2026-11-25  " in line


def test_of_a_list_of_sandboxes_titles_and_slugs_give_way_first() -> None:
    told = [lines(SANDBOXES, width)[1] for width in (104, 80, 60)]
    assert told == [
        "2026-11-23  2 d  does-a-longer-warm-up-help  3   141.5 KiB  2026-11-25  yes     "
        "Does a longer warm-up h…",
        "2026-11-23  2 d  does-a-longer-w…  3   141.5 KiB  2026-11-25  yes     Does a lo…",
        "2026-11-23  does-a-longer-w…  2026-11-25  yes     Does a lo…",
    ]


@pytest.mark.parametrize(
    ("text", "room", "told"),
    [
        ("git_push origin main", 20, "git_push origin main"),
        ("git_push origin main", 18, "git_push origin m…"),
        ("wandb_sync one two three", 20, "wandb_sync 3 args"),
        ("wandb_sync one two three", 12, "wandb_sync …"),
        ("git_pull", 5, "git_…"),
        ("git_push origin 实验", 20, "git_push origin 实验"),
        ("git_push origin 实验记录", 20, "git_push origin 实…"),
        ("wandb_sync 实验 记录 三", 20, "wandb_sync 3 args"),
    ],
)
def test_an_operation_keeps_its_name_and_how_much_follows(text: str, room: int, told: str) -> None:
    assert operation(text, room) == told


@pytest.mark.parametrize(
    ("path", "room", "told"),
    [
        ("/home/ada/thesis", 20, "~/thesis"),
        ("/home/ada", 20, "~"),
        ("/home/adam/x", 20, "/home/adam/x"),
        ("/home/ada/projects/thesis", 10, "…/thesis"),
        ("/home/ada/a-thesis-with-a-long-name", 10, "…long-name"),
        ("/home/ada/论文/实验记录", 10, "…/实验记录"),
        ("/home/ada/实验记录实验记录", 10, "…实验记录"),
        ("/home/ada/the\u0301se-e\u0301te\u0301", 5, "…-e\u0301te\u0301"),
    ],
)
def test_a_folder_keeps_its_end(path: str, room: int, told: str) -> None:
    assert tail(folder(path, HOME), room) == told


@given(st.text(max_size=40), st.integers(0, 50))
def test_a_part_of_a_text_takes_no_more_columns_than_it_may(text: str, room: int) -> None:
    for part in (beginning(text, room), ending(text, room)):
        assert part in text
        assert cells(part) <= room
    assert cells(padded(text, room)) == max(cells(text), room)
    assert beginning(text, cells(text)) == text
    assert cells(ending(text, cells(text))) == cells(text)


def test_columns_stand_below_each_other_whatever_is_in_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    names = ("实验记录", "e\u0301te\u0301", "plain", "实验记录实验记录实验记录实验记录实验记录")
    render.show_table([["ID", "TITLE", "STATE"], *(["1", name, "ok"] for name in names)])
    told = capsys.readouterr().out.splitlines()
    ends = {cells(re.split("STATE|ok", line)[0]) for line in told}
    assert len(ends) == 1
    assert max(map(cells, told)) <= 60


@pytest.mark.parametrize("on_terminal", [False, True])
def test_a_terminal_gets_what_fits_and_a_pipe_all_of_it(
    on_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: on_terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("HOME", HOME)
    render.show_table(PENDING)
    told = capsys.readouterr().out
    assert (max(map(len, told.splitlines())) <= 80) is on_terminal
    assert all(cell in told for cell in PENDING[1]) is not on_terminal


def test_a_state_has_its_colour_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    render.show_table([["ID", "OPERATION", "STATE"], ["1", "x", "ok"], ["2", "ok", "failed"]])
    first, good, bad = capsys.readouterr().out.splitlines()
    assert "\x1b" not in first
    assert re.findall(r"\x1b\[(3\d)m(\w+)", good + bad) == [("32", "ok"), ("31", "failed")]
