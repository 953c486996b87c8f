"""Where the socket for decisions lies, whose it is, and what happens when its place is lost or taken."""

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aexp.adapters.consent.socket_client import SocketLine
from aexp.adapters.consent.socket_files import Listener, connect, peer_of, socket_name
from aexp.domain.decisions import Question
from aexp.domain.errors import RelayBusyError, RelayDownError, SettingsError
from tests.login import NAME, ONE, Login, is_hung_up, petition

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def login(run: Path, tmp_path: Path) -> Iterator[Login]:
    with Login(run, tmp_path / "fallback") as made:
        made.decisions.park(petition())
        made.decisions.collect(())
        yield made


def test_the_socket_and_its_folder_are_for_the_owner_alone(login: Login, run: Path) -> None:
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE((run / NAME).stat().st_mode) == 0o600


def test_closing_leaves_nothing_behind(login: Login, run: Path) -> None:
    login.decisions.close()
    assert [*run.iterdir()] == []
    assert login.decisions.descriptors() == []
    with pytest.raises(RelayDownError, match="No daemon takes decisions"):
        login.line.waiting()


def test_a_folder_that_vanishes_is_noticed_and_the_next_one_is_used(
    login: Login, run: Path, tmp_path: Path
) -> None:
    assert login.decisions.where == run / NAME
    (run / NAME).unlink()
    run.rmdir()
    run.symlink_to(tmp_path)
    login.clock.advance(6)
    login.decisions.collect(())
    assert login.decisions.where == tmp_path / "fallback" / NAME
    assert login.asking(lambda: login.line.show(ONE)) == petition()
    login.asking(lambda: login.line.approve(ONE, petition().digest))
    assert login.approved() == [ONE]


def test_a_socket_that_was_replaced_is_not_taken_for_ours(
    login: Login, run: Path, tmp_path: Path
) -> None:
    (run / NAME).unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(run / NAME))
        other.listen()
        login.clock.advance(6)
        login.decisions.collect(())
        assert login.decisions.where == tmp_path / "fallback" / NAME
        assert (run / NAME).exists()
    login.decisions.close()
    assert (run / NAME).exists()


@pytest.mark.parametrize("first", [0, 1])
def test_a_second_daemon_is_refused_wherever_the_first_one_listens(
    run: Path, tmp_path: Path, first: int
) -> None:
    folders = [run, tmp_path / "fallback"]
    with Login(folders[first]) as former, Login(*folders) as second:
        former.decisions.open()
        with pytest.raises(RelayBusyError, match="Another process listens") as caught:
            second.decisions.open()
        assert "`aexp relay down` ends it" in caught.value.hint
        assert second.decisions.where is None
        former.decisions.close()
        second.decisions.open()
        assert second.decisions.where == run / NAME


def test_without_any_place_it_says_why_goes_on_and_tries_again(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("x")
    with Login(taken) as login:
        login.decisions.park(petition())
        with pytest.raises(SettingsError, match="is not a folder"):
            login.decisions.open()
        login.storage.put(f"rejected/{ONE}", b"")
        assert login.decisions.collect((ONE,)).rejected == {ONE: ""}
        assert "is not a folder" in str(login.decisions.trouble)
        taken.unlink()
        login.clock.advance(6)
        login.decisions.collect(())
        assert login.decisions.trouble is None
        assert login.asking(lambda: login.line.show(ONE)) == petition()


def test_a_dead_daemons_socket_is_replaced_and_a_live_one_is_not(run: Path) -> None:
    run.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(run / NAME))
    first = Listener(run, NAME)
    with pytest.raises(RelayBusyError, match="Another process listens"):
        Listener(run, NAME)
    assert first.in_place()
    connect(run, NAME, 1.0).close()
    first.close()
    Listener(run, NAME).close()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "fifo"])
