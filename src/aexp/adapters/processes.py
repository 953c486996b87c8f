"""Processes as Linux shows them in ``/proc`` (proc(5)), and a fake for tests."""

import os
from functools import cached_property

from aexp.domain.identity import ProcessId
from aexp.ports.processes import Processes

_START_FIELD = 22
_STATE_FIELD = 3


class ProcProcesses(Processes):
    """This machine's processes.

    The host part of a name ends with eight digits made of the kernel's boot id and the pid namespace:
    two machines (or containers) that call themselves the same, or one machine before and after a
    reboot, are told apart.
    """

    @cached_property
    def me(self) -> ProcessId:
        try:
            started = _stat(os.getpid())[1]
        except FileNotFoundError:
            # A client of a queue on another machine may run where there is no /proc.
            started = 0
        return ProcessId.new(self._host, os.getpid(), started)

    @property
    def hostname(self) -> str:
        return os.uname().nodename

    @cached_property
    def _host(self) -> str:
        return f"{self.hostname[:64]}-{_machine()}"

    def alive(self, process: ProcessId) -> bool | None:
        if process.host != ProcessId.new(self._host, 0, 0).host:
            return None
        try:
            state, start = _stat(process.pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return start == process.start and state not in "ZX"


def environment_of(pid: int) -> dict[str, str]:
    """What a process found in its environment at its start; empty when that cannot be seen."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            parts = file.read().split(b"\0")
    except OSError:
        return {}
    found = (os.fsdecode(part).partition("=") for part in parts if b"=" in part)
    return {name: value for name, _, value in found if name}


def start_of(pid: int) -> int:
    """When a process of this machine started, in clock ticks since boot.

    Raises:
        OSError: there is no such process.
    """
    return _stat(pid)[1]


def is_suspended(pid: int) -> bool:
    """Whether a signal has stopped a process of this machine.

    Raises:
        OSError: there is no such process.
    """
    return _stat(pid)[0] == "T"


def _machine() -> str:
    """Eight digits of the boot id, which is random, mixed with the number of the namespace."""
    if not os.path.exists("/proc/self/ns/pid"):
        return "0" * 8
    boot = int(_text("/proc/sys/kernel/random/boot_id")[:8], 16)
    namespace = int(os.readlink("/proc/self/ns/pid").removeprefix("pid:[").removesuffix("]"))
    return f"{(boot ^ namespace) & 0xFFFFFFFF:08x}"


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _stat(pid: int) -> tuple[str, int]:
    """State and start time. The command's name (field 2) may hold anything, also spaces and brackets."""
    line = _text(f"/proc/{pid}/stat")
    fields = line.rpartition(")")[2].split()
    return fields[0], int(fields[_START_FIELD - _STATE_FIELD])


class FakeProcesses(Processes):
    """A process of an invented machine, whose neighbours live and die as the test says.

    Args:
        host: the machine's name.
        pid: this process's number.
    """

    def __init__(self, host: str = "login1", pid: int = 100) -> None:
        self._me = ProcessId.new(host, pid, 1)
        self.dead: set[str] = set()

    @property
    def me(self) -> ProcessId:
        return self._me

    @property
    def hostname(self) -> str:
        return self._me.host

    def alive(self, process: ProcessId) -> bool | None:
        if process.host != self._me.host:
            return None
        return str(process) not in self.dead
