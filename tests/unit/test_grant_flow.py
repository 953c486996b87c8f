"""Grants in a serving daemon: what runs under one, what waits all the same, and how each one ends."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.adapters.grants.memory import MemoryGrants
from aexp.adapters.journal.memory import MemoryJournal
from aexp.adapters.processes import FakeProcesses
from aexp.airgapped import RelayHandle, RelayRejectedError, State
from aexp.airgapped.approval import approve, reject
from aexp.airgapped.audit import Audit
from aexp.domain.destinations import Destination
from aexp.domain.errors import (
    AexpError,
    RelayNotFoundError,
    RelayStartError,
    RelayStorageError,
    SettingsError,
    StorageFullError,
)
from aexp.domain.grant_offers import GrantLine
from aexp.domain.grants import MOST_GRANTS, Grant
from aexp.ports.workshop import Order, Survey
from tests.world import People, World

SERVER = "https://api.example.org"
EVIL = "https://evil.example.net"


class Site:
    """A world in which wandb_sync leads somewhere, with a trail, and a person who grants."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.server = SERVER
        self.runs: tuple[str, ...] = ("3 runs, 4 KiB in all", "run-1", "run-2", "run-3")
        self.journal = MemoryJournal(world.clock)
        world.audit = Audit(self.journal)
        world.workshop._find = self.find

    def find(self, order: Order, plain: Survey) -> Survey:
        if order.op.startswith("git_"):
            going = Destination("origin", "fetch", self.server)
            return replace(plain, destinations=(going,), configured=(going,))
        going = Destination("wandb", "sync", self.server)
        return replace(plain, root=order.cwd, destinations=(going,), inventory=self.runs)

    def grant(
        self,
        span: float = 60.0,
        op: str = "wandb_sync",
        cwd: Path | None = None,
        *,
        keep: bool = False,
    ) -> GrantLine:
        people = self.world.people.granting
        offer = people.offer(op, str(cwd or self.world.repo), span)
        return people.give(offer.digest, keep=keep, by="process 7 on login1")

    def live(self) -> list[str]:
        return [one.id for one in self.world.people.granting.live()]

    def submit(self, op: str = "wandb_sync", cwd: Path | None = None) -> RelayHandle:
        handle = self.world.client(cwd).submit(op)
        self.world.pass_time(0.5)
        return handle

    def told(self, event: str) -> list[dict[str, Any]]:
        return [
            {**entry.facts, "id": entry.request}
            for entry in self.journal.entries
            if entry.event == event
        ]


@pytest.fixture
def site(world: World) -> Site:
    made = Site(world)
    world.serve()
    return made


def slow(home: Path, seconds: float = 30.0) -> Site:
    """A site whose every command takes a while."""
    made = Site(World(home, lambda _: Plan(duration_s=seconds)))
    made.world.serve()
    return made


def test_under_a_grant_it_runs_at_once_and_everybody_is_told(site: Site) -> None:
    given = site.grant(3600)
    result = site.world.client().wandb_sync()
    assert re.fullmatch(
        rf"ran under grant {given.short} of process 7 on login1, until \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d",
        result.notices[0],
    )
    (used,) = site.told("grant-used")
    assert (used["id"], used["grant"], used["uses"]) == (result.request_id, given.id, 1)
    assert (used["sends"], used["lines"]) == ("3 runs, 4 KiB in all", 4)
    assert re.fullmatch("[0-9a-f]{64}", used["digest"])
    assert site.told("pending") == []
    (granted,) = site.told("granted")
    assert (granted["op"], granted["cwd"]) == ("wandb_sync", str(site.world.repo))
    assert granted["destinations"] == f"wandb (sync): {SERVER}"


def test_it_ends_to_the_second(site: Site) -> None:
    site.grant(60)
    site.world.pass_time(59)
    assert site.submit().result().ok
    site.world.pass_time(0.5)
    assert site.submit().state is State.PENDING
    assert [one["uses"] for one in site.told("grant-expired")] == [1]
    assert site.live() == []


