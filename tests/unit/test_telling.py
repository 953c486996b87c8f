"""Each way of telling with the real thing: a terminal's bytes, a command's process, tmux's command lines."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.notifier import errand as errands
from aexp.adapters.notifier.errand import Errand
from aexp.adapters.notifier.hook import HookNotifier
from aexp.adapters.notifier.terminal import TerminalNotifier
from aexp.adapters.notifier.tmux import TmuxNotifier
from aexp.adapters.terminal_output import TerminalOutput
from aexp.domain.errors import RelayNoticeError, RelayStartError
from aexp.domain.serving import pending_option, session_name
from aexp.domain.ways import Ways
from tests.told import ONE, TWO, Screen, let_go_on, notice, until
from tests.world import executable

PATH = {"PATH": "/usr/bin:/bin"}
TEXT = "aexp: wandb_sync waits for consent: aexp relay approve 11111111, in /home/ada/x"
OSC_9 = f"\x1b]9;{TEXT}\x07"
OSC_777 = f"\x1b]777;notify;aexp;{TEXT[6:]}\x07"


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    yield made
    made.close()


def on(screen: Screen, environ: Mapping[str, str], *ways: str) -> TerminalNotifier:
    return TerminalNotifier(
        TerminalOutput(screen.slave), environ, Ways(frozenset(ways)), ManualClock()
    )


def told_on(screen: Screen, environ: Mapping[str, str], *ways: str) -> str:
    notifier = on(screen, environ, *ways)
    notifier.consent_needed(notice())
    notifier.turn({ONE})
    return screen.seen().decode()


# The terminal.


@pytest.mark.parametrize(
    ("environ", "ways", "told"),
    [
        ({"TERM": "xterm-256color"}, ("bell",), "\x07"),
        ({"TERM": "xterm-256color"}, ("osc",), OSC_9 + OSC_777),
        ({"TERM": "xterm-256color"}, ("osc", "bell"), OSC_9 + OSC_777 + "\x07"),
        ({"TERM": "rxvt-unicode-256color"}, ("osc",), OSC_777),
        ({"TERM": "foot"}, ("osc",), OSC_777),
        ({"TERM": "dumb"}, ("osc", "bell"), "\x07"),
        ({"TERM": "linux"}, ("osc",), ""),
        ({}, ("osc",), ""),
        ({"TERM": "xterm"}, (), ""),
    ],
)
def test_the_terminal_gets_these_bytes(
    screen: Screen, environ: dict[str, str], ways: tuple[str, ...], told: str
) -> None:
    assert told_on(screen, environ, *ways) == told


@pytest.mark.parametrize(
    "environ", [{"TERM": "screen-256color", "TMUX": "/tmp/t,1,0"}, {"TERM": "tmux-256color"}]
)
def test_inside_tmux_the_notifications_travel_in_its_envelope_and_the_bell_beside(
    screen: Screen, environ: dict[str, str]
) -> None:
    sealed = [
        f"\x1bPtmux;{one}\x1b\\" for one in (f"\x1b{OSC_9}", OSC_777.replace("\x1b", "\x1b\x1b"))
    ]
    assert told_on(screen, environ, "osc", "bell") == "".join(sealed) + "\x07"


def test_the_line_says_what_waits_and_what_to_type(screen: Screen) -> None:
    assert told_on(screen, {"TERM": "xterm", "NO_COLOR": "1"}, "line") == (
        "consent: wandb_sync in /home/ada/x waits for you\n"
        "  next: aexp relay approve 11111111, or aexp relay reject 11111111\n"
    )


def test_the_lines_colour_is_switched_off_by_no_color(screen: Screen) -> None:
    assert told_on(screen, {"TERM": "xterm"}, "line").startswith("\x1b[33mconsent:\x1b[0m wandb")


def test_a_stopped_terminal_is_not_waited_for_and_nothing_is_written_late(screen: Screen) -> None:
    notifier = on(screen, {"TERM": "xterm"}, "line", "bell", "osc")
    screen.stop()
    with pytest.raises(RelayNoticeError, match="takes nothing"):
        notifier.consent_needed(notice())
    with pytest.raises(RelayNoticeError, match="takes nothing"):
        notifier.turn({ONE})
    notifier.turn({ONE})
    screen.go_on()
    notifier.turn({ONE})
    assert screen.seen() == b""
    notifier.consent_needed(notice(TWO))
    assert b"22222222" in screen.seen()


def test_a_terminal_that_nobody_reads_is_not_waited_for(screen: Screen) -> None:
    notifier = on(screen, {"TERM": "xterm"}, "line")

    def tell_without_end() -> None:
        for _ in range(100_000):
            notifier.consent_needed(notice())

    with pytest.raises(RelayNoticeError, match="takes nothing"):
        tell_without_end()


def test_the_bell_rings_every_two_seconds_at_most_and_none_is_lost(screen: Screen) -> None:
    clock = ManualClock()
    notifier = TerminalNotifier(TerminalOutput(screen.slave), {}, Ways(frozenset({"bell"})), clock)
    rung = []
    for number in range(10):
        notifier.consent_needed(notice(f"{number:032x}"))
        notifier.turn({f"{one:032x}" for one in range(10)})
        rung.append(screen.seen().count(b"\a"))
        clock.advance(0.5)
    assert rung == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    clock.advance(2)
    notifier.turn({f"{9:032x}"})
    assert screen.seen().count(b"\a") == 4


# The owner's command.


class Hook:
    """A script that the owner wrote, and a notifier that runs it."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.program = executable(folder / "tell", f"#!/bin/sh\n{script}\n")
        self.notifier = HookNotifier(
            [str(self.program), "a b"], {**PATH, "D": str(folder)}, self.clock
        )

    def tell(self, *ids: str) -> None:
        for one in ids:
            self.notifier.consent_needed(notice(one))

    def lines(self, name: str = "out") -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def test_the_hook_finds_the_facts_in_its_environment(tmp_path: Path) -> None:
    hook = Hook(tmp_path, 'env | grep ^AEXP | sort > $D/out; echo "$1" > $D/words; cat > $D/input')
    hook.tell(ONE)
    let_go_on(hook.notifier, {ONE, TWO})
    assert hook.lines() == [
        f"AEXP_APPROVE=aexp relay approve {ONE}",
        "AEXP_ARGS=",
        "AEXP_CLIENT=",
        "AEXP_CWD=/home/ada/x",
        f"AEXP_DIGEST={notice().digest}",
        "AEXP_NEW=1",
        "AEXP_OP=wandb_sync",
        "AEXP_PENDING=2",
        "AEXP_QUEUE=/home/ada/.relay",
        "AEXP_REASON=it sends data out of the cluster",
        f"AEXP_REJECT=aexp relay reject {ONE}",
        "AEXP_RELAY_REQUEST=",
        f"AEXP_REQUEST_ID={ONE}",
        "AEXP_TEXT=aexp: 2 requests wait for consent: aexp relay pending, the last wandb_sync in /home/ada/x",
    ]
    assert (hook.lines("words"), hook.lines("input")) == (["a b"], [])


