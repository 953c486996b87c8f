"""Starting and ending a daemon in virtual time: who is waited for, and what is never signalled."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.post.memory import Ground, MemoryPost
from aexp.adapters.processes import FakeProcesses
from aexp.adapters.terminals.memory import MemoryTerminals
from aexp.airgapped.bringing_up import Bringer
from aexp.airgapped.taking_down import Ender
from aexp.domain import layout, wire
from aexp.domain.errors import (
    RelayBusyError,
    RelayDownError,
    RelayStartError,
    RelayTimeoutError,
)
from aexp.domain.identity import ProcessId
from aexp.domain.serving import Setup, options_of, serve_command, session_name
from aexp.ports.post import Posted
from aexp.ports.terminals import Job, Pane
from tests.world import World

JOB = Job(("/usr/bin/python3",), "/", {})


class Login:
    """A login node with a terminal keeper, and a shell in which somebody types."""

    def __init__(self, world: World, name: str = "login1", *, tmux: bool = True) -> None:
        self.world = world
        self.shell = FakeProcesses(name, pid=7)
        self.ground = Ground()
        self.terminals = MemoryTerminals(available=tmux)
        world.queue._processes = self.shell
        parts = (self.shell, world.clock)
        post = MemoryPost(self.ground, self.shell)
        self.bringer = Bringer(world.queue, post, self.terminals, *parts)
        self.ender = Ender(world.queue, post, *parts)
        self.name = self.bringer.session

    def serves(self, pid: int) -> Posted:
        """A daemon with this number stands at the post."""
        self.ground.posted = Posted(ProcessId.new(self.shell.me.host, pid, 1))
        return self.ground.posted

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something once, when so much time has passed."""
        due = self.world.clock.monotonic() + seconds
        done: list[object] = []

        def tick() -> None:
            if self.world.clock.monotonic() >= due and not done:
                done.append(act())

        self.world.clock.tick = tick

    def beat(self, daemon: ProcessId, **facts: object) -> None:
        """The queue says that this daemon serves."""
        body = {"wall": self.world.clock.wall(), "daemon": str(daemon), "proto": 1, **facts}
        self.world.storage.put(layout.HEARTBEAT, wire.encode(body))


@pytest.fixture
def login(world: World) -> Login:
    return Login(world)


def test_up_starts_one_and_waits_until_it_serves(login: Login) -> None:
    login.after(40, lambda: login.serves(1001))
    came = login.bringer.up(JOB)
    assert (came.state, came.pid, came.session) == ("started", 1001, login.name)
    assert login.terminals.jobs == [JOB]


def test_up_again_starts_nothing(login: Login) -> None:
    login.after(1, lambda: login.serves(1001))
    login.bringer.up(JOB)
    came = login.bringer.up(JOB)
    assert (came.state, came.pid, came.session) == ("already", 1001, login.name)
    assert len(login.terminals.jobs) == 1


def test_up_finds_one_that_was_started_in_another_way(login: Login) -> None:
    login.serves(55)
    came = login.bringer.up(JOB)
    assert (came.state, came.pid, came.session) == ("already", 55, None)
    assert login.terminals.jobs == []


def test_up_with_one_that_is_suspended_says_so_and_how_it_goes_on(login: Login) -> None:
    login.ground.posted = replace(login.serves(55), suspended=True)
    with pytest.raises(RelayDownError, match="suspended") as caught:
        login.bringer.up(JOB)
    assert "kill -CONT 55" in caught.value.hint
    assert login.terminals.jobs == []


@pytest.mark.parametrize(
    ("unit", "told"),
    [(None, "aexp relay restart"), ("aexp-relay.service", "systemctl --user restart aexp-relay")],
)
def test_up_with_one_that_has_stopped_beating_says_so(
    login: Login, unit: str | None, told: str
) -> None:
    login.ground.posted = posted = replace(login.serves(55), unit=unit)
    login.beat(posted.process)
    assert login.bringer.up(JOB).state == "already"
    login.world.pass_time(40)
    with pytest.raises(RelayDownError, match=r"pid 55\) runs and has stopped beating") as caught:
        login.bringer.up(JOB)
    assert told in caught.value.hint
    login.after(1, lambda: login.beat(posted.process))
    assert login.bringer.up(JOB).state == "already"


def test_what_the_queue_says_of_another_daemon_says_nothing_of_this_one(login: Login) -> None:
    login.serves(55)
    login.beat(ProcessId.new("login1", 54, 1))
    login.world.pass_time(40)
    assert login.bringer.up(JOB).state == "already"


