"""``aexp relay exec``: the gate of this machine's queue, for the command of an ssh key. It only moves frames.

Standard output carries frames alone: whatever else is written to it here goes to standard error.
"""

import os
import re
import select
import shlex
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aexp.cli.exits import BUSY, INVALID, REJECTED
from aexp.cli.terminal import echo
from aexp.domain.frames import GREETING, MAX_QUESTION, FrameError, FrameReader
from aexp.domain.text import visible

if TYPE_CHECKING:
    from aexp.airgapped.gate import Gate
    from aexp.airgapped.queue import RelayQueue

IDLE_S = 900.0
"""Seconds without a whole question after which the connection ends; a client connects again by itself."""
TAKEN_WITHIN_S = 60.0
"""Seconds in which a client must take an answer."""
MOST_CLIENTS = 64
"""Connections of this account at once: each is a process here, and a key could open thousands."""
_PIECE = 1 << 16
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}", re.ASCII)


def serve_client(queue: str | None, *, up: bool) -> None:
    """Answer one client's questions until it has gone.

    Args:
        up: whether a daemon is started if none serves.

    Raises:
        SettingsError: a setting cannot be used.
    """
    _take_seat(os.environ)
    _refuse_others(queue, os.environ)
    if sys.stdin is None or sys.stdout is None or sys.stdin.isatty():
        echo(
            "aexp relay exec speaks to a program at the other end of ssh, not to a person.",
            err=True,
        )
        echo("  next: aexp relay push --queue ssh://HOST/~/repository, from over there", err=True)
        sys.exit(REJECTED)
    frames = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(frames, False)
    reader = FrameReader(MAX_QUESTION)
    gate = _gate(queue, os.environ, reader, up=up)
    try:
        _write(frames, GREETING)
        _converse(gate, reader, frames)
    except BrokenPipeError:
        return  # The client has gone.


def _refuse_others(queue: str | None, environ: Mapping[str, str]) -> None:
    """End with a clear line where the client has asked its key for another command than this one."""
    command = environ.get("SSH_ORIGINAL_COMMAND")
    if command is None or _is_ours(command):
        return
    shown = visible(command, limit=120)
    _tell(queue, "gate-refused", {"command": command, "address": _address(environ) or None})
    echo(f"aexp: this key serves the relay and nothing else; '{shown}' was not run.", err=True)
    sys.exit(REJECTED)


def _is_ours(command: str) -> bool:
    """Whether it is what a client of ours says. Nothing of it is run, whatever it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[1:3] == ["relay", "exec"] and (len(words) == 3 or words[3:-1] == ["--queue"])


def _take_seat(environ: Mapping[str, str]) -> None:
    """Have one of the connections that may be there at once, for as long as this process lives."""
    from aexp.adapters.node_local import private_base, private_folder
    from aexp.adapters.seats import take_seat

    if take_seat(private_folder(private_base(environ) / "gate"), MOST_CLIENTS) is None:
        echo(f"error: {MOST_CLIENTS} clients of your account are connected here already.", err=True)
        echo("  next: end some; here each of them is a process `aexp relay exec`", err=True)
        sys.exit(BUSY)


def _converse(gate: "Gate", reader: FrameReader, frames: int, questions: int = 0) -> None:
    from aexp.airgapped.asked import GateClosedError

    deadline = time.monotonic() + IDLE_S
    try:
        while True:
            question = reader.take()
            if question is None:
                data = _read(questions, deadline)
                if not data:
                    return
                reader.feed(data)
                continue
            _write(frames, gate.answer(question).to_bytes())
            deadline = time.monotonic() + IDLE_S
    except FrameError as exc:
        echo(f"aexp: what came is {visible(str(exc))}; the connection ends.", err=True)
        sys.exit(INVALID)
    except GateClosedError as exc:
        echo(f"aexp: {exc.what}", err=True)
        sys.exit(INVALID)


def _read(questions: int, deadline: float) -> bytes:
    """What the client says next; nothing when it has gone, or has asked nothing for long."""
    poller = select.poll()
    poller.register(questions, select.POLLIN)
    left = deadline - time.monotonic()
    return os.read(questions, _PIECE) if left > 0 and poller.poll(left * 1000) else b""


def _write(descriptor: int, data: bytes) -> None:
    """Let the client have this; one that does not take it is held for gone."""
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    deadline = time.monotonic() + TAKEN_WITHIN_S
    view = memoryview(data)
    while view:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise BrokenPipeError
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            continue


def _gate(
    named: str | None, environ: Mapping[str, str], reader: FrameReader, *, up: bool
) -> "Gate":
    from aexp import __version__
    from aexp.airgapped import defaults
    from aexp.airgapped.gate import Gate
    from aexp.airgapped.queue import RelayQueue
    from aexp.cli.far import refuse_far
    from aexp.cli.login_node import login_layers
    from aexp.settings import settings_of

    settings = settings_of(login_layers(queue=named))
    refuse_far(settings.queue)
    clock, processes = defaults.system_clock(), defaults.system_processes()
    filesystem = defaults.local_filesystem()
    storage = defaults.open_queue(settings.queue, clock, settings.profile)
    queue = RelayQueue(storage, processes, clock)
    policy = defaults.cwd_policy(filesystem, storage.folder, defaults.cwd_names(settings.cwd_names))
    return Gate(
        queue,
        policy,
        clock,
        processes,
        version=__version__,
        address=_address(environ),
        listens=(0,),
        hurry=lambda: len(reader) > 0,
        tell=lambda event, **facts: _tell(named, event, facts),
        is_queue=lambda asked: _is_same(asked, storage.url),
        is_default=not defaults.queue_flag(storage.url),
        opened=lambda: _bring_up(named, queue) if up else None,
    )


def _address(environ: Mapping[str, str]) -> str:
    """Where the client connects from, as sshd tells it; empty where it does not."""
    first = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return first if _ADDRESS.fullmatch(first) else ""


def _is_same(asked: str, url: str) -> bool:
    from aexp.airgapped.defaults import queue_folder
    from aexp.domain.errors import SettingsError

    if "://" in asked and not asked.startswith("file://"):
        return asked == url
    try:
        return queue_folder(asked.removeprefix("file://")) == url
    except SettingsError:
        return False


def _tell(named: str | None, event: str, facts: dict[str, Any]) -> None:
    """Write to the audit trail that something was refused."""
    import logging

    # Where nothing handles it, logging writes a warning to standard error, which is the client's here.
    logger = logging.getLogger("aexp.relay")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    from aexp.cli.login_node import container

    container(named).audit().warn(event, **facts)


def _bring_up(named: str | None, queue: "RelayQueue") -> None:
    """Start a daemon as the last one here was, if none serves; why it could not is told on standard error."""
    beat = queue.beat()
    if beat is not None and not queue.is_gone(beat):
        return
    from aexp.cli.keepup import bring_up_as_before
    from aexp.cli.terminal import show_error
    from aexp.domain.errors import AexpError

    try:
        bring_up_as_before(named)
    except AexpError as exc:
        # The client is told that none serves, when it asks for something.
        show_error(exc)
