"""What a check-up learns from Linux, logind and git, and that it does not wait for what never answers."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from aexp.adapters.checkup import log_out as logging_out
from aexp.adapters.checkup import node as adapter
from aexp.adapters.checkup.asking import answer
from aexp.adapters.checkup.log_out import log_out_of, place_in
from aexp.adapters.checkup.login import LocalLoginNode
from aexp.adapters.checkup.node import LocalNodeFacts
from aexp.adapters.checkup.wandb import wandb_of
from aexp.adapters.processes import environment_of
from aexp.adapters.threads import in_thread, within
from aexp.domain.checkup.log_out import Place
from aexp.domain.checkup.wandb import Wandb
from aexp.domain.errors import RelayStartError, RelayStorageError
from tests.world import executable


def facts(tmp_path: Path) -> LocalNodeFacts:
    return LocalNodeFacts(os.environ, str(tmp_path / "home"))


def login(tmp_path: Path, environ: Mapping[str, str]) -> LocalLoginNode:
    return LocalLoginNode(environ, str(tmp_path / "home"))


def test_space_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert facts(tmp_path).space(str(tmp_path / "not/yet/.relay")).bytes > 0


def test_a_filesystem_without_a_count_of_inodes_says_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)
    fields = [*real]
    fields[5] = fields[6] = fields[7] = 0  # f_files, f_ffree, f_favail
    monkeypatch.setattr(adapter.os, "statvfs", lambda path: os.statvfs_result(fields))
    assert facts(tmp_path).space(str(tmp_path)).inodes is None


def test_the_date_is_that_of_the_file_itself_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", (1, 5))
    assert facts(tmp_path).changed_at(str(tmp_path / "file")) == 5.0
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic links"):
        facts(tmp_path).changed_at(str(tmp_path / "link"))


LOGINCTL = """#!/bin/sh
[ "$1" = show-user ] || exit 1
for last; do :; done
case "$last" in
--property=Linger) [ $# = 3 ] && [ "$2" = {uid} ] && echo Linger={linger} ;;
--property=KillUserProcesses) [ $# = 2 ] && echo KillUserProcesses={kills} ;;
esac
"""


@pytest.mark.parametrize(
    ("kills", "linger"), [("yes", "no"), ("no", "yes"), ("maybe", ""), ("", "\x07")]
)
def test_what_logind_says_is_believed_and_what_it_does_not_say_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: str, linger: str
) -> None:
    monkeypatch.setattr(logging_out, "_LINGERING", tmp_path / "none")
    script = LOGINCTL.format(uid=os.getuid(), kills=kills, linger=linger)
    program = str(executable(tmp_path / "loginctl", script))
    found = log_out_of({}, None, program, {})
    words = {"yes": True, "no": False}
    assert (found.kills, found.lingers) == (words.get(kills), words.get(linger))


def test_without_logind_what_systemd_has_noted_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    monkeypatch.setattr(logging_out, "_LINGERING", tmp_path / "linger")
    assert log_out_of({}, None, None, {}).lingers is None
    (tmp_path / "linger").mkdir()
    assert log_out_of({}, None, None, {}).lingers is False
    (tmp_path / "linger" / pwd.getpwuid(os.getuid()).pw_name).touch()
    assert log_out_of({}, None, None, {}).lingers is True


@pytest.mark.parametrize(
    ("cgroups", "place"),
    [
        ("0::/user.slice/user-1000.slice/session-3.scope\n", Place.SESSION),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/aexp-relay.service\n",
            Place.SERVICE,
        ),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r5.scope\n",
            Place.SERVICE,
        ),
        (
            "12:pids:/x\n1:name=systemd:/user.slice/user-1000.slice/session-c2.scope\n0::/\n",
            Place.SESSION,
        ),
        ("0::/system.slice/cron.service\n", Place.ELSEWHERE),
        ("0::/\n", Place.ELSEWHERE),
        ("", Place.ELSEWHERE),
    ],
)
def test_what_a_process_is_counted_to_is_read_from_its_control_groups(
    cgroups: str, place: Place
) -> None:
    assert place_in(cgroups) is place


@pytest.mark.parametrize(
    ("environ", "screen"),
    [({}, ""), ({"TMUX": "/tmp/tmux-1/default,5,0"}, "tmux"), ({"STY": "5.pts"}, "screen")],
)
def test_a_terminal_that_outlives_its_window_is_seen(environ: dict[str, str], screen: str) -> None:
    found = log_out_of(environ, os.getpid(), None, {})
    assert (found.screen, found.is_daemon) == (screen, True)


def test_a_real_git_is_asked_and_one_that_is_too_old_refused(tmp_path: Path) -> None:
    assert login(tmp_path, os.environ).git().startswith("git version ")
    old = executable(tmp_path / "git", "#!/bin/sh\necho git version 2.17.1\n")
    node = login(tmp_path, {**os.environ, "AEXP_RELAY_GIT": str(old)})
    assert node.has_git()
    with pytest.raises(RelayStartError, match=r"2\.32 or newer"):
        node.git()


def test_the_owners_git_configuration_is_read_as_a_daemon_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[include]\n\tpath = more\n")
    (home / "more").write_text("[credential]\n\thelper = store\n")
    own = login(tmp_path, {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}).own_git()
    assert ("credential.helper", "store") in [(one.key, one.value) for one in own.settings]


WANDB = """#!/bin/sh
[ "$1" = --version ] || exit 1
[ "$WANDB_MODE" = online ] && [ "$(pwd)" = "$WANDB_DIR" ] && echo wandb, version 0.31.1
"""


def test_a_wandb_that_was_named_says_its_version_and_the_key_is_never_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = str(executable(home / "venv/bin/wandb", WANDB))
    environ = {"PATH": f"{home}/venv/bin:/usr/bin:/bin", "AEXP_RELAY_WANDB": program}
    found = wandb_of(environ, str(home))
    assert found == Wandb(program, "", "version 0.31", "api.wandb.ai", has_key=False)
    (home / ".netrc").write_text("machine api.wandb.ai login user password hunter2\n")
    found = wandb_of(environ, str(home))
    assert found.has_key
    assert "hunter2" not in repr(found)
    elsewhere = wandb_of({**environ, "WANDB_BASE_URL": "https://wandb.site.org"}, str(home))
    assert (elsewhere.server, elsewhere.has_key) == ("wandb.site.org", False)
    assert wandb_of({**environ, "WANDB_API_KEY": "hunter2"}, str(home)).has_key
    (home / ".netrc").write_text("machine what\n")
    assert not wandb_of(environ, str(home)).has_key


def test_a_wandb_in_the_home_that_was_not_named_is_not_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = executable(home / "bin/wandb", "#!/bin/sh\ntouch $0.ran\n")
    found = wandb_of({"PATH": f"{home}/bin:/usr/bin:/bin"}, str(home))
    assert found == Wandb(untrusted=str(program))
    assert os.listdir(home / "bin") == ["wandb"]


def test_what_cannot_be_started_or_says_nothing_in_time_has_no_answer() -> None:
    assert answer(["/no/such/program"], {}, 5.0) is None
    assert answer(["/bin/sleep", "300"], {}, 0.05) is None
    assert answer(["/bin/sh", "-c", "echo x; exit 3"], {}, 60.0) == (3, "x\n")


def test_the_environment_of_a_process_is_what_it_started_with() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"ONE": "1=2", "TWO": "\n"},
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = environment_of(child.pid)
        child.communicate()
    assert found == {"ONE": "1=2", "TWO": "\n"}
    assert environment_of(child.pid) == {}


def test_a_look_that_comes_in_time_is_what_it_returns_or_raises() -> None:
    assert within(30.0, lambda: 7) == 7
    assert within(30.0, lambda: None) is None
    with pytest.raises(RelayStorageError):
        within(30.0, lambda: _raise(RelayStorageError("x")))


def test_a_look_that_never_comes_back_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match="no answer"):
        within(0.0, never.wait)
    never.set()


def test_what_is_done_aside_is_done_in_another_thread_and_waited_for() -> None:
    assert in_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(RelayStorageError):
        in_thread(lambda: _raise(RelayStorageError("x")))


def _raise(error: Exception) -> None:
    raise error