def test_the_time_runs_from_when_it_was_shown_not_from_when_it_was_given(site: Site) -> None:
    people = site.world.people.granting
    offer = people.offer("wandb_sync", str(site.world.repo), 60)
    site.world.pass_time(20)
    given = people.give(offer.digest, keep=False, by="x")
    assert (given.ends_in_s, given.until) == (40, offer.until)


def test_what_could_not_be_started_is_not_said_to_have_run(home: Path) -> None:
    site = Site(World(home, lambda _: Plan(missing=True)))
    site.world.serve()
    site.grant()
    handle = site.submit()
    with pytest.raises(RelayStartError):
        handle.result()
    assert site.world.answer(handle.id).notices == ()
    assert len(site.told("grant-used")) == 1, "the trail says it before anything starts"


def test_a_wall_clock_that_is_set_back_lengthens_nothing(site: Site) -> None:
    site.grant(60)
    site.grant(60, keep=True)
    site.world.clock.skew = -7200
    site.world.pass_time(61)
    assert site.submit().state is State.PENDING


def test_what_leads_elsewhere_waits_for_a_person(site: Site) -> None:
    site.grant()
    site.server = EVIL
    assert site.submit().state is State.PENDING
    site.server = SERVER
    assert site.submit().result().ok


def test_another_operation_waits_for_a_person(site: Site) -> None:
    assert site.submit("git_pull").result().ok
    site.server = EVIL
    site.grant()
    assert site.submit("git_pull").state is State.PENDING


def test_a_git_operation_runs_under_a_grant_which_remembers_nothing(site: Site) -> None:
    assert site.submit("git_pull").result().ok
    site.server = EVIL
    site.grant(60, "git_pull")
    assert site.submit("git_pull").result().ok
    assert [pin.url for pin in site.world.pins.known(site.world.repo)] == [SERVER]
    site.world.pass_time(60)
    assert site.submit("git_pull").state is State.PENDING


def test_any_folder_of_a_working_copy_is_the_working_copy_for_git(site: Site) -> None:
    below = site.world.repo / "src"
    below.mkdir()
    assert site.submit("git_pull").result().ok
    site.server = EVIL
    assert site.grant(60, "git_pull", below).root == str(site.world.repo)
    assert site.submit("git_pull", site.world.repo).result().ok


def test_for_wandb_a_folder_below_or_above_waits(site: Site) -> None:
    below = site.world.repo / "sub"
    below.mkdir()
    site.grant(cwd=below)
    assert site.submit(cwd=site.world.repo).state is State.PENDING
    assert site.submit(cwd=below).result().ok
    (below / "deeper").mkdir()
    assert site.submit(cwd=below / "deeper").state is State.PENDING


def test_a_link_in_place_of_the_folder_leads_out_of_the_grant(site: Site) -> None:
    site.grant()
    other = site.world.home / "other"
    other.mkdir()
    site.world.repo.rename(site.world.home / "away")
    site.world.repo.symlink_to(other)
    assert site.submit(cwd=site.world.repo).state is State.PENDING


def test_a_link_to_the_folder_is_the_folder_and_the_grant_does_not_follow_it_later(
    site: Site,
) -> None:
    link, other = site.world.home / "link", site.world.home / "other"
    other.mkdir()
    link.symlink_to(site.world.repo)
    assert site.grant(cwd=link).root == str(site.world.repo)
    assert site.submit(cwd=link).result().ok
    link.unlink()
    link.symlink_to(other)
    assert site.submit(cwd=link).state is State.PENDING


def test_a_renamed_folder_and_another_one_in_its_place_wait(site: Site) -> None:
    site.grant()
    moved = site.world.home / "moved"
    site.world.repo.rename(moved)
    (site.world.repo / ".git").mkdir(parents=True)
    assert site.submit(cwd=moved).state is State.PENDING
    assert site.submit(cwd=site.world.repo).state is State.PENDING


