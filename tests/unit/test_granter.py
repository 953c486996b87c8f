"""The person's side of grants: where they can be given, and that what is given is what was shown."""

import shlex
from dataclasses import replace

import pytest

from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.journal.memory import MemoryJournal
from aexp.adapters.post.memory import Ground, MemoryPost
from aexp.airgapped.audit import Audit
from aexp.airgapped.granter import Granter
from aexp.airgapped.kept_grants import KeptGrants
from aexp.domain.destinations import Destination
from aexp.domain.errors import (
    RelayBusyError,
    RelayDownError,
    RelayNotFoundError,
    RelayRejectedError,
    SettingsError,
)
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.grants import Grant, Scope
from aexp.ports.post import Posted
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


class Kept:
    """A machine on which a daemon kept two grants, and a shell there."""

    def __init__(self) -> None:
        self.shell, self.line = Shell(), GrantingLine(dead=True)
        self.ground, self.memory, self.journal = Ground(), MemoryGrants(), MemoryJournal()
        boot, wall = self.shell.here.me.host, self.shell.clock.wall()
        scope = Scope("git_push", "/home/ada/x", "7", (Destination("origin", "push", "u"),))
        now = self.shell.clock.monotonic()
        late = Grant("aa" * 8, scope, 90.0, now + 90, wall + 90, boot, "ada", keep=True, uses=2)
        self.memory.remember(late)
        self.memory.remember(replace(late, id="bb" * 8, ends=now + 60, ends_wall=wall + 60))
        self.memory.remember(replace(late, id="cc" * 8, keep=False))
        parts = (MemoryPost(self.ground, self.shell.here), self.memory, self.shell.here)
        kept = KeptGrants(*parts, self.shell.clock, Audit(self.journal))
        self.person = Granter(self.shell.queue, self.shell.here, self.line, lambda: kept)

    def known(self) -> set[str]:
        return {one.id[:2] for one in self.memory.all()}


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
    _, typed = caught.value.hint.split("ssh -t login1 ")
    # Both shells read it: the one in which it is pasted, and the one of the host.
    (there,) = shlex.split(typed)
    assert there.startswith("aexp relay grant wandb_sync --cwd '/home/ada/a b' --for 7200s")
    with pytest.raises(RelayDownError) as caught:
        granter(shell, dead=True).grant_preview("wandb_sync", "/home/ada/\x1b[2K", 7200)
    assert "--cwd DIR" in caught.value.hint


def test_without_a_daemon_a_person_is_told_to_start_one() -> None:
    with pytest.raises(RelayDownError, match="No daemon serves the queue") as caught:
        granter(Shell(), dead=True).grant_preview("wandb_sync", "/x", 60)
    assert "aexp relay up" in caught.value.hint


def test_without_a_daemon_what_is_kept_here_is_listed_and_taken_back() -> None:
    kept = Kept()
    assert [one.short for one in kept.person.grants()] == ["bbbb", "aaaa"]
    assert not kept.person.served
    gone = kept.person.revoke("aa")
    assert (gone.id, gone.destinations, gone.uses) == ("aa" * 8, ("origin (push): u",), 2)
    assert [one.short for one in kept.person.rest()] == ["bbbb"]
    with pytest.raises(RelayNotFoundError, match="No kept grant begins with aa"):
        kept.person.revoke("aa")
    kept.person.revoke("b")
    assert kept.person.rest() == []
    # The next daemon tells of what was lost with the last one.
    assert kept.known() == {"cc"}
    assert [entry.event for entry in kept.journal.entries] == ["grant-revoked"] * 2
    with pytest.raises(RelayDownError, match="No daemon serves"):
        kept.person.grants()


def test_what_has_ended_meanwhile_is_not_listed() -> None:
    kept = Kept()
    kept.shell.clock.advance(61)
    assert [one.short for one in kept.person.grants()] == ["aaaa"]


def test_a_grant_is_not_given_without_a_daemon_whatever_is_kept() -> None:
    with pytest.raises(RelayDownError):
        Kept().person.grant_preview("wandb_sync", "/x", 60)


def test_a_daemon_that_stands_here_and_does_not_answer_is_not_passed_by() -> None:
    kept = Kept()
    kept.ground.posted = Posted(kept.shell.daemon.me)
    for ask in (kept.person.grants, lambda: kept.person.revoke("aa")):
        with pytest.raises(RelayDownError):
            ask()
    assert kept.known() == {"aa", "bb", "cc"}


@pytest.mark.parametrize("hears", [True, False])
def test_a_daemon_that_starts_meanwhile_does_not_go_on_with_it(
    hears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    forget = kept.memory.forget

    def starts(ids: list[str]) -> None:
        """It has read the memory, and is heard of only after that was changed."""
        line = kept.person.grants()[-1]
        forget(ids)
        kept.line.dead = not hears
        kept.line.daemon.given[line.id] = line
        kept.ground.posted = Posted(kept.shell.daemon.me)

    monkeypatch.setattr(kept.memory, "forget", starts)
    if hears:
        assert kept.person.revoke("aa").short == "aaaa"
        assert kept.line.daemon.given == {}
        return
    with pytest.raises(RelayBusyError, match="may still have it"):
        kept.person.revoke("aa")
