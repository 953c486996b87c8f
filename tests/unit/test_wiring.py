"""That the container can build everything it knows, and where settings come from."""

import os
from pathlib import Path

import pytest

import aexp
from aexp import airgapped
from aexp.airgapped.defaults import cwd_names, open_queue, queue_folder, system_clock
from aexp.container import Container
from aexp.domain.errors import SettingsError
from aexp.settings import Settings, load_settings

SOURCE = Path(aexp.__file__).parent


def test_dependency_injector_is_imported_by_the_container_alone() -> None:
    importers = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if "dependency_injector" in path.read_text(encoding="utf-8")
    ]
    assert importers == ["container.py"]


def test_every_provider_of_the_container_can_be_built(tmp_path: Path, home: Path) -> None:
    container = Container(settings=Settings(queue=str(tmp_path / "queue")))
    built = {name: provider() for name, provider in container.providers.items()}
    assert {"daemon", "storage", "workshop", "decisions", "notifier"} <= set(built)
    built["workshop"].close()
    assert not (tmp_path / "queue").exists()


def test_every_public_name_is_there() -> None:
    for name in airgapped.__all__:
        assert getattr(airgapped, name) is not None
        assert name in dir(airgapped)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = airgapped.nothing


def test_a_keyword_wins_over_the_environment_and_that_over_the_default() -> None:
    environ = {"AEXP_RELAY_QUEUE": "/env/queue", "AEXP_RELAY_TIMEOUT": "5"}
    assert load_settings({}).queue == "~/.relay"
    assert load_settings(environ).queue == "/env/queue"
    assert load_settings(environ, queue="/given").queue == "/given"
    assert load_settings(environ, default_timeout=None).default_timeout == 5.0


@pytest.mark.parametrize("value", ["soon", "-1", "nan"])
def test_a_setting_that_cannot_be_used_is_named(value: str) -> None:
    with pytest.raises(SettingsError, match="default_timeout"):
        load_settings({"AEXP_RELAY_TIMEOUT": value})


@pytest.mark.parametrize(
    ("text", "folder"),
    [("~/.relay", "{home}/.relay"), ("file:///a/b", "/a/b"), ("/a/../b/", "/b"), ("file:///a%20b", "/a b"),
     ("rel/q", "{cwd}/rel/q"), ("file://~/q", "{home}/q"), ("file://localhost/a", "/a")],
)  # fmt: skip
def test_a_path_or_url_names_the_queues_folder(home: Path, text: str, folder: str) -> None:
    assert open_queue(text, system_clock()).folder == folder.format(home=home, cwd=os.getcwd())


@pytest.mark.parametrize(
    "text",
    ["carrier-pigeon://roof/0", "s3://bucket/q", "file://host/q", "~nosuchuser-zz/q", "a\nb"],
)
def test_a_queue_that_cannot_be_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError):
        open_queue(text, system_clock())


def test_the_environment_names_the_default_queue(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_queue(None, system_clock()).folder == f"{home}/.relay"
    monkeypatch.setenv("AEXP_RELAY_QUEUE", str(home / "elsewhere"))
    assert open_queue(None, system_clock()).folder == f"{home}/elsewhere"
    assert queue_folder("~") == str(home)


def test_open_names_are_names_and_not_paths() -> None:
    assert cwd_names(" projects, data ,,") == {"projects", "data"}
    for text in ("a/b", "..", "x,/etc"):
        with pytest.raises(SettingsError, match="which is a path"):
            cwd_names(text)