def test_a_flood_of_a_hundred_starts_two_processes(tmp_path: Path) -> None:
    hook = Hook(
        tmp_path,
        'echo "$AEXP_NEW of $AEXP_PENDING" >> $D/out; [ $AEXP_NEW != 1 ] || read x < $D/gate',
    )
    os.mkfifo(tmp_path / "gate")
    waiting: set[str] = set()
    for number in range(100):
        waiting.add(f"{number:032x}")
        hook.tell(f"{number:032x}")
        hook.clock.advance(0.05)
        hook.notifier.turn(waiting)
    (tmp_path / "gate").write_text("go on\n")
    hook.clock.advance(2)
    let_go_on(hook.notifier, waiting)
    assert hook.lines() == ["1 of 1", "99 of 100"]


def test_a_hook_that_fails_is_told_once_with_what_it_said(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "echo 'no such\033[2J room' >&2; exit 3")
    hook.tell(ONE)
    with pytest.raises(RelayNoticeError, match=r"ended with 3: no such\\x1b\[2J room") as caught:
        let_go_on(hook.notifier, {ONE})
    assert caught.value.hint
    let_go_on(hook.notifier, {ONE})


def test_what_came_while_a_hook_failed_is_told_by_the_next(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "echo $AEXP_REQUEST_ID >> $D/out; exit 1")
    hook.tell(ONE)
    hook.notifier.turn({ONE, TWO})
    hook.tell(TWO)
    hook.clock.advance(5)
    for _ in range(2):
        with pytest.raises(RelayNoticeError):
            let_go_on(hook.notifier, {ONE, TWO})
    assert hook.lines() == [ONE, TWO]


