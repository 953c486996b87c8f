"""What a command that a person is told to type says of the queue."""

from pathlib import Path

import pytest

from aexp.airgapped.defaults import queue_flag


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
