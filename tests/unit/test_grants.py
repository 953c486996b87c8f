"""The rules of grants: what one covers, when it ends, what is left of it after a restart."""

from dataclasses import replace

import pytest

from aexp.domain.destinations import Destination
from aexp.domain.errors import SettingsError
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.grants import MOST_GRANTS, MOST_S, Grant, Grants, Scope, checked_span, span

HERE = Destination("wandb", "sync", "https://api.example.org")
ELSEWHERE = Destination("wandb", "sync", "https://evil.example.net")
SCOPE = Scope("wandb_sync", "/home/ada/x", "17", (HERE,))


def grant(seconds: float = 60.0, *, keep: bool = False, name: str = "3f2a" * 4) -> Grant:
    """One that was given when the monotonic clock showed 100 and the wall clock 5000."""
    return Grant(name, SCOPE, seconds, 100 + seconds, 5000 + seconds, "boot-1", "ada", keep)


def test_a_scope_covers_itself_and_a_part_of_its_destinations() -> None:
    two = replace(SCOPE, destinations=(HERE, ELSEWHERE))
    assert SCOPE.covers(SCOPE)
    assert two.covers(SCOPE)
    assert not SCOPE.covers(two)


@pytest.mark.parametrize(
    "other",
    [
        {"op": "git_push"},
        {"root": "/home/ada/x/sub"},
        {"root": "/home/ada"},
        {"identity": "18"},
        {"identity": ""},
        {"destinations": (ELSEWHERE,)},
        {"destinations": (replace(HERE, lfs_url="https://evil.example.net"),)},
        {"destinations": (replace(HERE, verb="push"),)},
        {"destinations": ()},
    ],
)
def test_a_scope_covers_nothing_else(other: dict[str, object]) -> None:
    assert not SCOPE.covers(replace(SCOPE, **other))  # type: ignore[arg-type]


def test_it_counts_until_its_very_last_moment_and_no_longer() -> None:
    book = Grants()
    book.add(grant(60))
    assert book.covering(SCOPE, 159.999, 0) is not None
    assert book.covering(SCOPE, 160.0, 0) is None
    assert book.live(160.0, 0) == []
    assert [one.id for one in book.expire(160.0, 0)] == ["3f2a" * 4]
    assert book.expire(160.0, 0) == []


@pytest.mark.parametrize("keep", [False, True])
def test_the_clock_that_shows_less_counts(keep: bool) -> None:
    one = grant(60, keep=keep)
    assert one.left_s(100, one.ends_wall - 3600) == 60, "a wall clock that is set back adds nothing"
    assert one.left_s(100, one.ends_wall - 10) == 10
    assert one.left_s(100, one.ends_wall + 3600) < 0, "the machine was asleep"


def test_of_two_for_the_same_the_longer_one_is_used_and_each_stands_alone() -> None:
    book = Grants()
    book.add(grant(60, name="a" * 16))
    book.add(grant(600, name="b" * 16))
    found = book.covering(SCOPE, 100, 5000)
    assert found is not None
    assert found.id == "b" * 16
    book.remove(["b" * 16])
    found = book.covering(SCOPE, 100, 5000)
    assert found is not None
    assert found.id == "a" * 16


def test_it_is_full_at_its_bound() -> None:
    book = Grants()
    for number in range(MOST_GRANTS):
        assert not book.is_full
        book.add(grant(name=f"{number:016x}"))
    assert book.is_full


def test_uses_are_counted_and_a_grant_that_is_gone_has_none() -> None:
    book = Grants()
    book.add(grant())
    assert [book.used("3f2a" * 4), book.used("3f2a" * 4)][1] == replace(grant(), uses=2)
    assert book.used("0" * 16) is None


def test_only_what_is_to_be_kept_outlives_the_daemon() -> None:
    assert grant(60).revived("boot-1", 100, 5000) is None
    kept = grant(60, keep=True)
    assert kept.revived("boot-1", 130, 5030) == kept
    assert kept.revived("boot-1", 160, 5030) is None


def test_on_the_same_boot_a_wall_clock_that_was_set_back_gives_no_time() -> None:
    again = grant(60, keep=True).revived("boot-1", 130, 4000)
    assert again is not None
    assert again.left_s(130, 4000) == 30


def test_after_a_reboot_the_wall_clock_tells_and_never_gives_more_than_was_given() -> None:
    kept = grant(60, keep=True)
    again = kept.revived("boot-2", 7, 5020)
    assert again is not None
    assert (again.ends, again.boot) == (47, "boot-2")
    assert again.revived("boot-3", 7, 5010) is None, "nor does a second reboot add to it"
    assert kept.revived("boot-2", 7, 5060) is None
    assert kept.revived("boot-2", 7, 4999.9) is None, "a clock that was set back says nothing"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", MOST_S), ("24h", MOST_S)],
)
def test_a_span_is_read(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "h",
        "-1h",
        "+1h",
        "1.5h",
        "2 h",
        "2H",
        "1w",
        "0s",
        "25h",
        "2d",
        "99999999s",
        "2h\n",
        "²h",
    ],
)
def test_a_span_that_is_none_or_too_long_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(SettingsError, match="such as 90s, 30m, 2h or 1d") as caught:
        span(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 0.0, MOST_S + 0.001])
def test_seconds_that_are_no_span_are_refused(seconds: float) -> None:
    with pytest.raises(SettingsError):
        checked_span(seconds)


OFFER = GrantOffer(
    "wandb_sync", "/home/ada/x", ("wandb (sync): u",), 60.0, 5060.0, ("w",), "b", "n"
)


def test_an_offer_travels_whole_and_every_part_of_it_is_in_its_digest() -> None:
    assert GrantOffer.from_dict(OFFER.to_dict()) == OFFER
    changes = {
        "op": "git_push", "root": "/home/ada/y", "destinations": (), "seconds": 61.0, "until": 1.0,
        "waiting": (), "bound": "c", "nonce": "m",
    }  # fmt: skip
    assert changes.keys() == OFFER.to_dict().keys()
    digests = {replace(OFFER, **{name: value}).digest for name, value in changes.items()}  # type: ignore[arg-type]
    assert len(digests | {OFFER.digest}) == len(changes) + 1


def test_what_is_shown_of_an_offer_cannot_act_on_a_terminal() -> None:
    evil = replace(OFFER, root="/home/\x1b[2Ka\n\u202e\u0430", waiting=("x\r\ngoes to    safe",))
    assert all(line.isprintable() and line.isascii() for line in evil.lines())
    assert sum(line.startswith("goes to") for line in evil.lines()) == 1


@pytest.mark.parametrize("name", [*OFFER.to_dict()])
@pytest.mark.parametrize("value", [None, 7, True, float("nan"), [1], {}])
def test_an_answer_that_holds_no_offer_is_an_error(name: str, value: object) -> None:
    if name in ("seconds", "until") and value == 7:
        return
    with pytest.raises(ValueError, match="of the grant"):
        GrantOffer.from_dict({**OFFER.to_dict(), name: value})


def test_a_line_travels_whole_and_is_made_harmless() -> None:
    line = GrantLine("3f2a", "wandb_sync", "/x", ("d",), 1.0, 2.0, 3, True, "ada")
    assert GrantLine.from_dict(line.to_dict()) == line
    evil = GrantLine.from_dict({**line.to_dict(), "by": "\x1b[2K", "destinations": ["\x07"]})
    assert (evil.by, evil.destinations) == (r"\x1b[2K", (r"\x07",))