def test_a_hook_that_has_gone_is_told_and_not_an_end(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "")
    hook.program.unlink()
    hook.tell(ONE)
    with pytest.raises(RelayStartError, match="not installed"):
        hook.notifier.turn({ONE})
    hook.notifier.turn({ONE})


def test_a_slow_hook_is_asked_to_end_after_ten_seconds(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "echo here > $D/out; exec sleep 300")
    hook.tell(ONE)
    hook.notifier.turn({ONE})
    until("it runs", hook.lines)
    hook.clock.advance(9.9)
    hook.notifier.turn({ONE})
    hook.clock.advance(0.2)
    with pytest.raises(RelayNoticeError, match="was ended after 10 s"):
        let_go_on(hook.notifier, {ONE})


def running(hook: Hook) -> int:
    """The process of a hook that has written its pid."""
    hook.tell(ONE)
    hook.notifier.turn({ONE})
    until("it runs", hook.lines)
    return int(hook.lines()[0])


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("stubbornness", ["suspended", "deaf"])
def test_a_hook_that_does_not_obey_is_killed(tmp_path: Path, stubbornness: str) -> None:
    hook = Hook(tmp_path, "trap '' TERM; echo $$ > $D/out; while :; do sleep 1; done")
    pid = running(hook)
    if stubbornness == "suspended":
        os.kill(pid, signal.SIGSTOP)
    hook.clock.advance(10)
    hook.notifier.turn({ONE})
    hook.clock.advance(errands.KILL_AFTER_S)
    with pytest.raises(RelayNoticeError, match="was ended after 10 s"):
        let_go_on(hook.notifier, {ONE})
    assert is_gone(pid)


def test_at_the_daemons_end_a_hook_is_ended_whatever_it_does(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "trap '' TERM; echo $$ > $D/out; while :; do sleep 1; done")
    pid = running(hook)
    with pytest.raises(RelayNoticeError, match="ended with -9"):
        hook.notifier.close()
    assert is_gone(pid)


def test_at_the_daemons_end_a_hook_that_is_nearly_done_is_let(tmp_path: Path) -> None:
    hook = Hook(tmp_path, "echo $$ > $D/out; sleep 0.2; echo done >> $D/out")
    running(hook)
    hook.notifier.close()
    assert hook.lines()[1:] == ["done"]


def test_output_without_end_wakes_nobody_and_is_not_kept(tmp_path: Path) -> None:
    clock = ManualClock()
    errand = Errand(clock, 10.0)
    errand.begin(["/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"], PATH)
    # One descriptor: that of its end. The pipe is emptied in the turns.
    assert len(errand.descriptors()) == 1
    ended = None
    while ended is None:
        ended = errand.turn()
    assert (ended.status, ended.output) == (0, "x" * errands.MAX_OUTPUT)
    assert errand.descriptors() == []


def test_without_descriptors_of_processes_an_end_is_seen_in_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aexp.adapters.executor.local.process_descriptor", lambda _: None)
    errand = Errand(ManualClock(), 10.0)
    errand.begin(["/bin/sh", "-c", "exit 4"], PATH)
    assert errand.descriptors() == []
    ended = errand.finish(20.0)
    assert ended is not None
    assert ended.status == 4


# Tmux, by a stand-in that writes down its command lines; a real one is told in the end-to-end tests.


