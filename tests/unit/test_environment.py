"""The environment of the operations, and who may be read."""

import os
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.environment import operation_environment, users_ssh_command
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.domain.errors import StorageUnfitError


def test_nothing_may_prompt_or_open_an_editor() -> None:
    env = operation_environment({"HOME": "/home/ada", "DISPLAY": ":0"}, "ssh -v")
    assert env["GIT_TERMINAL_PROMPT"] == "0"
    assert env["GIT_SSH_COMMAND"] == "ssh -v -oBatchMode=yes"
    assert env["SSH_ASKPASS_REQUIRE"] == "never"
    assert {env["GIT_ASKPASS"], env["SSH_ASKPASS"], env["GIT_EDITOR"]} == {"false"}
    assert (env["HOME"], env["GIT_PAGER"]) == ("/home/ada", "cat")
    assert "DISPLAY" not in env


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"])
def test_what_ties_git_to_another_repository_is_dropped(name: str) -> None:
    assert name not in operation_environment({name: "x"}, "ssh")


def test_the_users_own_way_to_ssh_is_kept_in_gits_order(home: Path) -> None:
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "GIT_SSH": "/opt/my ssh"}
    assert users_ssh_command(environ) == "'/opt/my ssh'"
    (home / ".gitconfig").write_text('[core]\n\tsshCommand = "ssh -F none"\n')
    assert users_ssh_command(environ) == "ssh -F none"
    assert users_ssh_command({**environ, "GIT_SSH_COMMAND": "ssh -x"}) == "ssh -x"
    assert users_ssh_command({"PATH": "/nowhere"}) == "ssh"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_read(tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock())
    storage.put("inbox/a", b"x")
    os.chown(tmp_path / "q/inbox/a", 65534, 65534)
    with pytest.raises(StorageUnfitError, match="plain file of this user"):
        storage.read("inbox/a")
