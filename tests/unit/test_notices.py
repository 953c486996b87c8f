"""Being told that consent is waited for: what is said, to whom, how often, and what becomes of a failure."""

import logging
import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.executor.recording import Plan, RecordingExecutor
from aexp.adapters.notifier.choose import choose_notifiers
from aexp.adapters.notifier.hook import hook_command
from aexp.adapters.notifier.recording import RecordingNotifier
from aexp.adapters.notifier.together import NotifiersTogether
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.adapters.storage.memory import MemoryStorage
from aexp.adapters.terminal_output import TerminalOutput
from aexp.airgapped.approval import approve, reject
from aexp.airgapped.audit import Audit
from aexp.airgapped.notices import Notices
from aexp.cli.logs import show_on_terminal
from aexp.domain.errors import RelayNoticeError, RelayStorageError, SettingsError
from aexp.domain.notices import MAX_HEADLINE, Notice, headline, plain
from aexp.domain.ways import WAYS, Ways, read_ways
from aexp.settings import load_settings
from tests.told import EVIL, ONE, TWO, Screen, notice, petition
from tests.world import World, executable

# What is switched on.


@pytest.mark.parametrize(
    ("text", "on", "named"),
    [
        ("all", {*WAYS}, set()),
        ("none", set(), set()),
        ("bell, OSC", {"bell", "osc"}, {"bell", "osc"}),
        ("no-bell", {*WAYS} - {"bell"}, set()),
        ("no-bell,no-hook", {*WAYS} - {"bell", "hook"}, set()),
        ("all,tmux", {*WAYS}, {"tmux"}),
        ("all,no-tmux", {*WAYS} - {"tmux"}, set()),
        ("tmux,log,no-log", {"tmux"}, {"tmux"}),
    ],
)
def test_each_way_has_its_switch(text: str, on: set[str], named: set[str]) -> None:
    assert read_ways(text) == Ways(frozenset(on), frozenset(named))
    assert load_settings({"AEXP_RELAY_NOTIFY": text}).notify == read_ways(text)


def test_everything_is_on_unless_somebody_says_otherwise() -> None:
    assert load_settings({}).notify == read_ways("all")
    assert load_settings({}, notify="none").notify.on == frozenset()


@pytest.mark.parametrize(
    ("text", "near"),
    [("bel", "bell"), ("no-belll", "no-bell"), ("tmux,hok", "hook"), ("Al", "all")],
)
def test_an_unknown_word_is_named_with_the_nearest(text: str, near: str) -> None:
    with pytest.raises(SettingsError, match=rf"Did you mean {near}\?") as caught:
        load_settings({}, notify=text)
    assert "AEXP_RELAY_NOTIFY" in str(caught.value)


@pytest.mark.parametrize("text", [",", "none,bell", "x\x1b[2J", "qqqqqqqq"])
def test_what_cannot_be_meant_is_refused_in_words_that_are_safe(text: str) -> None:
    with pytest.raises(SettingsError, match="Allowed: all, none, or some of log") as caught:
        load_settings({}, notify=text)
    assert str(caught.value).isprintable()


# What is said.


@given(text=st.text())
def test_plain_text_means_nothing_to_a_terminal_tmux_or_a_shell(text: str) -> None:
    told = plain(text)
    assert len(told) <= MAX_HEADLINE
    assert told.isascii()
    assert told == "" or told.isprintable()
    assert not set(told) & set(";#%$`\\'\"{}()<>|&*?!~^[]")


@given(op=st.text(), cwd=st.text(), client=st.text())
def test_a_notice_is_ascii_and_bounded_whatever_was_asked(op: str, cwd: str, client: str) -> None:
    told = Notice.of(petition(op=op, cwd=cwd * 3000))
    for text in (told.op, told.args, told.cwd, told.client, told.reason):
        assert text.isascii()
        assert text == "" or text.isprintable()
        assert "\x00" not in text
        assert len(text) <= 10 * 4096
    assert headline([told], 1) == plain(headline([told], 1))


def test_the_headline_of_one_has_the_command_and_that_of_more_their_number() -> None:
    one, two = notice(ONE), notice(TWO, "git_push", "/home/ada/y")
    assert headline([one], 1) == (
        "aexp: wandb_sync waits for consent: aexp relay approve 11111111, in /home/ada/x"
    )
    assert headline([one, two], 7) == (
        "aexp: 7 requests wait for consent: aexp relay pending, the last git_push in /home/ada/y"
    )


def test_of_a_long_folder_the_end_is_shown() -> None:
    told = headline([notice(cwd="/home/" + "a/" * 300 + "thesis")], 1)
    assert told.endswith("/a/thesis")
    assert len(told) < MAX_HEADLINE


def test_the_command_reaches_another_queue() -> None:
    told = Notice.of(petition(), "/scratch/q", " --queue /scratch/q")
    assert told.command("approve") == "aexp relay approve 11111111 --queue /scratch/q"


# When it is said.


