"""Asking ssh agents: a real one, one that hangs, what is none, and one that a log-in forwards."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aexp.adapters.checkup import agent as adapter
from aexp.adapters.checkup.agent import agent_of
from aexp.domain.checkup.agent import Agent
from tests.vectors.needs import need_program


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket on which nobody has said anything yet."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        yield made


@contextmanager
def ssh_agent(path: Path) -> Iterator[dict[str, str]]:
    """A real agent; what a shell has in its environment then."""
    program = [need_program("ssh-agent"), "-D", "-a", str(path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        assert "SSH_AUTH_SOCK" in agent.stdout.readline()
        try:
            yield {**os.environ, "SSH_AUTH_SOCK": str(path)}
        finally:
            agent.terminate()


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        yield Path(made)


def asked(path: Path) -> Agent | None:
    return agent_of({"SSH_AUTH_SOCK": str(path)})


def test_a_real_agent_says_how_many_keys_it_has(short: Path) -> None:
    key = short / "key"
    subprocess.run(
        [need_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
    )
    with ssh_agent(short / "agent") as environ:
        assert agent_of(environ) == Agent(str(short / "agent"), keys=0)
        subprocess.run(["ssh-add", "-q", key], env=environ, check=True)
        assert agent_of(environ) == Agent(str(short / "agent"), keys=1)


def test_what_is_no_socket_is_said_to_be_none(short: Path) -> None:
    assert agent_of({}) is None
    path = short / "agent"
    gone = Agent(str(path), trouble="is no socket (any more)")
    assert asked(path) == gone
    path.touch()
    assert asked(path) == gone


def test_an_agent_that_has_ended_refuses(short: Path) -> None:
    with listening(short / "agent"):
        pass
    found = asked(short / "agent")
    assert found is not None
    assert found.trouble == "cannot be used: Connection refused"


def test_an_agent_that_hangs_is_not_waited_for(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LIMIT_S", 0.05)
    with listening(short / "agent"):
        found = asked(short / "agent")
    assert found is not None
    assert found.trouble.startswith("does not answer within")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request", b"\0\0\0\x01\x05"])
def test_what_does_not_speak_as_an_agent_is_none(
    short: Path, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import socket, sys\n"
        "listening = socket.socket(socket.AF_UNIX); listening.bind(sys.argv[1]); listening.listen()\n"
        "print(flush=True)\n"
        "line, _ = listening.accept(); line.recv(99); line.sendall(bytes.fromhex(sys.argv[2]))\n"
    )
    arguments = [sys.executable, "-c", code, str(short / "agent"), said.hex()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        found = asked(short / "agent")
    assert found == Agent(str(short / "agent"), trouble="does not answer as an ssh agent does")


@pytest.mark.parametrize(
    ("path", "forwarded"),
    [
        ("/home/ada/.ssh/agent/s.3kX9vQ.sshd.Zq81", True),
        ("/home/ada/.ssh/agent/s.3kX9vQ.agent.Zq81", False),
        ("/run/user/1000/keyring/ssh", False),
    ],
)
def test_newer_ssh_says_in_the_name_whose_it_is(path: str, forwarded: bool) -> None:
    assert adapter._is_forwarded(path, os.getpid()) is forwarded


def test_a_link_to_a_forwarded_agent_is_forwarded(tmp_path: Path) -> None:
    link = tmp_path / "agent.sock"
    link.symlink_to(tmp_path / "s.3kX9vQ.sshd.Zq81")
    assert adapter._is_forwarded(str(link), os.getpid())
