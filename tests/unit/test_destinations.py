"""Where operations may connect: URLs, what is remembered of them, and who is asked about a change."""

from dataclasses import replace

import pytest

from aexp.domain.destinations import Destination, host_of, judge
from aexp.domain.git_setting import Setting
from aexp.domain.remote_urls import (
    Transport,
    lfs_endpoint,
    path_of,
    redacted_url,
    rewritten,
    transport,
)

FETCH = Destination("origin", "fetch", "https://git.example.org/a.git")
PUSH = Destination("origin", "push", "https://git.example.org/a.git")
MOVED = Destination("origin", "fetch", "https://evil.example.net/a.git")


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("https://git.example.org/a.git", Transport.HTTPS),
        ("https://ada:token@git.example.org:8443/a.git", Transport.HTTPS),
        ("https://[::1]:8443/a.git", Transport.HTTPS),
        ("ssh://git@git.example.org:22/a.git", Transport.SSH),
        ("git@github.com:ada/a.git", Transport.SSH),
        ("host:a.git", Transport.SSH),
        ("/srv/git/a.git", Transport.PATH),
        ("../a.git", Transport.PATH),
        ("file:///srv/git/a.git", Transport.PATH),
        ("http://git.example.org/a.git", Transport.NONE),
        ("git://git.example.org/a.git", Transport.NONE),
        ("ext::sh -c evil", Transport.NONE),
        ("fd::17", Transport.NONE),
        ("persistent-https::x", Transport.NONE),
        ("-oProxyCommand=evil:x", Transport.NONE),
        ("ssh://-oProxyCommand=evil/x", Transport.NONE),
        ("git@-oProxyCommand=evil:x", Transport.NONE),
        ("https://git.example.org/a\nb", Transport.NONE),
        ("--upload-pack=evil", Transport.NONE),
        ("ftp://git.example.org/a", Transport.NONE),
        ("", Transport.NONE),
    ],
)
def test_a_url_is_of_a_known_kind_or_not_used(url: str, way: Transport) -> None:
    assert transport(url) is way


def test_a_path_is_told_from_a_host() -> None:
    assert path_of("file:///a/b") == "/a/b"
    assert path_of("./a:b") == "./a:b"
    assert path_of("a:b") is None


def test_the_first_use_is_remembered_and_a_change_is_asked_about() -> None:
    assert judge([FETCH], []).first == (FETCH,)
    assert judge([FETCH], [FETCH]) == judge([], [])
    assert judge([MOVED], [FETCH]).questions == ((MOVED, FETCH),)


def test_a_remote_that_appears_later_is_asked_about() -> None:
    new = Destination("extra", "fetch", "https://evil.example.net/x")
    assert judge([FETCH, new], [FETCH]).questions == ((new, None),)


def test_pushing_to_where_one_fetches_from_is_nothing_new() -> None:
    assert judge([PUSH], [FETCH]).first == (PUSH,)
    assert judge([MOVED], [FETCH, replace(MOVED, verb="push")]).first == (MOVED,)
    elsewhere = Destination("origin", "push", "https://evil.example.net/a.git")
    assert judge([elsewhere], [FETCH]).questions == ((elsewhere, None),)


def test_strict_asks_also_about_the_first_use() -> None:
    assert judge([FETCH], [], strict=True).questions == ((FETCH, None),)


def test_large_files_that_go_to_another_host_are_asked_about_at_once() -> None:
    led = Destination("origin", "push", FETCH.url, "https://evil.example.net/lfs")
    assert judge([led], []).questions == ((led, None),)
    near = Destination("origin", "push", FETCH.url, "https://git.example.org/lfs")
    assert judge([near], []).first == (near,)


def test_the_host_of_a_url() -> None:
    urls = ["https://u:p@H.org:1/x", "ssh://u@h.org/x", "u@h.org:x", "https://[::1]:2/x", "/a/b"]
    assert [host_of(url) for url in urls] == ["h.org", "h.org", "h.org", "[::1]", ""]


def test_git_lfs_is_led_by_its_own_rule() -> None:
    assert lfs_endpoint("https://h.org/a") == "https://h.org/a.git/info/lfs"
    assert lfs_endpoint("https://h.org/a.git/") == "https://h.org/a.git/info/lfs"
    assert lfs_endpoint("git@h.org:a.git") == "git@h.org:a.git"
    assert lfs_endpoint("/srv/a.git") == "file:///srv/a.git"


def test_the_users_own_rules_are_applied_before_a_url_is_judged() -> None:
    rules = [
        Setting("url.git@h.org:.insteadof", "gh:"),
        Setting("url.https://m.org/.insteadof", "gh:lab/"),
        Setting("url.ssh://push.org/.pushinsteadof", "https://h.org/"),
        Setting("url.x.other", "gh:"),
    ]
    assert rewritten("gh:a", rules) == "git@h.org:a"
    assert rewritten("gh:lab/a", rules) == "https://m.org/a"
    assert rewritten("https://h.org/a", rules) == "https://h.org/a"
    assert rewritten("https://h.org/a", rules, push=True) == "ssh://push.org/a"
    assert rewritten("gh:a", rules, push=True) == "git@h.org:a"


def test_a_token_in_a_url_is_not_shown() -> None:
    assert redacted_url("https://ada:secret@h.org/a") == "https://ada:[redacted]@h.org/a"
    assert redacted_url("https://secret@h.org/a") == "https://[redacted]@h.org/a"
    assert redacted_url("ssh://git@h.org/a") == "ssh://git@h.org/a"
    assert redacted_url("git@h.org:a") == "git@h.org:a"
