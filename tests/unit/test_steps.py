"""Several programs as one execution; the programs are real ones."""

import os
import select
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.workshop.steps import Done, Step, StepsExecution, Then
from aexp.airgapped import RelayStartError

ENVIRONMENT = {"PATH": os.environ["PATH"]}


class Stage:
    """Shell scripts as steps, in a folder of the test's own, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executor = LocalExecutor({})
        self.now = 0.0
        self.asked: list[tuple[int, int, bytes]] = []
        self.closed: list[str] = []

    def sh(self, script: str, **how: object) -> Step:
        return Step(("sh", "-c", script), str(self.folder), ENVIRONMENT, **how)  # type: ignore[arg-type]

    def play(self, *steps: Step | Done | None) -> StepsExecution:
        """Start the first; the others follow in turn, whatever came of the one before."""

        def then(number: int, status: int, output: bytes) -> Step | Done | None:
            self.asked.append((number, status, output))
            return steps[number + 1] if number + 1 < len(steps) else None

        first = steps[0]
        assert isinstance(first, Step)
        return self.start(first, then)

    def start(self, first: Step, then: Then) -> StepsExecution:
        spawn = partial(self.executor.spawn, request_id="r")
        callbacks: list[Callable[[], object]] = [
            lambda: self.closed.append("folder"),
            lambda: self.closed.append("rest"),
        ]
        return StepsExecution(first, spawn, then, callbacks, lambda: self.now)

    def until(self, execution: StepsExecution, holds: Callable[[bytes], bool]) -> bytes:
        """Poll and read as the daemon does until ``holds`` is true of all that was read."""
        output = b""
        while not holds(output):
            select.select(self.executor.descriptors(), [], [], 20)
            execution.poll()
            output += execution.read(1 << 16)
        return output

    def end(self, execution: StepsExecution) -> tuple[int, bytes]:
        """The exit status and all further output; waits on descriptors, never by a clock."""
        output = self.until(execution, lambda _: execution.poll() is not None)
        while data := execution.read(7):
            output += data
        execution.close()
        status = execution.poll()
        assert status is not None
        return status, output


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_the_steps_run_in_turn_and_their_output_is_one_stream(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo one"), stage.sh("echo two >&2"), stage.sh("echo three"))
    assert stage.end(execution) == (0, b"one\ntwo\nthree\n")
    assert stage.asked == [(0, 0, b"one\n"), (1, 0, b"two\n"), (2, 0, b"three\n")]
    assert stage.executor.descriptors() == []


def test_a_hidden_step_is_seen_by_the_decision_alone(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo version 1.2", visible=False), stage.sh("echo two"))
    assert stage.end(execution) == (0, b"two\n")
    assert stage.asked[0] == (0, 0, b"version 1.2\n")


def test_a_talkative_hidden_step_does_not_stand_still_and_only_its_beginning_is_kept(
    stage: Stage,
) -> None:
    execution = stage.play(stage.sh("echo begin; head -c 3000000 /dev/zero", visible=False))
    assert stage.end(execution) == (0, b"")
    assert stage.asked[0][2].startswith(b"begin\n")
    assert len(stage.asked[0][2]) == 65536


def test_output_larger_than_a_pipe_comes_through_whole_before_that_of_the_next_step(
    stage: Stage,
) -> None:
    execution = stage.play(stage.sh("head -c 3000000 /dev/zero"), stage.sh("echo end"))
    status, output = stage.end(execution)
    assert (status, len(output), output[-4:]) == (0, 3_000_004, b"end\n")


def test_the_status_is_that_of_the_first_step_that_failed(stage: Stage) -> None:
    execution = stage.play(stage.sh("exit 3"), stage.sh("exit 4"), stage.sh("exit 0"))
    assert stage.end(execution)[0] == 3


def test_a_clean_ups_status_does_not_count(stage: Stage) -> None:
    failed = stage.play(stage.sh("exit 3"), stage.sh("exit 4", always=True))
    assert stage.end(failed)[0] == 3
    fine = stage.play(stage.sh("exit 0"), stage.sh("exit 4", always=True))
    assert stage.end(fine)[0] == 0


def test_the_decision_may_end_it_with_a_status_and_words_of_its_own(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo fine"), Done(9, b"not so fine\n"), stage.sh("echo no"))
    assert stage.end(execution) == (9, b"fine\nnot so fine\n")


def test_after_terminate_no_further_step_is_started(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo up; exec sleep 300"), stage.sh("echo never"))
    stage.until(execution, lambda output: output == b"up\n")
    execution.terminate()
    assert stage.end(execution) == (-15, b"")


def test_after_terminate_the_clean_up_runs_and_no_signal_reaches_it(stage: Stage) -> None:
    execution = stage.play(
        stage.sh("echo up; exec sleep 300"),
        stage.sh("echo cleaning; read line < go; echo $line", always=True),
        stage.sh("echo never"),
    )
    os.mkfifo(stage.folder / "go")
    stage.until(execution, lambda output: output == b"up\n")
    execution.terminate()
    stage.until(execution, lambda output: output == b"cleaning\n")
    execution.terminate()
    execution.kill()
    (stage.folder / "go").write_text("cleaned\n")
    assert stage.end(execution) == (-15, b"cleaned\n")


def test_after_kill_the_clean_up_runs_too(stage: Stage) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    execution = stage.play(stage.sh(script), stage.sh("echo clean", always=True))
    stage.until(execution, lambda output: output == b"up\n")
    execution.kill()
    assert stage.end(execution) == (-9, b"clean\n")


def test_a_clean_up_is_ended_at_its_own_limit_and_killed_when_it_is_stubborn(stage: Stage) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    execution = stage.play(stage.sh("exit 1"), stage.sh(script, always=True))
    stage.until(execution, lambda output: output == b"up\n")
    stage.now = 29.0
    assert execution.poll() is None
    stage.now = 31.0
    assert execution.poll() is None
    stage.now = 36.0
    assert execution.poll() is None
    assert stage.end(execution)[0] == 1
    assert stage.asked[1][1] == -9


def test_a_step_with_a_limit_of_its_own_is_ended_there(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo up; exec sleep 300", limit_s=10.0))
    stage.until(execution, lambda output: output == b"up\n")
    stage.now = 11.0
    assert execution.poll() is None
    assert stage.end(execution)[0] == -15


def test_a_step_without_a_limit_has_none(stage: Stage) -> None:
    execution = stage.play(stage.sh("echo up; exec sleep 300"))
    stage.until(execution, lambda output: output == b"up\n")
    stage.now = 1e9
    assert execution.poll() is None
    assert select.select(stage.executor.descriptors(), [], [], 0.2) == ([], [], [])
    execution.kill()
    assert stage.end(execution)[0] == -9


def test_a_first_program_that_is_missing_is_an_error(stage: Stage) -> None:
    with pytest.raises(RelayStartError, match="not installed"):
        stage.play(Step(("no-such-program-zz",), str(stage.folder), ENVIRONMENT))
    assert stage.closed == []


def test_a_later_program_that_is_missing_is_told_in_the_output(stage: Stage) -> None:
    missing = Step(("no-such-program-zz",), str(stage.folder), ENVIRONMENT)
    status, output = stage.end(stage.play(stage.sh("echo one"), missing))
    assert status == 127
    assert output.startswith(b"one\nno-such-program-zz is not installed")


def test_closing_calls_back_once_the_last_first(stage: Stage) -> None:
    execution = stage.play(stage.sh("true"))
    stage.end(execution)
    execution.close()
    execution.terminate()
    execution.kill()
    assert stage.closed == ["rest", "folder"]


def test_a_grandchild_that_holds_the_output_open_does_not_keep_the_next_step_waiting(
    stage: Stage,
) -> None:
    script = "setsid sleep 300 & echo $! > pid; echo one"
    execution = stage.play(stage.sh(script), stage.sh("echo two"))
    assert stage.end(execution) == (0, b"one\ntwo\n")
    os.kill(int((stage.folder / "pid").read_text()), 9)