def test_a_request_that_waits_already_goes_when_what_it_does_is_granted(site: Site) -> None:
    handle = site.submit()
    assert handle.state is State.PENDING
    people = site.world.people.granting
    offer = people.offer("wandb_sync", str(site.world.repo), 60)
    (line,) = offer.waiting
    assert line.startswith(f"{handle.id[:8]}, 3 runs, 4 KiB in all, digest ")
    given = people.give(offer.digest, keep=False, by="process 7 on login1")
    result = handle.result()
    assert f"grant {given.short}" in result.notices[0]
    (approved,) = site.told("approve")
    assert approved["how"].startswith(f"grant {given.short} of process 7 on login1")
    (used,) = site.told("grant-used")
    assert used["digest"] == approved["digest"], "what ran is what people saw of it"


def test_a_waiting_request_whose_runs_have_changed_is_refused_not_run(site: Site) -> None:
    handle = site.submit()
    site.runs = ("run-9",)
    site.grant()
    with pytest.raises(RelayRejectedError, match="has changed since it was shown"):
        handle.result()
    assert site.world.ran == []
    assert site.submit().result().ok


def test_a_waiting_request_that_leads_elsewhere_goes_on_waiting(site: Site) -> None:
    site.server = EVIL
    handle = site.submit()
    site.server = SERVER
    site.grant()
    site.world.pass_time(5)
    assert handle.state is State.PENDING


def test_a_rejection_wins_over_a_grant(site: Site) -> None:
    handle = site.submit()
    reject(site.world.queue, handle.id, "no")
    site.grant()
    with pytest.raises(RelayRejectedError, match="no"):
        handle.result()
    assert site.world.ran == []


def test_more_waiting_requests_than_are_named_are_counted(site: Site) -> None:
    for _ in range(11):
        site.submit()
    offer = site.world.people.granting.offer("wandb_sync", str(site.world.repo), 60)
    assert len(offer.waiting) == 9
    assert offer.waiting[-1] == "and 3 more that wait"


def test_after_a_revocation_what_runs_goes_on_and_what_has_not_started_waits(home: Path) -> None:
    site = slow(home)
    given = site.grant(3600)
    first, second = site.submit(), site.submit()
    assert (first.state, second.state) == (State.RUNNING, State.APPROVED)
    site.world.people.granting.revoke(given.id[:6], "process 8 on login1")
    site.world.pass_time(0.5)
    assert (first.state, second.state) == (State.RUNNING, State.PENDING)
    assert site.submit().state is State.PENDING
    (revoked,) = site.told("grant-revoked")
    assert (revoked["uses"], revoked["taken_back_by"]) == (1, "process 8 on login1")
    assert first.result().ok
    approve(site.world.queue, second.id, site.world.clock)
    assert second.result().ok


def test_what_does_not_come_to_its_turn_before_the_end_waits_for_a_person(home: Path) -> None:
    site = slow(home, 100)
    site.grant(60)
    first, second = site.submit(), site.submit()
    site.world.pass_time(60)
    assert (first.state, second.state) == (State.RUNNING, State.PENDING)
    site.world.pass_time(60)
    assert site.world.ran == ["wandb_sync"]
    assert len(site.told("grant-used")) == 1


def test_a_folder_that_was_swapped_while_its_request_waited_for_its_turn_is_asked_about(
    home: Path,
) -> None:
    site = slow(home)
    site.grant(3600)
    site.submit()
    second = site.submit()
    site.world.repo.rename(site.world.home / "away")
    site.world.repo.mkdir()
    site.world.pass_time(40)
    assert second.state is State.PENDING


def test_with_two_for_the_same_one_may_be_taken_back(site: Site) -> None:
    short, long = site.grant(60), site.grant(600)
    assert site.live() == [short.id, long.id]
    assert f"grant {long.short}" in site.submit().result().notices[0]
    site.world.people.granting.revoke(long.id, "x")
    assert f"grant {short.short}" in site.submit().result().notices[0]


