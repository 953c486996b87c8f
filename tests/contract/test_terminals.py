"""The promises of the terminals port, and what only those of tmux can break."""

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aexp.adapters.terminals.memory import MemoryTerminals
from aexp.adapters.terminals.tmux import TmuxTerminals
from aexp.domain.errors import RelayStartError
from aexp.ports.terminals import Job, Pane, Terminals

PATIENCE_S = 30.0
NAME = "aexp-relay-test"
LASTING = ("/bin/sleep", "300")


class MemoryStage:
    """Jobs that end as the test says."""

    def __init__(self, _: Path) -> None:
        self.terminals: Terminals = MemoryTerminals()

    def job(self, *argv: str) -> Job:
        return Job(argv or LASTING, "/", {})

    def fails(self) -> Pane:
        """A job that said "sorry" and ended with 7; its pane as it is now."""
        assert isinstance(self.terminals, MemoryTerminals)
        self.terminals.start(NAME, self.job())
        self.terminals.over(NAME, 7, "sorry")
        return found(self.terminals)

    def close(self) -> None: ...


class TmuxStage:
    """A tmux server of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMUX_TMPDIR": str(folder),
            "LC_ALL": "C.UTF-8",
        }
        self.terminals: Terminals = TmuxTerminals(self.environ, folder / "node/jobs")

    def job(self, *argv: str, **environ: str) -> Job:
        return Job(argv or LASTING, str(self.folder), {"PATH": os.environ["PATH"], **environ})

    def fails(self) -> Pane:
        self.terminals.start(NAME, self.job("/bin/sh", "-c", "echo sorry; exit 7"))
        until(lambda: found(self.terminals).over)
        return found(self.terminals)

    def tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", *args], env=self.environ, capture_output=True, text=True, check=False
        )
        return done.stdout

    def close(self) -> None:
        self.tmux("kill-server")


MAKERS: dict[str, Callable[[Path], MemoryStage | TmuxStage]] = {
    "memory": MemoryStage,
    "tmux": TmuxStage,
}
needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)


@pytest.fixture(params=["memory", pytest.param("tmux", marks=needs_tmux)])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStage | TmuxStage]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[TmuxStage]:
    folder = tmp_path / "a höme of $mine"
    folder.mkdir()
    made = TmuxStage(folder)
    yield made
    made.close()


def found(terminals: Terminals) -> Pane:
    pane = terminals.look(NAME)
    assert pane is not None
    return pane


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def test_nothing_is_there_at_first_and_tidying_is_well(stage: MemoryStage | TmuxStage) -> None:
    assert stage.terminals.available
    assert stage.terminals.look(NAME) is None
    stage.terminals.tidy(NAME)


def test_a_job_that_runs_is_found_and_not_started_twice(stage: MemoryStage | TmuxStage) -> None:
    first = stage.terminals.start(NAME, stage.job())
    assert not first.over
    assert stage.terminals.start(NAME, stage.job()).pid == first.pid
    stage.terminals.tidy(NAME)
    assert found(stage.terminals).pid == first.pid


def test_the_last_words_of_a_job_that_failed_can_be_read(stage: MemoryStage | TmuxStage) -> None:
    pane = stage.fails()
    assert (pane.over, pane.status) == (True, 7)
    assert stage.terminals.said(pane) == ["sorry"]


def test_another_one_can_be_started_where_one_has_failed(stage: MemoryStage | TmuxStage) -> None:
    stage.fails()
    again = stage.terminals.start(NAME, stage.job())
    assert not again.over
    assert stage.terminals.said(again) == []


def test_what_is_over_is_tidied_away(stage: MemoryStage | TmuxStage) -> None:
    pane = stage.fails()
    stage.terminals.tidy(NAME)
    assert stage.terminals.look(NAME) is None
    assert isinstance(stage.terminals, MemoryTerminals) or stage.terminals.said(pane) == []


def test_each_name_has_its_own(stage: MemoryStage | TmuxStage) -> None:
    first = stage.terminals.start(NAME, stage.job())
    for near in (NAME[:-1], NAME.removesuffix("-test"), f"{NAME}-2"):
        assert stage.terminals.look(near) is None
    second = stage.terminals.start(f"{NAME}-2", stage.job())
    assert first.pid != second.pid
    assert found(stage.terminals).pid == first.pid


def test_without_the_program_nothing_is_started(tmp_path: Path) -> None:
    terminals = TmuxTerminals({"PATH": str(tmp_path)}, tmp_path / "jobs")
    assert not terminals.available
    with pytest.raises(RelayStartError, match="not installed"):
        terminals.start(NAME, Job(LASTING, "/", {}))


@needs_tmux
def test_the_environment_is_the_jobs_also_on_an_older_server(real: TmuxStage) -> None:
    subprocess.run(
        ["tmux", "new-session", "-d", "-s", "older", "sleep", "300"],
        env={**real.environ, "SSH_AUTH_SOCK": "/old", "STALE": "1"}, check=True,
    )  # fmt: skip
    told = real.folder / "told"
    shows = f"import os; open({str(told)!r}, 'w').write(repr(dict(os.environ))); input()"
    job = real.job(sys.executable, "-c", shows, SSH_AUTH_SOCK="/new", NAME="a b\n'ü\"$x;")
    pane = real.terminals.start(NAME, job)
    until(lambda: told.exists() and told.read_text().endswith("}"))
    environ = eval(told.read_text())  # noqa: S307
    assert (environ["SSH_AUTH_SOCK"], environ["NAME"]) == ("/new", "a b\n'ü\"$x;")
    assert "STALE" not in environ
    assert environ["TMUX_PANE"] == pane.key
    assert os.listdir(real.folder / "node/jobs") == []
    assert "older" in real.tmux("list-sessions")


@needs_tmux
def test_the_jobs_process_is_the_one_that_is_told_and_nothing_of_it_is_on_the_way_there(
    real: TmuxStage,
) -> None:
    pane = real.terminals.start(NAME, real.job(WORD="hush"))
    command = Path(f"/proc/{pane.pid}/cmdline")
    until(lambda: command.read_bytes() == b"/bin/sleep\x00300\x00")
    assert "hush" not in real.tmux("list-panes", "-a", "-F", "#{pane_start_command}")


@needs_tmux
def test_what_nothing_ever_became_is_swept_and_what_may_begin_is_not(real: TmuxStage) -> None:
    jobs = real.folder / "node/jobs"
    jobs.mkdir(mode=0o700, parents=True)
    for name in ("old", "new"):
        (jobs / f"{name}.json").write_text("{}")
    os.utime(jobs / "old.json", (0, 0))
    real.terminals.start(NAME, real.job())
    until(lambda: os.listdir(jobs) == ["new.json"])


@needs_tmux
def test_the_libraries_of_a_sites_interpreter_are_named(real: TmuxStage) -> None:
    pane = real.terminals.start(NAME, real.job(LD_LIBRARY_PATH="/opt/site/lib ü"))
    command = Path(f"/proc/{pane.pid}/cmdline")
    until(lambda: command.read_bytes() == b"/bin/sleep\x00300\x00")
    shown = real.tmux("list-panes", "-a", "-F", "#{pane_start_command}")
    assert "LD_LIBRARY_PATH=/opt/site/lib" in shown


@needs_tmux
def test_a_session_of_that_name_that_is_not_ours_is_left_alone(real: TmuxStage) -> None:
    real.tmux("new-session", "-d", "-s", NAME, "sleep", "300")
    assert real.terminals.look(NAME) is None
    pane = real.terminals.start(NAME, real.job("/bin/sh", "-c", "exit 3"))
    until(lambda: found(real.terminals).over)
    assert found(real.terminals).key == pane.key
    real.terminals.tidy(NAME)
    assert real.tmux("list-windows", "-t", NAME).count("\n") == 1


@needs_tmux
def test_settings_that_close_what_nobody_looks_at_do_not_close_it(real: TmuxStage) -> None:
    conf = "set -g destroy-unattached on\nset -g base-index 1\nset -g remain-on-exit on\n"
    (real.folder / ".tmux.conf").write_text(conf)
    pane = real.terminals.start(NAME, real.job())
    command = Path(f"/proc/{pane.pid}/cmdline")
    until(lambda: command.read_bytes() == b"/bin/sleep\x00300\x00")
    assert not found(real.terminals).over


@needs_tmux
def test_a_job_whose_file_is_gone_says_how_to_start_it(real: TmuxStage) -> None:
    real.fails()
    real.tmux("respawn-pane", "-t", f"{NAME}:")
    until(lambda: found(real.terminals).status == 69)
    assert "aexp relay up" in " ".join(real.terminals.said(found(real.terminals)))


@needs_tmux
def test_the_way_in_is_another_one_inside_of_tmux(real: TmuxStage) -> None:
    assert real.terminals.way_in(NAME) == f"tmux attach -t {NAME}"
    gone = TmuxTerminals({**real.environ, "TMUX": "/nowhere/default,1,0"}, real.folder)
    assert gone.way_in(NAME) == f"tmux attach -t {NAME}"
    real.tmux("new-session", "-d", "-s", "other")
    served = real.tmux("display-message", "-p", "-t", "other", "#{socket_path},#{pid},0").strip()
    inside = TmuxTerminals({**real.environ, "TMUX": served}, real.folder)
    assert inside.way_in(NAME) == f"tmux switch-client -t {NAME}"
    assert real.terminals.way_back() == "leave it with Ctrl-b d"
    assert inside.way_back() == "back with Ctrl-b L"