def test_two_that_bring_it_up_at_once_wait_for_the_same_one(login: Login) -> None:
    login.terminals.start(login.name, JOB)
    login.after(1, lambda: login.serves(1001))
    assert login.bringer.up(JOB).state == "started"
    assert len(login.terminals.jobs) == 1


def test_up_while_another_node_serves_says_where_and_how_to_move_it(login: Login) -> None:
    login.beat(ProcessId.new("login2", 44, 1), host="login2", pid=44)
    with pytest.raises(RelayBusyError, match=r"login2 \(pid 44\)") as caught:
        login.bringer.up(JOB)
    assert "relay down" in caught.value.hint
    assert login.terminals.jobs == []


def test_up_with_standby_waits_beside_the_one_on_another_node(login: Login) -> None:
    login.beat(ProcessId.new("login2", 44, 1), host="login2", pid=44)
    mine = ProcessId.new("login1", 1001, 1)
    login.after(2, lambda: login.world.storage.put(f"{layout.DAEMONS}/{mine}.hb", b"{}"))
    assert login.bringer.up(JOB, standby=True).state == "standby"


def test_up_with_standby_and_nobody_else_serves(login: Login) -> None:
    mine = ProcessId.new("login1", 1001, 1)
    login.world.storage.put(f"{layout.DAEMONS}/{mine}.hb", b"{}")
    login.after(2, lambda: login.serves(1001))
    assert login.bringer.up(JOB, standby=True).state == "started"


@pytest.mark.parametrize("host", ["login1", "login2"])
def test_a_beat_that_nobody_renews_does_not_keep_one_from_starting(login: Login, host: str) -> None:
    gone = ProcessId.new(host, 44, 1)
    login.shell.dead.add(str(gone))
    login.beat(gone, host=host, pid=44, wall=login.world.clock.wall() - 600)
    login.after(20, lambda: login.serves(1001))
    assert login.bringer.up(JOB).state == "started"


def test_one_that_dies_early_is_told_with_its_last_words_and_tidied_away(login: Login) -> None:
    login.after(1, lambda: login.terminals.over(login.name, 78, "error: no such file"))
    came = login.bringer.up(JOB)
    assert (came.state, came.status, came.said) == ("died", 78, ("error: no such file",))
    assert login.terminals.look(login.name) is None


def test_one_that_vanishes_is_an_error(login: Login) -> None:
    login.after(1, login.terminals.panes.clear)
    with pytest.raises(RelayStartError, match="said nothing"):
        login.bringer.up(JOB)


def test_one_that_takes_too_long_is_left_alone_and_said_so(login: Login) -> None:
    with pytest.raises(RelayTimeoutError, match="does not serve yet") as caught:
        login.bringer.up(JOB)
    assert f"look at {login.name}" in caught.value.hint
    assert login.terminals.look(login.name) == Pane("%1", 1001)


def test_without_tmux_nothing_is_started_and_two_other_ways_are_told(world: World) -> None:
    login = Login(world, tmux=False)
    with pytest.raises(RelayDownError, match="nothing was started") as caught:
        login.bringer.up(JOB)
    assert "nohup" in caught.value.hint
    assert "relay service install" in caught.value.hint
    login.serves(55)
    assert login.bringer.up(JOB).state == "already"


def test_down_ends_what_serves_and_waits_for_its_end(login: Login) -> None:
    login.serves(55)
    ended = login.ender.down()
    assert (ended.pid, ended.forced, ended.successor) == (55, False, None)
    assert login.ground.signals == ["term"]


def test_down_tells_how_it_was_set_up_and_how_many_still_wait(login: Login) -> None:
    words = ("aexp", "relay", "serve", "--queue", "/q", "--once", "--most-at-once", "2")
    environ = {
        "AEXP_RELAY_WANDB": "/home/ada/bin/wandb",
        "AEXP_RELAY_QUEUE": "/q",
        "WANDB_API_KEY": "secret",
    }
    login.ground.posted = Posted(login.serves(55).process, words, environ=environ)
    login.world.storage.put(layout.pending("a" * 32), b"{}")
    ended = login.ender.down()
    assert ended.setup == Setup(
        {"AEXP_RELAY_WANDB": "/home/ada/bin/wandb"}, ("--most-at-once", "2")
    )
    assert ended.waiting == 1
    assert login.ender.down().waiting == 1