def test_an_offer_is_given_once_and_not_after_five_minutes(site: Site) -> None:
    people = site.world.people.granting
    offer = people.offer("wandb_sync", str(site.world.repo), 3600)
    people.give(offer.digest, keep=False, by="x")
    with pytest.raises(RelayRejectedError, match="nothing was granted"):
        people.give(offer.digest, keep=False, by="x")
    late = people.offer("wandb_sync", str(site.world.repo), 3600)
    site.world.pass_time(300, step=5)
    for digest in (late.digest, "", "0" * 64, offer.digest[:8]):
        with pytest.raises(RelayRejectedError, match="nothing was granted"):
            people.give(digest, keep=True, by="x")
    assert len(site.live()) == 1
    brief = people.offer("wandb_sync", str(site.world.repo), 2)
    site.world.pass_time(2)
    with pytest.raises(RelayRejectedError):
        people.give(brief.digest, keep=False, by="x")


@pytest.mark.thorough
def test_ten_thousand_offers_and_grants_are_bounded(site: Site) -> None:
    people = site.world.people.granting
    first = people.offer("wandb_sync", str(site.world.repo), 3600)
    for _ in range(10_000):
        people.offer("wandb_sync", str(site.world.repo), 3600)
    with pytest.raises(RelayRejectedError):
        people.give(first.digest, keep=False, by="x")
    for _ in range(MOST_GRANTS):
        site.grant(3600)
    with pytest.raises(RelayRejectedError, match="100 grants are live already"):
        site.grant(3600)
    assert len(site.live()) == MOST_GRANTS
    site.world.pass_time(3600, step=30)
    assert site.grant(60).id in site.live()


@pytest.mark.parametrize(
    ("op", "cwd", "why"),
    [
        ("git_status", "repo", "never waits for a person"),
        ("git_clone", "repo", "op is unknown"),
        ("wandb_sync\x1b[2K", "repo", "op is unknown"),
        ("wandb_sync", "", "is the home itself"),
        ("wandb_sync", "..", "does not lie below the home"),
        ("wandb_sync", "repo/.git", r"inside a \.git folder"),
        ("wandb_sync", "missing", "is no folder"),
        ("wandb_sync", "file", "is not a folder"),
        ("wandb_sync", "out", "does not lie below the home"),
    ],
)
def test_what_may_not_be_granted_is_refused_with_a_reason(
    site: Site, op: str, cwd: str, why: str
) -> None:
    (site.world.home / "file").touch()
    (site.world.home / "out").symlink_to("/usr")
    with pytest.raises(RelayRejectedError, match=why) as caught:
        site.world.people.granting.offer(op, str(site.world.home / cwd), 60)
    assert str(caught.value).isprintable()
    assert caught.value.hint


@pytest.mark.parametrize("cwd", ["repo", "", "/home/\x00", "x" * 5000])
def test_a_folder_that_is_no_path_is_refused(site: Site, cwd: str) -> None:
    with pytest.raises(RelayRejectedError, match="The grant's cwd"):
        site.world.people.granting.offer("wandb_sync", cwd, 60)


@pytest.mark.parametrize("seconds", [0.0, -5.0, 86401.0, float("nan")])
def test_a_span_that_a_grant_may_not_have_is_refused(site: Site, seconds: float) -> None:
    with pytest.raises(SettingsError, match="24 hours"):
        site.world.people.granting.offer("wandb_sync", str(site.world.repo), seconds)


def test_a_folder_that_leads_nowhere_cannot_be_granted(world: World) -> None:
    world.serve()
    with pytest.raises(RelayRejectedError, match="leads nowhere"):
        world.people.granting.offer("git_pull", str(world.repo), 60)


def test_a_defect_met_by_a_folder_does_not_end_the_daemon(site: Site) -> None:
    def broken(order: Order, plain: Survey) -> Survey:
        raise KeyError(order.op)

    site.world.workshop._find = broken
    with pytest.raises(RelayRejectedError, match="a defect of the relay"):
        site.world.people.granting.offer("wandb_sync", str(site.world.repo), 60)


