"""What every adapter of files of settings promises."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.configuration.files import LocalConfigurationFiles
from aexp.adapters.configuration.memory import MemoryConfigurationFiles
from aexp.ports.configuration import ConfigurationFiles

BODY = {"relay": {"default_timeout": 5}}
TEXT = "relay:\n  default_timeout: 5\n"


def local(root: Path, *, filled: bool) -> ConfigurationFiles:
    (root / ".git").mkdir(parents=True)
    if filled:
        for file in (root / ".aexp/config.yaml", root / "config/aexp/config.yaml"):
            file.parent.mkdir(mode=0o700, parents=True)
            file.write_text(TEXT)
            file.chmod(0o600)
    return LocalConfigurationFiles()


def memory(root: Path, *, filled: bool) -> ConfigurationFiles:
    return (
        MemoryConfigurationFiles(BODY, {str(root): BODY}) if filled else MemoryConfigurationFiles()
    )


@pytest.fixture(params=[local, memory])
def make(request: pytest.FixtureRequest) -> Callable[..., ConfigurationFiles]:
    made: Callable[..., ConfigurationFiles] = request.param
    return made


def test_files_are_found_from_any_folder_of_a_repository(
    make: Callable[..., ConfigurationFiles], tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    files = make(root, filled=True)
    environ = {"XDG_CONFIG_HOME": str(root / "config"), "HOME": "/nowhere"}

    for start in (root, root / "deep" / "er"):
        found = files.repository(str(start))
        assert found is not None
        assert (found.path, found.body) == (f"{root}/.aexp/config.yaml", BODY)
        assert files.repository_path(str(start)) == found.path
    own = files.user(environ)
    assert own is not None
    assert (own.path, own.body, own.loose) == (files.user_path(environ), BODY, "")


def test_where_there_is_no_file_there_is_nothing(
    make: Callable[..., ConfigurationFiles], tmp_path: Path
) -> None:
    files = make(tmp_path / "repo", filled=False)

    assert files.repository(str(tmp_path / "repo")) is None
    assert files.repository_path(str(tmp_path / "repo")) == ""
    assert files.user({"HOME": os.fspath(tmp_path)}) is None
    assert files.user_path({"HOME": os.fspath(tmp_path)}) != ""
