"""Mounting for tests: what must be there, bringing a filesystem up, and taking it down whatever happened."""

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

T = TypeVar("T")

UP_WITHIN_S = 20.0
BUSY_S = 3.0
"""Seconds in which a mount that is still in use is asked again to go."""
ENDED_WITHIN_S = 5.0


class LabError(Exception):
    """The lab could not be brought up; the message says what is missing."""


def skip_or_fail(why: str, expected: str) -> NoReturn:
    """Skip a test that cannot run here; fail where it was promised that it can.

    Args:
        why: what is missing.
        expected: the environment variable that, with ``CI=true``, makes it a failure.
    """
    if os.environ.get("CI") == "true" and os.environ.get(expected) == "1":
        pytest.fail(f"{why} ({expected}=1 says that it is here)")
    pytest.skip(why)


@contextmanager
def or_skip(lab: AbstractContextManager[T], expected: str = "AEXP_EXPECT_FUSE") -> Iterator[T]:
    """The lab, for a fixture; where it cannot be brought up :func:`skip_or_fail` says what happens."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(lab)
        except LabError as exc:
            skip_or_fail(str(exc), expected)
        yield made


def need_fuse(*programs: str, module: str | None = None) -> None:
    """See whether FUSE can be used here.

    Args:
        programs: what is needed besides ``fusermount3``.
        module: a Python module that is needed.

    Raises:
        LabError: it cannot; says what is missing.
    """
    for program in ("fusermount3", *programs):
        if shutil.which(program) is None:
            raise LabError(f"{program} is not installed (Debian: apt-get install bindfs fuse3)")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as exc:
        raise LabError(f"/dev/fuse cannot be used: {exc.strerror}") from exc
    try:
        if module is not None:
            import_module(module)
    except (ImportError, OSError) as exc:
        raise LabError(f"the Python module {module} cannot be used: {exc}") from exc


def is_mounted(point: Path) -> bool:
    """Whether something is mounted there; asks the kernel and not the mount, which may hang."""
    wanted = os.path.realpath(point.parent) + "/" + point.name
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return any(_unescaped(line.split(" ")[4]) == wanted for line in lines)


@contextmanager
def fuse_mount(command: Sequence[str], point: Path, cwd: Path | None = None) -> Iterator[None]:
    """A FUSE filesystem, for as long as the context lasts.

    Args:
        command: serves the filesystem in the foreground, at ``point``.
        point: the mount point; made if it is missing, removed at the end.

    Raises:
        LabError: it did not come up; nothing is left of it.
    """
    point.mkdir(parents=True, exist_ok=True)
    # The server gets SIGTERM, and unmounts, when this process is killed before it can do that itself.
    setpriv = shutil.which("setpriv")
    guarded = [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else [*command]
    with (point.parent / f"{point.name}.err").open("w+b") as said:
        server = subprocess.Popen(guarded, stdin=subprocess.DEVNULL, stderr=said, cwd=cwd)
        try:
            _wait_until_up(server, point, said.name)
            yield
        finally:
            _take_down(server, point)


@contextmanager
def tmpfs(point: Path, size: str) -> Iterator[Path]:
    """A filesystem in memory that holds ``size`` (``1m``) at most.

    Raises:
        LabError: this user may not mount one.
    """
    point.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(point)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"a small tmpfs cannot be mounted: {done.stderr.strip()}")
    try:
        yield point
    finally:
        _unmount(["umount", str(point)], ["umount", "-l", str(point)], point)


def _wait_until_up(server: subprocess.Popen[bytes], point: Path, said: str) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while not is_mounted(point):
        if server.poll() is not None or time.monotonic() > deadline:
            told = Path(said).read_text(encoding="utf-8", errors="replace").strip()
            raise LabError(f"{server.args!r} did not mount {point}: {told or 'it said nothing'}")
        select.select([], [], [], 0.005)


def _take_down(server: subprocess.Popen[bytes], point: Path) -> None:
    _unmount(["fusermount3", "-u", str(point)], ["fusermount3", "-uz", str(point)], point)
    try:
        server.wait(timeout=ENDED_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    # A server that died by itself leaves a mount without one behind; it goes like any other.
    _unmount(["fusermount3", "-u", str(point)], ["fusermount3", "-uz", str(point)], point)
    if not is_mounted(point):
        point.rmdir()


def _unmount(gently: Sequence[str], at_last: Sequence[str], point: Path) -> None:
    deadline = time.monotonic() + BUSY_S
    while is_mounted(point):
        last = time.monotonic() > deadline
        subprocess.run(at_last if last else gently, capture_output=True, check=False)
        if last:
            return
        if is_mounted(point):
            select.select([], [], [], 0.05)


def _unescaped(field: str) -> str:
    """A path as the kernel writes it in mountinfo: blanks and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
