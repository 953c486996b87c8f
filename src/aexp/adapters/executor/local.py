"""Commands as processes of this machine: started in a session of their own, watched, never waited for."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from aexp.adapters.executor import landlock
from aexp.adapters.executor.strays import VARIABLE, end_strays
from aexp.adapters.kernel import process_descriptor
from aexp.adapters.remedies import reason
from aexp.domain.errors import RelayStartError
from aexp.ports.executor import Command, Execution, Executor


class LocalExecution(Execution):
    """One process and its group.

    The process is reaped in :meth:`close` only: until then its id, and with it the id of its group,
    cannot be given to a stranger, so that a signal to the group never hits one.
    """

    def __init__(self, process: subprocess.Popen[bytes], forget: Callable[[], None]) -> None:
        if process.stdout is None:
            raise ValueError("the process must write into a pipe")
        self._process = process
        self._pipe: int | None = process.stdout.fileno()
        self._forget = forget
        self._status: int | None = None
        self._signalled = False
        self._closed = False
        os.set_blocking(self._pipe, False)
        self._pidfd = _end_descriptor(process.pid)

    @property
    def end_descriptor(self) -> int | None:
        """What becomes readable when the process has ended; None after that, and on old kernels."""
        return self._pidfd if self._status is None else None

    def descriptors(self) -> list[int]:
        """The ends that become readable when there is output, or when the process has ended."""
        return [fd for fd in (self._pipe, self.end_descriptor) if fd is not None]

    def poll(self) -> int | None:
        if self._status is None:
            # WNOWAIT leaves the process unreaped, see the class.
            about = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if about is not None:
                exited = about.si_code == os.CLD_EXITED
                self._status = about.si_status if exited else -about.si_status
        return self._status

    def read(self, limit: int) -> bytes:
        if self._pipe is None:
            return b""
        try:
            data = os.read(self._pipe, limit)
        except BlockingIOError:
            return b""
        if not data:
            # Every writer has closed its end. A pipe at its end stays readable and would keep the
            # daemon's loop awake.
            self._close_pipe()
        return data

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._signalled:
            # The leader obeyed; whoever of its group did not is ended now, while the group's id is ours.
            self._signal(signal.SIGKILL, again=True)
        self._process.wait()
        self._close_pipe()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        self._forget()

    def _signal(self, number: signal.Signals, *, again: bool = False) -> None:
        if self._closed and not again:
            return
        self._signalled = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _close_pipe(self) -> None:
        if self._pipe is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._pipe = None


def _end_descriptor(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where none can be had.

    Without it an end is noticed when the output closes, or at the next poll.
    """
    try:
        return process_descriptor(pid)
    except OSError:
        return None


class LocalExecutor(Executor):
    """Starts processes with a fixed environment.

    Args:
        environment: all that the commands find in their environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: list[LocalExecution] = []

    def start(self, command: Command) -> Execution:
        return self.spawn(command.argv, command.cwd, self._environment, command.request_id)

    def spawn(
        self,
        argv: Sequence[str],
        cwd: str | os.PathLike[str],
        env: Mapping[str, str],
        request_id: str = "",
        writable: Sequence[str] | None = None,
    ) -> LocalExecution:
        """Start a process.

        Args:
            argv: the program and its arguments.
            cwd: the folder that it works in; ``/proc/self/fd/<n>`` for one that is open here.
            env: all that it finds in its environment, but for the request's id.
            writable: the only files and folders that it may write, where the kernel can see to that
                (see :mod:`~aexp.adapters.executor.landlock`); None for no such bound.

        Raises:
            RelayStartError: it could not be started; nothing runs.
        """
        program = argv[0]
        if not os.path.isdir(cwd):
            raise RelayStartError(
                f"{os.fspath(cwd)} is not a folder on the login node.",
                "Check the path; a new folder may take a moment to appear on the other node.",
            )
        try:
            process = _start(argv, cwd, {**env, VARIABLE: request_id}, writable)
        except FileNotFoundError as exc:
            raise RelayStartError(
                f"{program} is not installed on the login node, or not on the daemon's PATH.",
                f"Install {program} there, or restart the daemon from a shell that finds it.",
            ) from exc
        except OSError as exc:
            raise RelayStartError(
                f"{program} could not be started in {os.fspath(cwd)}: {reason(exc)}.",
                "Look at the login node: limits, memory and the folder's mode.",
            ) from exc
        execution = LocalExecution(process, lambda: self._running.remove(execution))
        self._running.append(execution)
        return execution

    def end_strays(self, request_id: str, *, force: bool) -> int:
        return end_strays(request_id, force=force)

    def descriptors(self) -> Sequence[int]:
        return [fd for execution in self._running for fd in execution.descriptors()]


def _start(
    argv: Sequence[str],
    cwd: str | os.PathLike[str],
    env: Mapping[str, str],
    writable: Sequence[str] | None,
) -> subprocess.Popen[bytes]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    if writable is None or not landlock.version():
        return start()
    return landlock.confined(writable, start)