def test_people_are_told_of_what_waits_and_of_the_way_down(world: World) -> None:
    world.serve()
    first, second, third = (world.client().submit("wandb_sync") for _ in range(3))
    world.pass_time(1)
    assert [one.request_id for one in world.told.told] == [first.id, second.id, third.id]
    assert world.told.waiting == 3
    approve(world.queue, first.id, world.clock)
    world.pass_time(2)
    reject(world.queue, second.id, "")
    world.pass_time(2)
    # What a client takes back is found by the daemon's round: every five seconds, a minute in a quiet queue.
    third.cancel()
    world.pass_time(10)
    assert world.told.counts == [3, 2, 1, 0]


@pytest.mark.thorough
def test_what_expires_is_not_counted_any_more(world: World) -> None:
    world.serve()
    world.client().submit("wandb_sync")
    world.pass_time(1)
    world.pass_time(24 * 3600 + 60, step=4)
    assert world.told.counts == [1, 0]


def test_at_the_end_of_the_daemon_nothing_is_said_to_wait_and_at_the_next_start_it_is(
    world: World,
) -> None:
    daemon = world.serve()
    world.client().submit("wandb_sync")
    world.pass_time(1)
    world.clock.tick = None
    daemon.finish()
    assert world.told.counts == [1, 0]
    world.serve()
    world.pass_time(1)
    assert world.told.counts == [1, 0, 1]
    # It is told as waiting, but it does not begin to.
    assert len(world.told.told) == 1


def test_at_an_end_that_takes_a_while_nothing_is_told_again(world: World) -> None:
    world.executor = RecordingExecutor(world.clock, lambda _: Plan(duration_s=600, stubborn=True))
    daemon = world.serve()
    world.client().submit("git_fetch")
    world.client().submit("wandb_sync")
    world.pass_time(1)
    assert world.ran == ["git_fetch"]
    world.clock.tick = None
    daemon.finish()
    assert world.told.counts == [1, 0]


def test_what_needs_no_consent_is_told_to_nobody(world: World) -> None:
    world.serve()
    assert world.client().status().ok
    assert world.told.told == []


