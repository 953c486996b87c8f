"""What a command that a person is told to type says of the queue."""

from pathlib import Path

import pytest

from aexp.airgapped.defaults import queue_flag
from aexp.airgapped.hints import approve_hint, flag_here, serve_hint, wait_hint


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("AEXP_RELAY_QUEUE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_usual_queue_needs_no_name_and_another_one_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queue_flag(f"{home}/other") == f" --queue {home}/other"
    for usual in (None, "", "~/.relay", f"{home}/.relay"):
        if usual is not None:
            monkeypatch.setenv("AEXP_RELAY_QUEUE", usual)
        assert queue_flag(f"{home}/.relay") == ""


def test_the_usual_queue_is_named_where_the_environment_sets_another(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEXP_RELAY_QUEUE", f"{home}/other")
    assert queue_flag(f"{home}/.relay") == f" --queue {home}/.relay"


@pytest.mark.parametrize("text", ["relay:\n  queue: /elsewhere\n", "relay: [no settings"])
def test_the_usual_queue_is_named_where_a_file_sets_another_or_cannot_be_read(
    home: Path, text: str
) -> None:
    for file in (home / "config/aexp/config.yaml", home / ".config/aexp/config.yaml"):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert queue_flag(f"{home}/.relay") == f" --queue {home}/.relay"


REDIS = "redis://host/0?name=lab"


@pytest.mark.parametrize("by", ["environment", "file"])
def test_what_is_typed_next_in_this_shell_names_no_queue_that_is_set_here(
    home: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    for named, url in ((REDIS, REDIS), ("~/other", f"{home}/other"), ("file:///a%20b", "/a b")):
        if by == "environment":
            monkeypatch.setenv("AEXP_RELAY_QUEUE", named)
        else:
            own_file(home, f"relay:\n  queue: {named}\n")
        assert (flag_here(url), wait_hint("0123456789", url)) == ("", "aexp relay wait 01234567")
        # Another machine's shell need not have what this one has.
        assert " --queue " in queue_flag(url)
        assert " --queue " in serve_hint(url)
        assert " --queue " in approve_hint("0123456789", url)
        for other in ("/elsewhere", f"{home}/.relay"):
            assert flag_here(other) == f" --queue {other}"


def test_a_queue_is_named_where_only_some_commands_would_reach_it_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_file(home, f"relay:\n  queue: {home}/other\n")
    file = home / "repo/.aexp/config.yaml"
    file.parent.mkdir(parents=True)
    (home / "repo/.git").mkdir()
    file.write_text("relay:\n  queue: ~/of-the-repository\n")
    monkeypatch.chdir(home / "repo")
    for queue in ("other", "of-the-repository"):
        assert flag_here(f"{home}/{queue}") == f" --queue {home}/{queue}"
    file.unlink()
    assert flag_here(f"{home}/other") == ""
    monkeypatch.setenv("AEXP_RELAY_QUEUE", "rel")
    assert flag_here(f"{home}/repo/rel") == f" --queue {home}/repo/rel"


def own_file(home: Path, text: str) -> None:
    for file in (home / "config/aexp/config.yaml", home / ".config/aexp/config.yaml"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for place in (file, *file.parents[:3], home):
            place.chmod(0o700)
