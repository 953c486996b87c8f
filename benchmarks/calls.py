"""Counting what a process asks the filesystem for, with strace(1)."""

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stats
from benchmarks.procfs import is_traced
from benchmarks.programs.orders import pause

_CALL = re.compile(r"^(?:\d+ +)?([a-z][a-z0-9_]*)\(")
_PATH = re.compile(r'[<"](/[^>"]*)[>"]')
_WORKING_FOLDER = re.compile(r"AT_FDCWD<[^>]*>")
_KERNEL = ("/proc/", "/dev/", "/sys/")
_PATIENCE_S = 20.0
_LOOK_S = 0.005


class StraceMissingError(Exception):
    """strace is not there, or may not be used here."""


_NO_QUESTION = frozenset({"close", "fcntl", "fstat", "ioctl", "lseek", "dup", "flock"})
_OPEN_ALREADY = re.compile(r'^(?:\d+ +)?newfstatat\(\d+(?:<[^>]*>)?, ""')


@dataclass(frozen=True)
class FileCalls:
    """What one process asked for.

    Attributes:
        everywhere: how often each call was made on any file, without exception.
        shared: how often on a file in the shared home; without what is done to a descriptor that is open
            already and never leaves this machine's kernel (``close``, ``fcntl``, ``lseek``, ``fstat``).
    """

    everywhere: Counter[str]
    shared: Counter[str]


def listed(calls: Counter[str], by: float = 1.0) -> str:
    """The calls by name, the most frequent first.

    Args:
        by: what to divide each number by.
    """
    told = (f"{name} {stats.rounded(count / by):g}" for name, count in calls.most_common())
    return ", ".join(told) or "none"


def require_strace() -> str:
    """Where strace is.

    Raises:
        StraceMissingError: it is not installed.
    """
    found = shutil.which("strace")
    if found is None:
        raise StraceMissingError("strace is not installed (Debian: apt install strace)")
    return found


def count_start(argv: Sequence[str], cwd: Path, env: Mapping[str, str], note: Path) -> int:
    """How many calls with a file's name a command makes from start to end, failed ones included.

    Args:
        note: where strace may write.

    Raises:
        StraceMissingError: strace cannot be used.
    """
    strace = require_strace()
    done = subprocess.run(
        [strace, "-f", "-qq", "-c", "-o", str(note), "-e", "trace=%file", *argv],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    total = [line.split() for line in _lines(note) if line.endswith(" total")]
    if done.returncode != 0 or not total:
        raise StraceMissingError(f"strace could not follow the command: {done.stderr.strip()}")
    return int(total[0][3])


class Watch:
    """Follows some processes while a with statement lasts; then :attr:`calls` tells what they asked for.

    Args:
        pids: the processes, by a name of the caller's.
        homes: the shared home of each.
        children: whether to follow what they start, too.
    """

    def __init__(
        self, pids: Mapping[str, int], homes: Mapping[str, Path], *, children: bool = True
    ) -> None:
        self._follow = ["-f"] if children else []
        self._pids = pids
        self._homes = homes
        self._notes = {name: homes[name].parent / f"strace-{name}.txt" for name in pids}
        self._tracers: dict[str, subprocess.Popen[str]] = {}
        self.calls: dict[str, FileCalls] = {}

    def __enter__(self) -> "Watch":
        """Begin; all are followed on return.

        Raises:
            StraceMissingError: strace cannot be used.
        """
        strace = require_strace()
        try:
            for name, pid in self._pids.items():
                self._tracers[name] = self._tracer(strace, pid, self._notes[name])
            for name, pid in self._pids.items():
                self._until_attached(name, pid)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        for name, note in self._notes.items():
            self.calls[name] = counted(_lines(note), self._homes[name])

    def _until_attached(self, name: str, pid: int) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not is_traced(pid):
            if self._tracers[name].poll() is not None:
                _, said = self._tracers[name].communicate()
                raise StraceMissingError(f"strace could not follow {name}: {said.strip()}")
            if time.monotonic() > deadline:
                raise StraceMissingError(f"strace did not get hold of {name}")
            pause(_LOOK_S)

    def _tracer(self, strace: str, pid: int, note: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(strace, *self._follow, "-y", "-qq", "-o", str(note)),
                *("-e", "trace=%file,%desc", "-e", "signal=none", "-p", str(pid)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _end(self) -> None:
        # Interrupted, not killed: strace lets go of the process first.
        for tracer in self._tracers.values():
            tracer.send_signal(signal.SIGINT)
        for tracer in self._tracers.values():
            tracer.communicate(timeout=_PATIENCE_S)


def counted(lines: Iterable[str], home: Path) -> FileCalls:
    """The calls on files among the lines of a trace that shows the paths of descriptors (``strace -y``)."""
    everywhere: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    below = f"{home}/"
    for line in lines:
        call = _CALL.match(line)
        if call is None:
            # The rest of a call whose beginning was counted, or a signal.
            continue
        paths = _PATH.findall(_WORKING_FOLDER.sub("", line))
        files = [path for path in paths if not path.startswith(_KERNEL)]
        if files:
            everywhere[call[1]] += 1
        asks = call[1] not in _NO_QUESTION and _OPEN_ALREADY.match(line) is None
        if asks and any(f"{path}/".startswith(below) for path in files):
            shared[call[1]] += 1
    return FileCalls(everywhere, shared)


def _lines(note: Path) -> list[str]:
    try:
        return note.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
