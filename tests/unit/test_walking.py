"""The plain prompt: what happens when things change under a person's eyes."""

from collections.abc import Callable, Iterator

import pytest
import rich_click as click

from aexp.airgapped.granter import Granter
from aexp.cli.walking import Walk
from aexp.domain import layout
from aexp.domain.errors import RelayDownError, SettingsError
from tests.unit.test_approval import ONE, TWO, petition
from tests.unit.test_console import Desk

Answer = str | Callable[[], str]


def walk(desk: Desk, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
    """Walk with these answers, each a text or what gives one when it is asked for."""
    typed: Iterator[Answer] = iter(answers)

    def prompt(*_: object, **__: object) -> str:
        answer = next(typed)
        return answer if isinstance(answer, str) else answer()

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    Walk(desk.approver, Granter(desk.queue, desk.here, desk.line)).go()
    assert next(typed, None) is None


def file_desk() -> Desk:
    desk = Desk(host="gpu7")
    desk.beats("file")
    desk.waits(petition())
    return desk


def test_what_changed_while_it_was_shown_is_not_approved_but_shown_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, after = file_desk(), petition(inventory=("run-1",))

    def changed() -> str:
        desk.waits(after)
        return petition().digest[:4]

    walk(desk, monkeypatch, "a", changed, "a", after.digest[:4])
    told = capsys.readouterr()
    assert "has changed since it was shown; nothing was approved" in told.err
    assert told.err.index("has changed") < told.err.index("sends      run-1")
    assert told.out.count("approved") == 1


def test_what_went_away_while_it_was_shown_is_told_and_the_next_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = file_desk()
    desk.waits(petition(TWO))

    def gone() -> str:
        desk.storage.remove(layout.pending(ONE))
        return petition().digest[:4]

    walk(desk, monkeypatch, "a", gone, "r", "no")
    told = capsys.readouterr()
    assert desk.approved() == {}
    assert "error:" in told.err
    assert told.out == f"rejected {TWO}: wandb_sync in /home/ada/x\n"


def test_a_grant_where_none_are_given_is_told_and_the_request_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = file_desk()
    walk(desk, monkeypatch, "g", "", "g", "1h", "s")
    told = capsys.readouterr().err
    assert "No grants are given here" in told
    assert told.count(f"request    {ONE}") == 2


def test_elsewhere_nothing_is_asked_and_it_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(host="gpu7")
    desk.beats("login")
    desk.waits(petition(), "login")
    with pytest.raises(RelayDownError, match="only on the machine where the daemon runs"):
        walk(desk, monkeypatch)


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = file_desk()
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(SettingsError, match="no terminal"):
        Walk(desk.approver, Granter(desk.queue, desk.here, desk.line)).go()
