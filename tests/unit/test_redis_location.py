"""What the URL of a queue on a Redis server may say, and what is never shown of it."""

from pathlib import Path

import pytest

from aexp.adapters.storage.redis.location import Location, located
from aexp.domain.errors import SettingsError
from aexp.domain.serving import settings_in


def test_what_is_not_said_is_what_one_would_expect() -> None:
    assert located("redis://redis.example.org", {}) == Location(
        name="relay", shown="redis://redis.example.org", host="redis.example.org", port=6379
    )


def test_all_of_it_can_be_said(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    files = f"ca={tmp_path}/ca.pem&cert={tmp_path}/cert.pem&key={tmp_path}/key.pem"
    url = f"rediss://ada:a%2Fsecret@[::1]:6380/3?name=lab&timeout=2.5&{files}"
    where = located(url, {})
    assert (where.host, where.port, where.db, where.name) == ("::1", 6380, 3, "lab")
    assert (where.user, where.password, where.timeout_s, where.tls) == (
        "ada",
        "a/secret",
        2.5,
        True,
    )
    assert (where.ca, where.key) == (f"{tmp_path}/ca.pem", f"{tmp_path}/key.pem")


def test_a_socket_is_named_by_its_path() -> None:
    where = located("redis+unix:///run/my%20redis.sock?name=lab&db=2", {})
    assert (where.socket, where.db, where.server) == ("/run/my redis.sock", 2, "/run/my redis.sock")


@pytest.mark.parametrize("user", ["ada", ""])
def test_a_password_is_never_shown(user: str) -> None:
    where = located(f"redis://{user}:battery-staple@host/0?name=lab", {})
    assert where.password == "battery-staple"
    assert where.shown == f"redis://{user and 'ada@'}host/0?name=lab"
    assert "battery" not in repr(where)


def test_user_and_password_may_stand_in_the_environment_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("battery-staple\n")
    file.chmod(0o600)
    named = {"AEXP_RELAY_REDIS_USER": "ada", "AEXP_RELAY_REDIS_PASSWORD_FILE": str(file)}
    where = located("redis://host/0", named)
    assert (where.user, where.password) == ("ada", "battery-staple")
    assert where.shown == "redis://host/0"
    said = located("redis://bob:other@host/0", named)
    assert (said.user, said.password) == ("bob", "other")
    plain = {"AEXP_RELAY_REDIS_USER": "ada", "AEXP_RELAY_REDIS_PASSWORD": "correct-horse"}
    assert located("redis://host/0", plain).password == "correct-horse"


def test_a_password_file_that_others_may_open_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("battery-staple\n")
    file.chmod(0o640)
    with pytest.raises(SettingsError, match=r"others may open.*chmod 600") as caught:
        located("redis://ada@host/0", {"AEXP_RELAY_REDIS_PASSWORD_FILE": str(file)})
    assert "battery" not in str(caught.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        located("redis://ada@host/0", {"AEXP_RELAY_REDIS_PASSWORD_FILE": f"{file}.none"})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://ada@host/0", "no password"),
        ("redis://host/zero", "number of a database"),
        ("redis://host/0?name=../lab", "letters, digits"),
        ("redis://host/0?name={lab}", "letters, digits"),
        ("redis://host/0?nmae=lab", "unknown option, nmae"),
        ("redis://host/0?ca=/etc/ca.pem", "unknown option, ca"),
        ("rediss://host/0?ca=/nowhere/ca.pem", "is no file"),
        ("redis://host:port/0", "port"),
        ("redis://host/0?timeout=0", "seconds"),
        ("redis://host/0?open=maybe", "neither yes nor no"),
        ("redis://u:hush-hush@host/0#x", "cannot be read"),
        ("redis://u:hush-hush@ho\x1bst/0", "cannot be read"),
        ("redis+unix://host/path", "names no server"),
        ("redis:///0", "names no server"),
        ("redis://u:hush-hush@host/0?name=a&name=b", "one thing twice"),
    ],
)
def test_a_url_that_cannot_be_is_refused_with_what_one_looks_like(url: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        located(url, {})
    assert caught.value.hint
    assert "hush" not in str(caught.value)


def test_a_password_is_not_remembered_for_the_next_daemon() -> None:
    kept = {"AEXP_RELAY_REDIS_USER": "ada", "AEXP_RELAY_REDIS_PASSWORD_FILE": "/x"}
    assert settings_in({**kept, "AEXP_RELAY_REDIS_PASSWORD": "battery-staple"}) == kept