def test_a_token_in_a_url_is_neither_shown_nor_told(site: Site) -> None:
    site.server = "https://ada:Zq3vX9kLm2Rt7Yw5@api.example.org"
    given = site.grant()
    assert site.submit().result().ok
    assert "Zq3vX9kLm2Rt7Yw5" not in str(given)
    assert b"Zq3vX9kLm2Rt7Yw5" not in b"".join(site.journal.lines)


def test_too_many_places_for_a_person_to_be_shown_cannot_be_granted(site: Site) -> None:
    many = tuple(Destination(f"r{number}", "fetch", SERVER + "x" * 100) for number in range(100))
    site.world.workshop._find = lambda order, plain: replace(plain, destinations=many)
    with pytest.raises(RelayRejectedError, match="more places than a person can be shown"):
        site.world.people.granting.offer("git_fetch", str(site.world.repo), 60)


@pytest.mark.parametrize("prefix", ["", "zz", "../x", "\x1b", "0" * 5000])
def test_an_id_that_is_none_takes_nothing_back(site: Site, prefix: str) -> None:
    site.grant()
    with pytest.raises(RelayNotFoundError) as caught:
        site.world.people.granting.revoke(prefix, "x")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    assert len(site.live()) == 1


def test_a_prefix_that_fits_two_takes_nothing_back(site: Site) -> None:
    ids = [site.grant().id for _ in range(17)]
    shared = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(RelayNotFoundError, match="grants begin with"):
        site.world.people.granting.revoke(shared, "x")
    assert len(site.live()) == 17


def test_a_killed_daemon_takes_its_grants_with_it_and_the_next_one_says_so(site: Site) -> None:
    given = site.grant(3600)
    site.world.serve(site.world.kill())
    assert site.live() == []
    assert site.submit().state is State.PENDING
    assert [one["grant"] for one in site.told("grant-lost")] == [given.id]
    site.world.serve(site.world.kill())
    assert len(site.told("grant-lost")) == 1


def test_a_daemon_that_ends_says_which_grants_are_lost(site: Site) -> None:
    lost, kept = site.grant(3600), site.grant(3600, keep=True)
    assert site.world.daemon is not None
    site.world.clock.tick = None
    site.world.daemon.finish()
    assert [one["grant"] for one in site.told("grant-lost")] == [lost.id]
    site.world.serve(site.world.kill())
    assert site.live() == [kept.id]
    assert len(site.told("grant-lost")) == 1


def test_one_that_is_kept_goes_on_with_the_rest_of_its_time_and_its_uses(site: Site) -> None:
    given = site.grant(3600, keep=True)
    assert site.submit().result().ok
    site.world.pass_time(1800, step=5)
    site.world.serve(site.world.kill())
    (again,) = site.world.people.granting.live()
    assert (again.id, again.uses, again.keep) == (given.id, 1, True)
    assert 1790 < again.ends_in_s < 1800
    assert site.submit().result().ok
    assert [one["grant"] for one in site.told("grant-kept")] == [given.id]
    site.world.pass_time(1800, step=5)
    assert site.submit().state is State.PENDING
    site.world.serve(site.world.kill())
    assert site.live() == []


def test_one_that_ended_while_no_daemon_ran_is_told_by_the_next(site: Site) -> None:
    given = site.grant(60, keep=True)
    machine = site.world.kill()
    site.world.clock.advance(61)
    site.world.serve(machine)
    assert [one["grant"] for one in site.told("grant-expired")] == [given.id]
    assert site.world.grants.all() == ()


def test_a_reboot_or_another_machine_knows_the_wall_clock_alone(site: Site) -> None:
    site.grant(3600, keep=True)
    site.world.kill()
    site.world.clock.advance(100)
    site.world.clock.skew = 600
    site.world.serve(FakeProcesses("login1-rebooted"))
    (again,) = site.world.people.granting.live()
    assert again.ends_in_s == pytest.approx(2900, abs=60)
    (known,) = site.world.grants.all()
    assert known.seconds == pytest.approx(2900, abs=60)


