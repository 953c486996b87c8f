"""The person's side of grants: where they can be given, and that what is given is what was shown."""

import pytest

from aexp.airgapped.granter import Granter
from aexp.domain.errors import RelayDownError, RelayRejectedError, SettingsError
from aexp.domain.grant_offers import GrantLine, GrantOffer
from tests.login import Counter
from tests.unit.test_approval import Line, Shell


class GrantingLine(Line):
    """A line to a daemon that gives grants, or to none."""

    def __init__(self, *, dead: bool = False) -> None:
        super().__init__()
        self.dead = dead
        self.daemon = Counter()

    def _reached(self) -> Counter:
        if self.dead:
            raise RelayDownError("No daemon takes decisions on this machine.", "Nobody listens.")
        return self.daemon

    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        return self._reached().offer(op, cwd, seconds)

    def grant(self, digest: str, *, keep: bool) -> GrantLine:
        return self._reached().give(digest, keep=keep, by="process 7 on login1")

    def grants(self) -> list[GrantLine]:
        return self._reached().live()

    def revoke(self, prefix: str) -> GrantLine:
        return self._reached().revoke(prefix, "process 7 on login1")


def granter(shell: Shell, *, dead: bool = False) -> Granter:
    return Granter(shell.queue, shell.here, GrantingLine(dead=dead))


def test_what_was_shown_is_granted_listed_and_taken_back() -> None:
    person = granter(Shell())
    shown = person.grant_preview("wandb_sync", "/home/ada/x", 60)
    given = person.grant(shown, keep=True)
    assert (given.op, given.root, given.keep) == ("wandb_sync", "/home/ada/x", True)
    assert person.grants() == [given]
    assert person.revoke(given.id) == given
    assert person.grants() == []


def test_a_span_that_is_too_long_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(SettingsError, match="24 hours"):
        granter(Shell(), dead=True).grant_preview("wandb_sync", "/x", 86401)


@pytest.mark.parametrize(
    ("mode", "why"), [("file", "can forge"), ("signed", "of one request each")]
)
def test_under_a_daemon_that_gives_none_a_person_is_told_why_and_what_to_do(
    mode: str, why: str
) -> None:
    shell = Shell()
    shell.beats(mode)
    person = granter(shell, dead=True)
    for ask in (
        lambda: person.grant_preview("wandb_sync", "/x", 60),
        person.grants,
        lambda: person.revoke("3f2a"),
    ):
        with pytest.raises(RelayRejectedError, match=why) as caught:
            ask()
        assert "--consent login" in caught.value.hint


def test_on_another_machine_a_person_is_told_where_to_go() -> None:
    shell = Shell(host="gpu7")
    shell.beats("login")
    with pytest.raises(RelayDownError, match="only on the machine where the daemon runs") as caught:
        granter(shell, dead=True).grants()
    assert "ssh -t login1 aexp relay grants" in caught.value.hint
    with pytest.raises(RelayDownError) as caught:
        granter(shell, dead=True).grant_preview("wandb_sync", "/home/ada/a b", 7200)
    typed = "ssh -t login1 aexp relay grant wandb_sync --cwd '/home/ada/a b' --for 7200s"
    assert typed in caught.value.hint
    with pytest.raises(RelayDownError) as caught:
        granter(shell, dead=True).grant_preview("wandb_sync", "/home/ada/\x1b[2K", 7200)
    assert "--cwd DIR" in caught.value.hint


def test_without_a_daemon_a_person_is_told_to_start_one() -> None:
    with pytest.raises(RelayDownError, match="No daemon serves the queue") as caught:
        granter(Shell(), dead=True).grant_preview("wandb_sync", "/x", 60)
    assert "aexp relay serve" in caught.value.hint
