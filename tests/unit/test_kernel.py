"""The calls that some builds of Python lack: by the kernel itself, and on a kernel that has none either."""

import errno
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aexp.adapters import kernel
from aexp.adapters.consent.ssh_signatures import AllowedSigners, system_keygen
from aexp.adapters.workshop.git_questions import GitQuestions
from tests.unit.test_signed_consent import TEXT, key, line, signed

LACKING = (
    (os, ("pidfd_open", "memfd_create", "MFD_CLOEXEC")),
    (signal, ("pidfd_send_signal",)),
)


@pytest.fixture(params=["whole", "lacking", "old kernel"])
def python(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What Python and the kernel have."""
    monkeypatch.setenv("AEXP_RELAY_STATE", str(tmp_path / "node"))
    if request.param != "whole":
        for module, names in LACKING:
            for name in names:
                monkeypatch.delattr(module, name, raising=False)
    if request.param == "old kernel":

        def missing(*_: object) -> int:
            raise OSError(errno.ENOSYS, "not implemented")

        monkeypatch.setattr(kernel, "_syscall", missing)
    return str(request.param)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as made:
        yield made
        made.kill()


def test_a_process_is_signalled_and_its_end_is_seen(
    python: str, child: subprocess.Popen[bytes]
) -> None:
    handle = kernel.process_descriptor(child.pid)
    assert (handle is None) == (python == "old kernel")
    kernel.send_signal(handle, child.pid, signal.SIGTERM)
    if handle is not None:
        assert not os.get_inheritable(handle)
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)
    assert child.wait(timeout=30) == -signal.SIGTERM
    if handle is not None:
        with pytest.raises(ProcessLookupError):
            kernel.process_descriptor(child.pid)


def test_an_anonymous_file_has_no_name_and_holds_what_was_written(
    python: str, tmp_path: Path
) -> None:
    handle = kernel.anonymous_file("given")
    try:
        assert not os.get_inheritable(handle)
        os.write(handle, b"text")
        with open(f"/dev/fd/{handle}", "rb") as file:
            assert file.read() == b"text"
        assert os.fstat(handle).st_nlink == 0
        place = os.readlink(f"/proc/self/fd/{handle}")
        where = f"{tmp_path}/node/" if python == "old kernel" else "/memfd:given"
        assert place.startswith(where)
        assert not [*tmp_path.glob("node/*")]
    finally:
        os.close(handle)


def test_on_an_architecture_that_is_not_known_the_file_is_unlinked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AEXP_RELAY_STATE", str(tmp_path / "node"))
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(kernel, "_MEMFD_CREATE", {})
    handle = kernel.anonymous_file("given")
    assert os.readlink(f"/proc/self/fd/{handle}").startswith(f"{tmp_path}/node/")
    os.close(handle)


def test_git_is_asked_with_what_there_is(python: str, tmp_path: Path) -> None:
    asked = GitQuestions("git", {"PATH": os.environ["PATH"]}, str(tmp_path), 20.0)
    said = asked.ask(("hash-object", "--stdin"), given=b"text")
    assert (said.data, said.whole) == (b"f3a34851d44d6b97c90fbb99dd3d18c261b9a237\n", True)


def test_a_signature_is_checked_with_what_there_is(python: str, tmp_path: Path) -> None:
    ada = key(tmp_path, "ada")
    signers = AllowedSigners(line(ada, "ada@example.org"), system_keygen())
    assert "ada@example.org" in str(signers.signer_of(TEXT, signed(ada)))
    assert signers.signer_of(b"another", signed(ada)) is None


def test_git_may_take_no_more_memory_than_a_gibibyte(tmp_path: Path) -> None:
    """The bound is set right after its start: the stand-in waits for it, and for ever without it."""
    git = tmp_path / "git"
    git.write_text('#!/bin/sh\nuntil [ "$(ulimit -d)" = 1048576 ]; do :; done\necho bounded\n')
    git.chmod(0o700)
    said = GitQuestions(str(git), {"PATH": os.environ["PATH"]}, str(tmp_path), 20.0).ask(("log",))
    assert (said.data, said.whole) == (b"bounded\n", True)
