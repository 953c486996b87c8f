"""The promises of the post port, and what only the one on a disk can break."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from aexp.adapters.post import node
from aexp.adapters.post.memory import Ground, MemoryPost
from aexp.adapters.post.node import NodePost, post_path
from aexp.adapters.processes import FakeProcesses, ProcProcesses
from aexp.domain.errors import RelayBusyError, RelayStorageError
from aexp.domain.identity import ProcessId
from aexp.ports.post import Post, Posted

OTHER = """
import sys
from pathlib import Path
from aexp.adapters.post.node import NodePost
from aexp.adapters.processes import ProcProcesses
post = NodePost(Path(sys.argv[1]), ProcProcesses())
for line in sys.stdin:
    print({"take": post.take, "leave": post.leave}[line.strip()](), flush=True)
"""


class Stage(Protocol):
    """A machine with this process and another one, that both know of the same post."""

    mine: Post

    def other(self, verb: str) -> bool:
        """The other process takes or leaves; whether it stands there."""

    def other_pid(self) -> int: ...

    def other_dies(self) -> None: ...

    def other_is_over(self) -> bool: ...


class MemoryStage(Stage):
    def __init__(self, folder: Path) -> None:
        machine, self._processes = FakeProcesses(), FakeProcesses(pid=200)
        self._ground = Ground()
        self.mine = MemoryPost(self._ground, machine)
        self._other = MemoryPost(self._ground, self._processes)
        self._machine = machine

    def other(self, verb: str) -> bool:
        return bool(getattr(self._other, verb)())

    def other_pid(self) -> int:
        return 200

    def other_dies(self) -> None:
        self._ground.posted = None

    def other_is_over(self) -> bool:
        return str(self._processes.me) in self._machine.dead


class NodeStage(Stage):
    def __init__(self, folder: Path) -> None:
        self.path = folder / "node/posts/0"
        self.path.parent.mkdir(mode=0o700, parents=True)
        self.mine = NodePost(self.path, ProcProcesses())
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", OTHER, str(self.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def other(self, verb: str) -> bool:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{verb}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == "True"

    def other_pid(self) -> int:
        return self.process.pid

    def other_dies(self) -> None:
        self.process.kill()
        self.process.wait()

    def other_is_over(self) -> bool:
        return self.process.wait(timeout=30) is not None

    def close(self) -> None:
        self.other_dies()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.mine.leave()


MAKERS: dict[str, Callable[[Path], Stage]] = {"memory": MemoryStage, "node": NodeStage}


@pytest.fixture(params=[*MAKERS])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = MAKERS[request.param](tmp_path)
    yield made
    if isinstance(made, NodeStage):
        made.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[NodeStage]:
    made = NodeStage(tmp_path)
    yield made
    made.close()


def standing(post: Post) -> Posted:
    found = post.who()
    assert found is not None
    return found


def test_nobody_stands_there_at_first(stage: Stage) -> None:
    assert stage.mine.who() is None


def test_one_stands_there_and_a_second_one_does_not(stage: Stage) -> None:
    assert stage.other("take")
    assert not stage.mine.take()
    assert standing(stage.mine).process.pid == stage.other_pid()


def test_whoever_stands_there_sees_itself_and_may_take_it_again(stage: Stage) -> None:
    assert stage.mine.take()
    assert stage.mine.take()
    mine = standing(stage.mine).process
    assert stage.mine.take()
    assert (standing(stage.mine).process.pid, mine.start) == (mine.pid, mine.start)
    assert not stage.other("take")


def test_what_was_left_is_free_and_may_be_left_again(stage: Stage) -> None:
    stage.other("take")
    stage.other("leave")
    stage.other("leave")
    assert stage.mine.who() is None
    assert stage.mine.take()


def test_a_process_that_died_leaves_nothing_behind(stage: Stage) -> None:
    stage.other("take")
    stage.other_dies()
    assert stage.mine.who() is None
    assert stage.mine.take()


@pytest.mark.parametrize("force", [False, True])
def test_the_one_that_stands_there_can_be_ended(stage: Stage, force: bool) -> None:
    stage.other("take")
    assert stage.mine.end(standing(stage.mine), force=force)
    assert stage.other_is_over()
    assert stage.mine.who() is None


def test_one_that_does_not_stand_there_any_more_is_not_signalled(stage: Stage) -> None:
    stage.other("take")
    before = standing(stage.mine)
    stage.other("leave")
    assert not stage.mine.end(before)
    assert not stage.mine.end(before, force=True)
    assert stage.other("take")


def test_the_machine_tells_how_it_was_started(real: NodeStage) -> None:
    real.other("take")
    found = standing(real.mine)
    assert found.words == (sys.executable, "-P", "-c", OTHER, str(real.path))
    assert found.cwd == os.getcwd()
    assert found.environ["PATH"] == os.environ["PATH"]
    assert ProcProcesses().alive(found.process) is True
    assert found.unit is None


def test_what_is_written_into_the_file_says_nothing(real: NodeStage) -> None:
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        real.path.write_text(f'{{"pid": {stranger.pid}}}')
        assert real.mine.who() is None
        real.other("take")
        assert standing(real.mine).process.pid == real.process.pid
        forged = Posted(ProcessId.new("login1", stranger.pid, node.start_of(stranger.pid)))
        assert not real.mine.end(forged, force=True)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_same_number_with_another_start_is_another_process(real: NodeStage) -> None:
    real.other("take")
    found = standing(real.mine).process
    assert not real.mine.end(Posted(ProcessId.new(found.host, found.pid, found.start + 1)))
    assert real.process.poll() is None


def test_a_suspended_one_is_told_as_such_and_ends_all_the_same(real: NodeStage) -> None:
    real.other("take")
    assert not standing(real.mine).suspended
    real.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, real.process.pid, os.WSTOPPED | os.WNOWAIT)
    assert standing(real.mine).suspended
    assert real.mine.end(standing(real.mine))
    assert real.process.wait(timeout=30) == -signal.SIGTERM


def test_without_a_descriptor_of_a_process_its_number_does(
    real: NodeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(pid: int) -> int:
        raise OSError(38, "not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    real.other("take")
    assert real.mine.end(standing(real.mine))
    assert real.process.wait(timeout=30) == -signal.SIGTERM


def test_another_users_process_is_not_believed_to_be_the_daemon(
    real: NodeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.other("take")
    found, somebody = standing(real.mine), os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(RelayBusyError, match="cannot be seen"):
        real.mine.who()
    with pytest.raises(RelayBusyError):
        real.mine.end(found, force=True)
    assert real.process.poll() is None


def test_a_file_that_was_cleaned_away_is_made_anew_by_the_holder(real: NodeStage) -> None:
    real.other("take")
    real.path.unlink()
    assert real.mine.who() is None
    assert real.other("take")
    assert standing(real.mine).process.pid == real.process.pid


def test_a_link_in_its_place_is_an_error_to_look_at_and_none_to_take(real: NodeStage) -> None:
    real.path.symlink_to("/dev/null")
    with pytest.raises(RelayStorageError, match="cannot be looked at"):
        real.mine.who()
    assert not real.mine.take()


def test_a_post_that_another_has_is_told_in_words(
    real: NodeStage, caplog: pytest.LogCaptureFixture
) -> None:
    real.other("take")
    with caplog.at_level("WARNING", "aexp.relay"):
        assert not real.mine.take()
    assert "another daemon of this queue on this node has it" in caplog.text
    assert "Errno" not in caplog.text


def test_a_child_of_the_daemon_does_not_stand_there(real: NodeStage) -> None:
    real.mine.take()
    child = subprocess.Popen(["sleep", "300"], close_fds=False)
    try:
        real.mine.leave()
        assert real.other("take")
    finally:
        child.kill()
        child.wait()


def test_each_queue_has_its_own_and_a_link_to_a_queue_is_not_that_queue(tmp_path: Path) -> None:
    environ = {"AEXP_RELAY_STATE": str(tmp_path / "node")}
    (tmp_path / "home/two").mkdir(parents=True)
    (tmp_path / "home/one").symlink_to("two")
    (tmp_path / "also").symlink_to("home")
    home = str(tmp_path / "home")
    one, two, also = (
        post_path(environ, home, f"{tmp_path}/{name}")
        for name in ("home/one", "home/two", "also/two")
    )
    assert one != two == also