def test_after_a_reboot_one_that_cannot_be_noted_anew_is_lost(full: Site) -> None:
    full.grant(3600, keep=True)
    full.world.kill()
    FullDisk.room = False
    try:
        full.world.serve(FakeProcesses("login1-rebooted"))
        assert full.live() == []
        assert len(full.told("grant-lost")) == 1
    finally:
        FullDisk.room = True


def test_what_waits_goes_under_a_grant_that_was_kept(site: Site) -> None:
    site.grant(3600, keep=True)
    site.server = EVIL
    handle = site.submit()
    site.server = SERVER
    site.world.serve(site.world.kill())
    assert handle.result().ok


def test_where_nobody_can_give_grants_none_outlives_a_restart(site: Site) -> None:
    site.grant(3600, keep=True)
    People.hears = False
    try:
        site.world.serve(site.world.kill())
    finally:
        People.hears = True
    assert site.submit().state is State.PENDING
    assert len(site.told("grant-lost")) == 1


class FullDisk(MemoryGrants):
    """A memory that can be read, and written only while it has room."""

    room = True

    def remember(self, grant: Grant) -> None:
        if not self.room:
            raise StorageFullError("There is no space left.", "Free some.")
        super().remember(grant)

    def forget(self, ids: Any) -> None:
        if not self.room:
            raise StorageFullError("There is no space left.", "Free some.")
        super().forget(ids)


@pytest.fixture
def full(world: World) -> Site:
    world.grants = FullDisk()
    made = Site(world)
    world.serve()
    return made


def test_what_cannot_be_remembered_is_not_granted(full: Site, world: World) -> None:
    FullDisk.room = False
    try:
        with pytest.raises(StorageFullError):
            full.grant(keep=True)
        assert full.live() == []
        assert full.submit().state is State.PENDING
    finally:
        FullDisk.room = True


def test_a_revocation_counts_although_it_cannot_be_written_and_is_written_later(
    full: Site, world: World
) -> None:
    given = full.grant(3600, keep=True)
    FullDisk.room = False
    try:
        with pytest.raises(RelayStorageError, match="is taken back, but"):
            world.people.granting.revoke(given.id, "x")
        assert full.submit().state is State.PENDING
        world.pass_time(10)
        assert len(world.grants.all()) == 1
    finally:
        FullDisk.room = True
    world.pass_time(10)
    assert world.grants.all() == ()


def test_a_count_that_cannot_be_written_stops_nothing(full: Site) -> None:
    full.grant(3600, keep=True)
    FullDisk.room = False
    try:
        assert full.submit().result().ok
    finally:
        FullDisk.room = True


def test_a_memory_that_cannot_be_read_grants_nothing_and_stops_nothing(world: World) -> None:
    class Broken(MemoryGrants):
        def all(self) -> Any:
            raise RelayStorageError("grants.json is damaged.", "Move it away.")

    world.grants = Broken()
    site = Site(world)
    world.serve()
    assert site.submit().state is State.PENDING


def test_no_error_of_a_grant_is_without_what_to_do(site: Site) -> None:
    people = site.world.people.granting
    for ask in (
        lambda: people.give("x", keep=False, by="x"),
        lambda: people.revoke("aa", "x"),
        lambda: people.offer("git_status", str(site.world.repo), 60),
        lambda: people.offer("wandb_sync", "/", 60),
        lambda: people.offer("wandb_sync", str(site.world.repo), 0),
    ):
        with pytest.raises(AexpError) as caught:
            ask()
        assert caught.value.hint


def test_what_a_person_was_asked_about_is_no_use_of_a_grant(site: Site) -> None:
    """An approval and a grant at once: the person's own yes is what counts."""
    handle = site.submit()
    approve(site.world.queue, handle.id, site.world.clock)
    site.grant()
    assert handle.result().notices == ()
    assert site.told("grant-used") == []