def test_something_else_in_the_sockets_place_is_left_alone_and_named(run: Path, kind: str) -> None:
    run.mkdir(mode=0o700)
    place = run / NAME
    make = {
        "file": place.touch,
        "folder": place.mkdir,
        "link": lambda: place.symlink_to("/dev/null"),
        "fifo": lambda: os.mkfifo(place),
    }
    make[kind]()
    with pytest.raises(SettingsError, match="is not a socket"):
        Listener(run, NAME)
    with pytest.raises(SettingsError, match="is not a socket"):
        connect(run, NAME, 1.0)
    with pytest.raises(RelayDownError, match="is not a socket"):
        SocketLine([run], NAME, 1.0).waiting()
    assert os.path.lexists(place)


def test_a_folder_that_is_a_link_or_open_to_others_is_not_used(run: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    listener = Listener(real, NAME)
    run.symlink_to(real)
    for use in (lambda: Listener(run, NAME), lambda: connect(run, NAME, 1.0)):
        with pytest.raises(SettingsError, match="is not a folder"):
            use()
    run.unlink()
    real.chmod(0o750)
    for use in (lambda: Listener(real, NAME), lambda: connect(real, NAME, 1.0)):
        with pytest.raises(SettingsError, match="open to other users"):
            use()
    real.chmod(0o700)
    (real / NAME).chmod(0o666)
    with pytest.raises(SettingsError, match="open to other users"):
        connect(real, NAME, 1.0)
    listener.close()


def test_a_path_that_is_longer_than_a_sockets_may_be_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 100] * 4)
    assert len(str(deep)) > 400
    with Login(deep) as login:
        login.decisions.park(petition())
        assert login.asking(lambda: login.line.show(ONE)) == petition()


def test_each_queue_has_a_socket_of_its_own_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    assert socket_name(f"{tmp_path}/a") == socket_name(f"{tmp_path}/link/../link/")
    assert socket_name(f"{tmp_path}/a") != socket_name(f"{tmp_path}/b")
    assert socket_name("memory://") != socket_name(f"{tmp_path}/memory:")


def test_a_daemon_that_never_answers_is_given_up_and_the_next_folder_asked(
    login: Login, run: Path, tmp_path: Path
) -> None:
    login.decisions.close()
    stuck = Listener(run, NAME)
    line = SocketLine([run, tmp_path / "fallback"], NAME, 1.0)
    with Login(tmp_path / "fallback") as other:
        other.decisions.park(petition())
        assert other.asking(lambda: line.show(ONE)) == petition()
    with pytest.raises(RelayDownError, match="does not answer"):
        line.show(ONE)
    stuck.close()


def as_nobody(act: Callable[[], object]) -> int:
    """Run it in a child that is another user, and wait for its end; its exit status."""
    child = os.fork()
    if child == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            act()
        except BaseException:  # noqa: BLE001 - a child must not return into pytest
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@needs_root
def test_another_users_process_is_not_heard_even_if_the_modes_let_it_in(
    login: Login, run: Path
) -> None:
    run.chmod(0o711)
    (run / NAME).chmod(0o666)
    handle = os.open(run, os.O_PATH)
    approval = Question("approve", ONE, digest=petition().digest).to_bytes()
    read_end, write_end = socket.socketpair()

    def intrude() -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f"/proc/self/fd/{handle}/{NAME}")
            line.sendall(approval)
            write_end.send(b"sent")
            assert is_hung_up(line)

    turns = threading.Thread(target=lambda: (read_end.recv(4), login.decisions.collect((ONE,))))
    turns.start()
    assert as_nobody(intrude) == 0
    turns.join()
    assert login.approved() == []
    os.close(handle)
    read_end.close()
    write_end.close()


@needs_root
def test_a_person_does_not_talk_to_another_users_process(run: Path) -> None:
    run.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as planted:
        planted.bind(str(run / NAME))
        (run / NAME).chmod(0o600)
        # The kernel reports whoever called listen(2).
        assert as_nobody(lambda: planted.listen(4)) == 0
        with pytest.raises(SettingsError, match="process of another user"):
            connect(run, NAME, 1.0)
        with pytest.raises(RelayDownError, match="process of another user"):
            SocketLine([run], NAME, 1.0).approve(ONE, petition().digest)


def test_the_peer_is_who_the_kernel_says() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert (peer_of(here).pid, peer_of(here).uid) == (os.getpid(), os.geteuid())
        assert peer_of(here).is_ours
