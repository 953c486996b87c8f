"""The promises of the executor, kept by real processes and by the recording one."""

import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.executor.recording import Plan, RecordingExecutor
from aexp.airgapped import RelayStartError
from aexp.ports.executor import Command, Execution, Executor

Scripted = Callable[[str, Plan], tuple[Executor, tuple[str, ...]]]


class Bench(Protocol):
    """An executor, and a command that behaves as planned."""

    def __call__(self, script: str, plan: Plan) -> tuple[Executor, tuple[str, ...]]: ...


def real(script: str, plan: Plan) -> tuple[Executor, tuple[str, ...]]:
    program = "no-such-program-zz" if plan.missing else "sh"
    return LocalExecutor({"PATH": os.environ["PATH"]}), (program, "-c", script)


def recorded(script: str, plan: Plan) -> tuple[Executor, tuple[str, ...]]:
    return RecordingExecutor(ManualClock(), lambda _: plan), ("sh", "-c", script)


@pytest.fixture(params=[real, recorded], ids=["processes", "recording"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.param
    return made


def end_of(execution: Execution, executor: Executor) -> tuple[int, bytes]:
    """The exit status and the whole output; waits on the executor's descriptors, never by the clock."""
    output = b""
    while (status := execution.poll()) is None:
        select.select(executor.descriptors(), [], [], 20)
        output += execution.read(1 << 16)
    while data := execution.read(1 << 16):
        output += data
    execution.close()
    return status, output


def test_output_and_status_come_through(bench: Bench, tmp_path: Path) -> None:
    plan = Plan(output=b"out\nerr\n", returncode=3)
    executor, argv = bench("echo out; echo err >&2; exit 3", plan)
    execution = executor.start(Command(argv, tmp_path))
    assert end_of(execution, executor) == (3, b"out\nerr\n")


def test_nothing_to_read_is_empty_and_does_not_wait(bench: Bench, tmp_path: Path) -> None:
    executor, argv = bench("exec sleep 60", Plan(duration_s=60))
    execution = executor.start(Command(argv, tmp_path))
    assert execution.read(100) == b""
    assert execution.poll() is None
    execution.kill()
    assert end_of(execution, executor)[0] == -9


def test_terminate_ends_with_the_signals_status(bench: Bench, tmp_path: Path) -> None:
    executor, argv = bench("exec sleep 60", Plan(duration_s=60))
    execution = executor.start(Command(argv, tmp_path))
    execution.terminate()
    execution.terminate()
    assert end_of(execution, executor)[0] == -15


def test_closing_may_be_repeated_and_signals_after_it_do_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    executor, argv = bench("true", Plan())
    execution = executor.start(Command(argv, tmp_path))
    end_of(execution, executor)
    execution.close()
    execution.kill()
    assert executor.descriptors() in ((), [])


def test_a_missing_program_is_told_apart(bench: Bench, tmp_path: Path) -> None:
    executor, argv = bench("", Plan(missing=True))
    with pytest.raises(RelayStartError, match="not installed"):
        executor.start(Command(argv, tmp_path))


# What follows only real processes can do.


def sh(script: str, tmp_path: Path) -> tuple[LocalExecutor, Execution]:
    executor = LocalExecutor({"PATH": os.environ["PATH"], "ONLY": "this"})
    return executor, executor.start(Command(("sh", "-c", script), tmp_path))


def test_a_missing_folder_is_told_apart(tmp_path: Path) -> None:
    executor = LocalExecutor(dict(os.environ))
    with pytest.raises(RelayStartError, match="not a folder"):
        executor.start(Command(("true",), tmp_path / "nowhere"))


def test_a_program_that_may_not_be_run_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a program")
    executor = LocalExecutor(dict(os.environ))
    with pytest.raises(RelayStartError, match="could not be started"):
        executor.start(Command((str(tmp_path / "text"),), tmp_path))


def test_a_command_has_no_input_no_terminal_and_a_session_of_its_own(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(sys.stdin.read() == '', os.getsid(0) == os.getpid(), os.getcwd());"
        "print(sorted(os.listdir('/proc/self/fd')))\n"
        "try: open('/dev/tty'); print('tty')\n"
        "except OSError: print('no tty')"
    )
    executor = LocalExecutor({"PATH": os.environ["PATH"]})
    execution = executor.start(Command((sys.executable, "-c", code), tmp_path))
    status, output = end_of(execution, executor)
    assert status == 0
    assert output.decode().splitlines()[0] == f"True True {tmp_path}"
    assert output.decode().splitlines()[-1] == "no tty"


def test_the_environment_is_exactly_what_was_given(tmp_path: Path) -> None:
    executor, execution = sh("env | grep -v -E '^(PWD|SHLVL|OLDPWD|_)=' | sort", tmp_path)
    assert end_of(execution, executor)[1].decode().splitlines() == [
        "AEXP_RELAY_REQUEST=",
        "ONLY=this",
        f"PATH={os.environ['PATH']}",
    ]


def test_the_whole_group_is_ended_also_who_ignores_the_first_signal(tmp_path: Path) -> None:
    script = "(trap '' TERM; echo $$ > child; exec sleep 300) & echo ready; wait"
    executor, execution = sh(script.replace("$$", "$(exec sh -c 'echo $PPID')"), tmp_path)
    select.select(executor.descriptors(), [], [], 20)
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text().strip():
        select.select([], [], [], 0.01)
    child = int((tmp_path / "child").read_text())
    execution.terminate()
    end_of(execution, executor)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and not _is_zombie(child):
        assert time.monotonic() < deadline, "a child of the command outlived its group"
        select.select([], [], [], 0.01)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_grandchild_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    executor, execution = sh("setsid sleep 300 & echo $! > pid; echo done", tmp_path)
    status, output = end_of(execution, executor)
    assert (status, output) == (0, b"done\n")
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_output_larger_than_a_pipe_comes_through_whole(tmp_path: Path) -> None:
    executor, execution = sh("head -c 3000000 /dev/zero", tmp_path)
    status, output = end_of(execution, executor)
    assert (status, len(output)) == (0, 3_000_000)