def test_the_command_to_have_it_again_is_quoted_for_a_shell() -> None:
    setup = Setup({"AEXP_RELAY_WANDB": "/a b/$x", "AEXP_RELAY_CONSENT": "file"}, ("--log", "a;b"))
    assert setup.command("up", " --queue /q") == (
        "AEXP_RELAY_CONSENT=file AEXP_RELAY_WANDB='/a b/$x' aexp relay up --queue /q -- --log 'a;b'"
    )
    assert Setup().command("up", "") == "aexp relay up"


def test_a_daemon_of_a_queue_in_files_is_told_without_a_servers_user() -> None:
    setup = Setup({"AEXP_RELAY_REDIS_USER": "daemon", "AEXP_RELAY_WANDB": "/w"}, ("--strict",))
    files = setup.fitting("/home/ada/.relay")
    assert files.command("up", "") == "AEXP_RELAY_WANDB=/w aexp relay up -- --strict"
    assert setup.fitting("redis://host/0") == setup


def test_what_another_setup_lacks_is_what_it_says_nothing_about() -> None:
    before = Setup({"AEXP_RELAY_A": "1", "AEXP_RELAY_B": "2"}, ("--strict",))
    assert before.without(Setup({"AEXP_RELAY_A": "9"}, ("--log", "-"))).told == "AEXP_RELAY_B=2"
    assert before.without(before).told == ""
    assert before.without(Setup()).told == "AEXP_RELAY_A=1 AEXP_RELAY_B=2 --strict"


def test_down_with_nothing_there_is_well(login: Login) -> None:
    assert login.ender.down().pid is None


def test_down_while_another_node_serves_says_where(login: Login) -> None:
    login.beat(ProcessId.new("login2", 44, 1), host="login2", pid=44)
    with pytest.raises(RelayBusyError, match=r"login2 \(pid 44\)"):
        login.ender.down(force=True)


def test_what_the_queue_says_of_a_process_here_is_never_signalled(login: Login) -> None:
    login.beat(ProcessId.new("login1", 4321, 1), host="login1", pid=4321)
    with pytest.raises(RelayBusyError, match="nothing was ended"):
        login.ender.down(force=True)
    login.serves(55)
    assert login.ender.down(force=True).pid == 55


def test_one_that_does_not_end_is_killed_only_when_that_was_said(login: Login) -> None:
    login.serves(55)
    login.ground.stubborn = True
    with pytest.raises(RelayTimeoutError, match="has not after 20 s") as caught:
        login.ender.down()
    assert "--force" in caught.value.hint
    assert login.ground.signals == ["term"]
    assert login.ender.down(force=True).forced
    assert login.ground.signals == ["term", "term", "kill"]


def test_one_that_is_over_within_a_moment_is_not_killed(login: Login) -> None:
    posted = login.serves(55)
    login.ground.stubborn = True
    login.after(15, lambda: login.shell.dead.add(str(posted.process)))
    assert not login.ender.down(force=True).forced


def test_one_that_stood_by_and_took_over_is_told(login: Login) -> None:
    posted = login.serves(55)
    login.ground.stubborn = True

    def take_over() -> None:
        login.shell.dead.add(str(posted.process))
        login.serves(56)

    login.after(1, take_over)
    assert login.ender.down().successor == 56


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("python -P -m aexp relay serve", []),
        ("python3 /venv/bin/aexp relay serve --queue /q --strict --log -", ["--strict", "--log", "-"]),
        ("aexp relay serve --most-at-once 2 --queue=/q", ["--most-at-once", "2"]),
        ("python -m aexp.airgapped daemon --log x", ["--log", "x", "--consent", "file"]),
        ("python -c something", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_options_of_a_daemon_are_read_from_how_it_was_started(
    words: str, options: list[str] | None
) -> None:
    assert options_of(words.split(), {}) == options


def test_the_original_spelling_keeps_a_consent_that_its_environment_named() -> None:
    words = ["python", "-m", "aexp.airgapped", "daemon"]
    assert options_of(words, {"AEXP_RELAY_CONSENT": "login"}) == []


def test_what_starts_a_daemon_is_read_back_as_its_options() -> None:
    command = serve_command("/a b/python", "/q ü", ["--log", "a b"])
    assert options_of(command, {}) == ["--log", "a b"]


def test_each_queue_has_a_name_that_tmux_and_systemd_can_use(home: Path) -> None:
    queues = ["/q/one", "/r/one", "/q/my quéue.x:y", "/q/" + "x" * 300, "/"]
    names = [session_name(queue, default=False) for queue in queues]
    assert len({*names, session_name("/q/one", default=True)}) == len(queues) + 1
    assert all(set(name) <= {*"abcdefghijklmnopqrstuvwxyz0123456789-"} for name in names)
    assert max(map(len, names)) < 64