def test_a_notifier_that_fails_ends_no_daemon_and_keeps_no_request_from_waiting(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(RecordingNotifier):
        def turn(self, waiting: object) -> None:
            raise RelayNoticeError("nobody is there")

    world.told = Failing()
    world.serve()
    handle = world.client().submit("wandb_sync")
    with caplog.at_level(logging.WARNING, "aexp.relay"):
        world.pass_time(30)
    approve(world.queue, handle.id, world.clock)
    assert handle.result().ok
    said = [one.getMessage() for one in caplog.records if "notice-failed" in one.getMessage()]
    assert said == ['- notice-failed by=told error="nobody is there"']


def test_a_secret_is_taken_out_of_what_is_told(world: World) -> None:
    repo = world.home / "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    (repo / ".git").mkdir(parents=True)
    world.serve()
    world.client(cwd=repo).submit("wandb_sync")
    world.pass_time(1)
    (told,) = world.told.told
    assert "ghp_" not in told.cwd
    assert "[redacted]" in told.cwd


# A failure.


class Broken(RecordingNotifier):
    """Fails at every call, with a text of the test's choice."""

    text = "broken"

    def consent_needed(self, notice: Notice) -> None:
        raise RelayStorageError(self.text)

    def close(self) -> None:
        raise RelayNoticeError(self.text)


def test_a_failure_is_a_warning_also_of_a_notifier_that_stands_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notices = Notices(Broken(), "/q", Audit())
    with caplog.at_level(logging.WARNING, "aexp.relay"):
        notices.began(petition())
        notices.turn({ONE})
        notices.close()
    assert [one.getMessage() for one in caplog.records] == [
        f"{ONE} notice-failed error=broken", "- notice-failed error=broken"
    ]  # fmt: skip


def test_one_that_fails_does_not_keep_the_others_from_telling() -> None:
    clock, warned, well = ManualClock(), [], RecordingNotifier()
    broken = Broken()
    both = NotifiersTogether(
        {"broken": broken, "well": well}, clock, lambda *told, **facts: warned.append((told, facts))
    )
    for _ in range(20):
        both.consent_needed(notice())
        both.turn({ONE})
    both.close()
    assert len(well.told) == 20
    assert well.waiting == 0
    # The same failure is told once a minute, another one at once.
    assert warned == [(("notice-failed", ONE), {"by": "broken", "error": "broken"})]
    broken.text = "broken in another way"
    both.consent_needed(notice())
    clock.advance(61)
    both.consent_needed(notice())
    assert len(warned) == 3


# Who is among them.


@pytest.fixture
def chosen(home: Path):  # type: ignore[no-untyped-def]
    def choose(
        text: str = "all",
        hook: str = "",
        terminal: TerminalOutput | None = None,
        **environ: str,
    ) -> list[str]:
        clock = ManualClock()
        return choose_notifiers(
            MemoryStorage(clock), read_ways(text), hook, terminal, environ, str(home), clock, print
        ).names

    return choose


def test_only_those_that_have_somebody_to_tell_are_there(chosen) -> None:  # type: ignore[no-untyped-def]
    terminal = TerminalOutput(2)
    assert chosen() == ["log"]
    assert chosen(terminal=terminal, TMUX="/tmp/t,1,0") == ["log", "terminal", "tmux"]
    assert chosen(hook="/bin/true") == ["log", "hook"]
    assert chosen("no-hook", hook="/bin/true") == ["log"]
    assert chosen("none", "/bin/true", terminal, TMUX="/tmp/t,1,0") == []
    assert chosen("no-line,no-osc,no-bell,no-log", terminal=terminal) == []
    assert chosen("no-tmux", TMUX="/tmp/t,1,0") == ["log"]


def test_tmux_by_name_is_told_from_outside_of_it_too(chosen) -> None:  # type: ignore[no-untyped-def]
    assert chosen("tmux") == ["tmux"]
    assert chosen("all,tmux") == ["log", "tmux"]


# The owner's command.


def test_the_hook_is_split_as_a_shell_does_and_nothing_else_is_done_to_it(home: Path) -> None:
    hook = executable(home / "bin/tell", "#!/bin/sh\n")
    text = f"~/bin/tell --to 'Ada L.' $HOME ~/x *; {hook}"
    assert hook_command(text, None) == [
        str(hook), "--to", "Ada L.", "$HOME", f"{home}/x", "*;", str(hook)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [("tell me", "absolute path"), ("/no/such/program", "no program"), ("/bin/sh 'x", "be split"),
     ("~/text", "no program"), ("/", "no program"), ("  ", "absolute path")],
)  # fmt: skip
def test_a_hook_that_cannot_be_run_is_an_error_at_the_start(
    home: Path, text: str, problem: str
) -> None:
    (home / "text").write_text("not a program")
    with pytest.raises(SettingsError, match=problem) as caught:
        hook_command(text, None)
    assert "relay.notify_hook (AEXP_RELAY_NOTIFY_HOOK)" in caught.value.what
    assert caught.value.hint


def test_a_hook_in_the_queue_is_refused_also_behind_a_link(home: Path) -> None:
    queue = home / ".relay"
    script = executable(queue / "tell", "#!/bin/sh\n")
    (home / "link").symlink_to(queue)
    (home / "tell").symlink_to(script)
    for text in (script, home / "link/tell", home / "tell", f"/bin/sh {script}", "/bin/sh ~/tell"):
        with pytest.raises(SettingsError, match="lies in the queue"):
            hook_command(str(text), str(queue))
    assert hook_command("/bin/sh ~/.relay-not", str(queue))


def test_a_hook_gets_neither_secrets_nor_the_agent(home: Path) -> None:
    clock = ManualClock()
    heard = home / "heard"
    hook = executable(home / "tell", f"#!/bin/sh\nenv > {heard}\n")
    environ = {
        "SSH_AUTH_SOCK": "/a", "WANDB_API_KEY": "k", "KRB5CCNAME": "c", "DISPLAY": ":0", "PATH": "/usr/bin"
    }  # fmt: skip
    queue = open_file_queue(str(home / "q"), clock)
    told = choose_notifiers(
        queue, read_ways("hook"), shlex.quote(str(hook)), None, environ, str(home), clock, print
    )
    told.consent_needed(notice(op=EVIL))
    told.turn({ONE})
    told.close()
    found = dict(line.split("=", 1) for line in heard.read_text().splitlines())
    assert not {"SSH_AUTH_SOCK", "WANDB_API_KEY", "KRB5CCNAME"} & set(found)
    assert (found["DISPLAY"], found["AEXP_RELAY_QUEUE"]) == (":0", str(home / "q"))


# The trail on a terminal that may be stopped.


def test_a_stopped_terminal_holds_up_no_line_of_the_log() -> None:
    screen, log = Screen(), logging.getLogger("aexp.relay")
    output = TerminalOutput(screen.slave)
    before = (log.handlers[:], log.level)
    log.setLevel(logging.INFO)
    try:
        show_on_terminal(output)
        show_on_terminal(output)
        log.info("%s seen", "a" * 32)
        screen.stop()
        for _ in range(7):
            log.info("not seen")
        screen.go_on()
        log.info("digest=%s", "b" * 64)
        told = screen.seen().decode().splitlines()
    finally:
        log.handlers[:], log.level = before[0], before[1]
        output.close()
        screen.close()
    assert [line.split(" ", 1)[1] for line in told] == [
        "aaaaaaaa seen", "7 lines left out", "digest=bbbbbbbb"
    ]  # fmt: skip


def test_what_a_terminal_took_in_part_is_ended_first() -> None:
    screen = Screen()
    output = TerminalOutput(screen.slave)
    taken = 0
    while output.write(b"x" * 3000):
        taken += 1
    assert 0 < taken < 1000
    kept = len(screen.seen())
    assert output.write(b"end\n")
    while not screen.seen().endswith(b"end\n"):
        pass
    assert len(screen.seen()) - len("end\n") == taken * 3000
    assert kept <= taken * 3000
    output.close()
    screen.close()


def test_no_terminal_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    output = TerminalOutput(write_end)
    assert output.write(b"x") is False
    assert output.flush() is True
    output.close()
    os.close(read_end)
