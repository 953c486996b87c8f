"""Names that never repeat: request ids, and the ids of daemons and clients.

A process is named ``<host>-<pid>-<start>-<random>``, where ``start`` is the kernel's start time of
the process in clock ticks since boot (field 22 of ``/proc/<pid>/stat``, see proc(5)): on the same host,
pid and start time together tell whether that very process still lives.
"""

import os
import re
from dataclasses import dataclass

REQUEST_ID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII
)
PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{0,35}", re.ASCII)
_PROCESS = re.compile(r"([A-Za-z0-9_-]{1,73})-(\d{1,10})-(\d{1,20})-([0-9a-f]{8})", re.ASCII)
_BOOT = re.compile(r"(?<=.)-[0-9a-f]{8}\Z", re.ASCII)
_UNFIT = re.compile(r"[^A-Za-z0-9_]+", re.ASCII)


def new_request_id() -> str:
    """A fresh id: 32 hexadecimal digits, random, never used again."""
    return os.urandom(16).hex()


def is_request_id(text: str) -> bool:
    """Whether the text is 32 hexadecimal digits or a UUID with dashes, in lower case."""
    return REQUEST_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class ProcessId:
    """One process on one host, for as long as the queue lives."""

    host: str
    pid: int
    start: int
    nonce: str

    @classmethod
    def new(cls, host: str, pid: int, start: int) -> "ProcessId":
        """The name of a process; the host's dots and slashes become dashes."""
        return cls(_UNFIT.sub("-", host)[:73] or "host", pid, start, os.urandom(4).hex())

    @classmethod
    def parse(cls, text: str) -> "ProcessId | None":
        """The process that a name in the queue speaks of, or None when it is not such a name."""
        match = _PROCESS.fullmatch(text)
        if match is None:
            return None
        host, pid, start, nonce = match.groups()
        return cls(host, int(pid), int(start), nonce)

    @property
    def node(self) -> str:
        """The host's name for people, without the eight digits that tell its boots and containers apart."""
        return _BOOT.sub("", self.host)

    def __str__(self) -> str:
        return f"{self.host}-{self.pid}-{self.start}-{self.nonce}"
