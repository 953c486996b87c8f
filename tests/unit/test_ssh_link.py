"""One connection, with programs in place of ssh that speak, are silent, make noise, or end."""

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from aexp.adapters.storage.ssh import link as links
from aexp.adapters.storage.ssh.address import Address
from aexp.adapters.storage.ssh.link import Link
from aexp.adapters.storage.ssh.program import command_line
from aexp.domain.errors import RelayConnectionError
from aexp.domain.far import Broken
from aexp.testing import in_threads
from tests.world import executable

LOGIN = Address("login", "me", 2222, "~/repo")
_G = '[ "$2" != -G ] && [ "$1" != -G ] || { echo "serveraliveinterval 0"; exit; }\n'
ECHOES = f"""exec {sys.executable} -c "
import os, struct, json
os.write(1, b'aexp-gate/1\\n')
while True:
    lengths = os.read(0, 8)
    if not lengths: break
    head, body = struct.unpack('>II', lengths)
    asked = json.loads(os.read(0, head))
    data = os.read(0, body) if body else b''
    said = json.dumps(asked).encode()
    os.write(1, struct.pack('>II', len(said), len(data)) + said + data)
"
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program is; a test writes it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "ssh"


def write(ssh: Path, script: str) -> None:
    executable(ssh, f"#!/bin/sh\n{_G}{script}")


def failure(ssh: Path, script: str) -> RelayConnectionError:
    write(ssh, script)
    with pytest.raises(RelayConnectionError) as met:
        Link(LOGIN)
    return met.value


def test_questions_are_answered_until_it_is_closed(ssh: Path) -> None:
    write(ssh, ECHOES)
    link = Link(LOGIN)
    for number in (1, 2, 3):
        answer = link.ask("read", {"name": "x"}, b"body", 20.0)
        assert answer is not None
        assert answer.head == {"n": number, "verb": "read", "name": "x"}
        assert answer.body == b"body"
    link.close()
    with pytest.raises(RelayConnectionError):
        link.ask("read", {}, b"", 20.0)
    link.close()


def test_a_far_side_that_is_silent_is_given_up(ssh: Path) -> None:
    write(ssh, "printf 'aexp-gate/1\\n'\nexec sleep 60\n")
    link = Link(LOGIN)
    began = time.monotonic()
    with pytest.raises(RelayConnectionError) as met:
        link.ask("open", {}, b"", 0.1)
    assert met.value.kind == Broken.SILENT
    assert time.monotonic() - began < 20


def test_one_that_never_greets_is_given_up(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "GREETS_WITHIN_S", 0.1)
    assert failure(ssh, "exec sleep 60\n").kind == Broken.SILENT


def test_one_that_ends_in_the_middle_was_dropped(ssh: Path) -> None:
    write(
        ssh,
        "printf 'aexp-gate/1\\n'\nread -r line\necho 'Connection to login closed.' >&2\nexit 255\n",
    )
    link = Link(LOGIN)
    with pytest.raises(RelayConnectionError, match=r"Connection to login closed\.") as met:
        link.ask("open", {}, b"\n", 20.0)
    assert met.value.kind == Broken.DROPPED


def test_one_that_ends_at_once_and_leaves_its_error_to_another_process_is_told(ssh: Path) -> None:
    # As the master of a multiplexed connection keeps standard error open.
    error = failure(
        ssh, "sleep 30 >/dev/null & \necho 'Permission denied (publickey).' >&2\nexit 255\n"
    )
    assert error.kind == Broken.KEY


def test_much_that_is_said_on_standard_error_blocks_nothing(ssh: Path) -> None:
    write(ssh, f"head -c 300000 /dev/zero | tr '\\0' x >&2\n{ECHOES}")
    link = Link(LOGIN)
    assert link.ask("open", {}, b"", 20.0) is not None
    link.close()


# Faster than it is read (see `slow`): there is always more in the pipe than one look takes.
ENDLESS = f"""exec {sys.executable} -c "
import fcntl, os, struct
os.write(1, b'aexp-gate/1\\n')
fcntl.fcntl(WHERE, fcntl.F_SETPIPE_SZ, 1 << 20)
head = b'{{\\"n\\": NUMBER}}'
frame = struct.pack('>II', len(head), 60000) + head + bytes(60000)
while True: os.write(WHERE, frame * 16)
"
"""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """This side takes some time for each piece that it reads."""
    read = os.read

    def slowly(descriptor: int, size: int) -> bytes:
        time.sleep(0.005)
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", slowly)


@pytest.mark.usefixtures("slow")
def test_an_endless_standard_error_is_given_up_in_time(ssh: Path) -> None:
    write(ssh, ENDLESS.replace("WHERE", "2"))
    link = Link(LOGIN)
    began = time.monotonic()
    with pytest.raises(RelayConnectionError) as met:
        link.ask("open", {}, b"", 0.3)
    assert met.value.kind == Broken.SILENT
    assert time.monotonic() - began < 20


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("number", ["7", "[1]"])
def test_endless_answers_to_what_was_not_asked_are_given_up(ssh: Path, number: str) -> None:
    write(ssh, ENDLESS.replace("WHERE", "1").replace("NUMBER", number))
    link = Link(LOGIN)
    with pytest.raises(RelayConnectionError) as met:
        link.ask("open", {}, b"", 0.3)
    assert met.value.kind == Broken.SILENT


def test_the_words_of_a_banner_are_not_taken_for_those_of_ssh(ssh: Path) -> None:
    banner = "Permission denied to strangers. Host key verification failed? Call us."
    script = f"echo '{banner}' >&2\necho 'Connection closed by 192.0.2.1 port 22' >&2\nexit 255\n"
    assert failure(ssh, script).kind == Broken.UNREACHABLE


def test_what_is_no_frame_is_noise_and_ends_it(ssh: Path) -> None:
    write(ssh, "printf 'aexp-gate/1\\nWelcome to login, have a nice day'\nexec sleep 60\n")
    link = Link(LOGIN)
    with pytest.raises(RelayConnectionError) as met:
        link.ask("open", {}, b"", 20.0)
    assert met.value.kind == Broken.NOISE


def test_noise_before_the_greeting_is_found_out_at_once(ssh: Path) -> None:
    error = failure(ssh, "echo Last login: today\nprintf 'aexp-gate/1\\n'\nexec sleep 60\n")
    assert error.kind == Broken.NOISE
    assert "Last login" in error.what


def test_a_greeting_may_come_in_pieces(ssh: Path) -> None:
    write(
        ssh,
        f"printf aexp-\nsleep 0.05\nprintf gate/1\\\\n\n{ECHOES.replace(chr(97) + 'exp-gate/1', '')}",
    )
    text = ssh.read_text().replace("os.write(1, b'\\n')\n", "")
    executable(ssh, text)
    link = Link(LOGIN)
    assert link.ask("open", {}, b"", 20.0) is not None
    link.close()


def test_a_descriptor_ends_the_waiting_and_the_answer_that_comes_late_is_nobodys(ssh: Path) -> None:
    write(ssh, ECHOES)
    link = Link(LOGIN)
    read_end, write_end = os.pipe()
    os.write(write_end, b"x")
    found = [link.ask("wait", {"at": at}, b"", 20.0, (read_end,)) for at in range(20)]
    answer = link.ask("read", {"at": "end"}, b"", 20.0)
    assert answer is not None
    assert answer.head["at"] == "end"
    assert all(one is None or one.head["at"] == at for at, one in enumerate(found))
    assert link._answers == {}
    link.close()
    os.close(read_end)
    os.close(write_end)


def test_threads_that_ask_through_one_connection_get_each_its_own(ssh: Path) -> None:
    write(ssh, ECHOES)
    link = Link(LOGIN)

    def ask(thread: int) -> list[tuple[int, int]]:
        found = [link.ask("read", {"at": [thread, at]}, b"", 20.0) for at in range(60)]
        return [tuple(one.head["at"]) for one in found if one is not None]

    got = in_threads([partial(ask, thread) for thread in range(8)])
    assert got == [[(thread, at) for at in range(60)] for thread in range(8)]
    link.close()


def test_closing_it_ends_the_wait_of_another_thread(ssh: Path) -> None:
    write(ssh, "printf 'aexp-gate/1\\n'\nexec sleep 60\n")
    link = Link(LOGIN)
    met: list[RelayConnectionError] = []

    def ask() -> None:
        try:
            link.ask("wait", {}, b"", 50.0)
        except RelayConnectionError as exc:
            met.append(exc)

    waiting = threading.Thread(target=ask)
    waiting.start()
    link.close()
    waiting.join(20)
    assert met


def test_ssh_is_called_without_questions_and_with_nothing_that_the_user_has_set(ssh: Path) -> None:
    write(ssh, "")
    words = command_line(LOGIN)
    assert words[0] == str(ssh)
    assert words[-7:] == ["-l", "me", "-p", "2222", "--", "login", "aexp relay exec"]
    assert "BatchMode=yes" in words
    assert "-oServerAliveInterval=10" in words
    assert not any("Control" in word or "HostKey" in word for word in words)
    executable(ssh, "#!/bin/sh\necho serveraliveinterval 60\necho connecttimeout 4\n")
    assert not any(
        "ServerAlive" in word or "ConnectTimeout" in word for word in command_line(LOGIN)
    )