class Tmux:
    """A stand-in for tmux, of a version."""

    def __init__(self, folder: Path, clients: str, then: str = "") -> None:
        self.clock = ManualClock()
        self.log = folder / "calls"
        script = (
            f'#!/bin/sh\nprintf "%s|" "$@" >> {self.log}; echo >> {self.log}\n'
            f'case "$*" in *list-clients*) printf "{clients}";; esac\n{then}\n'
        )
        program = executable(folder / "tmux", script)
        self.notifier = TmuxNotifier(str(program), ["-S", "/s"], PATH, self.clock)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def test_every_client_gets_the_message_and_the_option_its_count(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "3.4 /dev/pts/1\\n3.4 /dev/pts/2\\n")
    tmux.notifier.consent_needed(notice())
    let_go_on(tmux.notifier, {ONE})
    asked = "set-option|-g|@aexp_pending|1|;|list-clients|-F|#{version} #{client_name}|"
    first, second = (f"display-message|-c|/dev/pts/{number}|-d|10000|{TEXT}|" for number in (1, 2))
    assert tmux.calls() == [f"-S|/s|{asked}", f"-S|/s|{first};|{second}"]


@pytest.mark.parametrize("version", ["2.7 ", "3.1c ", "master ", " "])
def test_an_old_tmux_is_given_no_duration(tmp_path: Path, version: str) -> None:
    tmux = Tmux(tmp_path, f"{version}/dev/pts/1\\n")
    tmux.notifier.consent_needed(notice())
    let_go_on(tmux.notifier, {ONE})
    assert tmux.calls()[-1] == f"-S|/s|display-message|-c|/dev/pts/1|{TEXT}|"


def test_without_anybody_who_looks_the_option_is_set_all_the_same(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "")
    tmux.notifier.consent_needed(notice())
    let_go_on(tmux.notifier, {ONE})
    assert len(tmux.calls()) == 1


def test_the_count_goes_up_and_down_and_is_cleared_at_the_end(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "")
    for waiting in ((), {ONE, TWO}, {ONE, TWO}, {TWO}, ()):
        let_go_on(tmux.notifier, waiting)
    let_go_on(tmux.notifier, {ONE})
    tmux.notifier.close()
    values = [call.split("|")[5] for call in tmux.calls()]
    # The first clears what a daemon left behind that was killed.
    assert values == ["", "2", "1", "", "1", ""]


def test_a_change_while_tmux_is_busy_is_told_afterwards(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "")
    tmux.notifier.turn({ONE})
    tmux.notifier.turn({ONE, TWO})
    let_go_on(tmux.notifier, {ONE, TWO})
    let_go_on(tmux.notifier, {ONE, TWO})
    assert [call.split("|")[5] for call in tmux.calls()] == ["1", "2"]


def test_a_server_that_has_gone_is_told_in_its_words(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "", "echo 'no server running on /s' >&2; exit 1")
    with pytest.raises(RelayNoticeError, match="no server running on /s"):
        let_go_on(tmux.notifier, {ONE})
    let_go_on(tmux.notifier, {ONE})
    assert len(tmux.calls()) == 1


def test_a_server_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    tmux = Tmux(tmp_path, "", "exec sleep 300")
    tmux.notifier.turn({ONE})
    until("it was asked", tmux.calls)
    tmux.clock.advance(5)
    with pytest.raises(RelayNoticeError, match="ended with -15"):
        let_go_on(tmux.notifier, {ONE})


def test_no_tmux_is_told_when_there_is_something_to_tell() -> None:
    notifier = TmuxNotifier(None, [], {}, ManualClock())
    notifier.turn({ONE})
    with pytest.raises(RelayNoticeError, match="outside the home"):
        notifier.consent_needed(notice())
    notifier.close()


def test_each_queue_has_an_option_of_its_own(tmp_path: Path) -> None:
    options = set()
    for queue in ("/home/ada/my queue", "/home/ada/other/my queue", "/home/ada/.relay"):
        session = session_name(queue, default=queue.endswith(".relay"))
        log = tmp_path / "calls"
        program = executable(tmp_path / "tmux", f'#!/bin/sh\nprintf "%s|" "$@" > {log}\n')
        env, clock = {**PATH, "TMUX": "/s,1,0"}, ManualClock()
        option = pending_option(session)
        notifier = TmuxNotifier(str(program), ["-S", "/s"], env, clock, option)
        let_go_on(notifier, {ONE})
        assert log.read_text() == f"-S|/s|set-option|-g|{option}|1|"
        options.add(option)
    assert len(options) == 3
    assert pending_option(session) == "@aexp_pending"
