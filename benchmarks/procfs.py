"""What the kernel tells about a process (proc(5))."""

import os
from pathlib import Path

_NS = 1e9


def _status(pid: int | str, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return float(value.split()[0])
    raise OSError(f"the kernel tells no {field} of process {pid}")


def rss_kb(pid: int | str) -> float:
    """The resident memory in kB.

    Raises:
        OSError: there is no such process.
    """
    return _status(pid, "VmRSS")


def peak_rss_kb(pid: int | str) -> float:
    """The most resident memory that it ever had, in kB.

    Raises:
        OSError: there is no such process.
    """
    return _status(pid, "VmHWM")


def is_traced(pid: int) -> bool:
    """Whether a tracer follows the process.

    Raises:
        OSError: there is no such process.
    """
    return _status(pid, "TracerPid") != 0


def cpu_s(pid: int) -> float:
    """The CPU seconds that its threads have used so far; children do not count.

    Raises:
        OSError: there is no such process.
    """
    try:
        # Nanoseconds; the times in /proc/PID/stat are ticks of 10 ms, too coarse for an idle process.
        tasks = [*Path(f"/proc/{pid}/task").glob("*/schedstat")]
        if tasks:
            return sum(float(task.read_text().split()[0]) for task in tasks) / _NS
    except FileNotFoundError:
        pass
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
