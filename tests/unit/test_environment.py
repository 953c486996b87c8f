"""What the operations find in their environment, where the programs are, and who may be read."""

import os
import shlex
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.workshop.environment import (
    base_environment,
    git_environment,
    house_environment,
    ssh_options,
)
from aexp.adapters.workshop.programs import find_git, find_program, safe_path
from aexp.domain.errors import RelayStartError, SettingsError, StorageUnfitError
from tests.world import executable

DAEMON = {
    "HOME": "/home/ada",
    "SSH_AUTH_SOCK": "/run/agent",
    "https_proxy": "http://proxy:3128",
    "DISPLAY": ":0",
    "LD_PRELOAD": "/home/ada/evil.so",
    "PYTHONPATH": "/home/ada/evil",
    "GIT_SSH_COMMAND": "touch /tmp/x",
    "GIT_DIR": "/elsewhere",
    "GIT_EXEC_PATH": "/home/ada/git-core",
    "BASH_ENV": "/home/ada/.evil",
    "WANDB_API_KEY": "key",
}


def whole() -> dict[str, str]:
    base = base_environment(DAEMON, "/usr/bin:/bin")
    return git_environment(
        base, "/node/gitconfig", "/node/config", "ssh -F /node/ssh", "/node/hooks"
    )


def test_only_what_is_on_the_list_comes_along() -> None:
    env = base_environment(DAEMON, "/usr/bin:/bin")
    assert env["SSH_AUTH_SOCK"] == "/run/agent"
    assert env["https_proxy"] == "http://proxy:3128"
    assert set(env) == {
        *("HOME", "SSH_AUTH_SOCK", "https_proxy", "PATH"),
        *("LC_ALL", "TERM", "PAGER", "PYTHONSAFEPATH", "GH_CONFIG_DIR"),
    }


def test_nothing_may_prompt_or_open_an_editor() -> None:
    env = whole()
    assert (env["GIT_TERMINAL_PROMPT"], env["SSH_ASKPASS_REQUIRE"]) == ("0", "never")
    assert {env["GIT_ASKPASS"], env["SSH_ASKPASS"], env["GIT_EDITOR"]} == {"/bin/false"}
    assert (env["GIT_PAGER"], env["GIT_SSH_COMMAND"]) == ("cat", "ssh -F /node/ssh")


def test_what_configuration_could_switch_on_is_switched_off_above_every_file() -> None:
    env = whole()
    belt = {
        env[f"GIT_CONFIG_KEY_{n}"]: env[f"GIT_CONFIG_VALUE_{n}"]
        for n in range(int(env["GIT_CONFIG_COUNT"]))
    }
    assert belt["core.hooksPath"] == "/node/hooks"
    assert belt["core.fsmonitor"] == "false"
    assert belt["push.default"] == "nothing"
    assert belt["safe.bareRepository"] == "explicit"


def test_an_operation_that_connects_to_nothing_may_use_no_protocol() -> None:
    env = house_environment("/node/house", "../..", ())
    assert (env["GIT_ALLOW_PROTOCOL"], env["GIT_WORK_TREE"]) == ("none", "../..")
    assert env["GIT_NO_LAZY_FETCH"] == "1"
    assert house_environment("/h", ".", ("https", "ssh"))["GIT_ALLOW_PROTOCOL"] == "https:ssh"


def test_the_options_of_ssh_survive_the_shell_that_git_gives_them_to() -> None:
    options = shlex.split(ssh_options("/node with space/config", ["/a", "/b"]))
    assert options[:2] == ["-F", "/node with space/config"]
    assert "-oUserKnownHostsFile=/a /b" in options


def test_programs_below_the_home_are_passed_over(tmp_path: Path) -> None:
    home = tmp_path / "home"
    planted = executable(home / "bin/git", "#!/bin/sh\n")
    (tmp_path / "linked").symlink_to(home / "bin")
    path = safe_path({"PATH": f"{home}/bin:{tmp_path}/linked::relative:/usr/bin"}, str(home))
    assert str(home) not in path
    assert "linked" not in path
    assert find_program("git", f"{home}/bin", str(home)) is None
    assert find_git({}, path, str(home)) != str(planted)
    assert find_git({"AEXP_RELAY_GIT": str(planted)}, path, str(home)) == str(planted)
    with pytest.raises(SettingsError, match="AEXP_RELAY_GIT names"):
        find_git({"AEXP_RELAY_GIT": "git"}, path, str(home))
    with pytest.raises(RelayStartError, match="not installed"):
        find_git({}, str(tmp_path), str(home))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_read(tmp_path: Path) -> None:
    storage = open_file_queue(f"{tmp_path}/q", ManualClock())
    storage.put("inbox/a", b"x")
    os.chown(tmp_path / "q/inbox/a", 65534, 65534)
    with pytest.raises(StorageUnfitError, match="plain file of this user"):
        storage.read("inbox/a")
