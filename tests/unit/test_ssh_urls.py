"""What an ``ssh://`` URL may hold that somebody else has written, and what is shown of a refused one."""

import pytest

from aexp.adapters.storage.ssh.address import read_address
from aexp.domain.errors import SettingsError
from aexp.domain.far import queue_there
from aexp.domain.remote_urls import redacted_url


@pytest.mark.parametrize(
    "location",
    [
        *("login?queue=/a&queue=/b", "login/~/p?aexp=/a&aexp=/b"),
        *("login/~/%1b[2J", "login/%0aid", "login/~/a%00b"),
    ],
)
def test_what_is_said_twice_or_hides_control_characters_is_refused(location: str) -> None:
    with pytest.raises(SettingsError, match="cannot be reached"):
        read_address(location)


def test_an_option_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match="unknown option, que") as refused:
        read_address("login/~/p?que=/x")
    assert refused.value.hint.startswith("Known for ssh://: aexp, queue. Write ssh://")


def test_a_password_in_a_url_that_is_refused_is_not_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        read_address("me:hunter2@login/~/p")
    assert "hunter2" not in f"{refused.value}{refused.value!r}"
    assert "me:[redacted]@login" in refused.value.what


def test_both_readers_of_a_url_find_the_same_queue_in_it() -> None:
    location = "login/~/p#x?queue=/y"
    assert read_address(location).queue == queue_there(f"ssh://{location}") == "/y"


def test_a_password_with_a_slash_in_it_is_not_taken_for_a_path() -> None:
    assert redacted_url("redis://bob:hun/ter2@host/0") == "redis://bob:[redacted]@host/0"
    assert redacted_url("redis://:hun/ter2@host/0") == "redis://:[redacted]@host/0"
    assert redacted_url("redis://u:12/x@h") == "redis://u:[redacted]@h"
    assert redacted_url("https://u:123456/x@h") == "https://u:[redacted]@h"
    assert redacted_url("https://u:\xb2/x@h") == "https://u:[redacted]@h"
    # What git connects to is shown as it is: with a port, it is the host before it.
    for kept in (
        "https://evil.org:443/x@github.com/a",
        "ssh://host:22/a@b",
        "ssh://host/a@b",
        "ssh://[::1]:22/a@b",
    ):
        assert redacted_url(kept) == kept
