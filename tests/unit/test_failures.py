"""From what a program said to what a person does next."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.executor.recording import Plan
from aexp.airgapped import RelayTimeLimitError, RelayValidationError
from aexp.airgapped.approval import approve
from aexp.airgapped.outcome import error_of, result_of
from aexp.domain.failure_rules import LAST_RULES, OWN_RULES, RULES, Kind
from aexp.domain.failures import LOOK_BYTES, failure_of, kind_of_refusal
from aexp.domain.output import BoundedOutput
from aexp.domain.requests import Response
from tests.world import World

REJECTED = " ! [rejected]        main -> main (fetch first)\n"
HOOK = " ! [remote rejected] main -> main (pre-receive hook declined)\n"
SAID = [
    ("git_push", REJECTED, Kind.NOT_FAST_FORWARD),
    ("git_push", " ! [rejected] main -> main (non-fast-forward)", Kind.NOT_FAST_FORWARD),
    (
        "git_push",
        "remote: error: cannot lock ref 'refs/heads/main': is at 1 but expected 2        \n"
        " ! [remote rejected] main -> main (failed to update ref)\n",
        Kind.NOT_FAST_FORWARD,
    ),
    ("git_pull", "fatal: Not possible to fast-forward, aborting.\n", Kind.NOT_FAST_FORWARD),
    (
        "git_rebase",
        "Rebasing (1/1)\rAuto-merging f\nCONFLICT (content): Merge conflict in f\nerror: could not apply 1\n",
        Kind.CONFLICT,
    ),
    (
        "git_rebase",
        "error: cannot pull with rebase: You have unstaged changes.\nerror: please commit or stash them.\n",
        Kind.UNCOMMITTED_CHANGES,
    ),
    (
        "git_pull",
        "error: The following untracked working tree files would be overwritten by merge:\n\tq\nAborting\n",
        Kind.UNCOMMITTED_CHANGES,
    ),
    (
        "git_fetch",
        "ada@githost: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n",
        Kind.AUTHENTICATION_FAILED,
    ),
    ("git_push", "fatal: Authentication failed for 'https://h/x/'\n", Kind.AUTHENTICATION_FAILED),
    (
        "git_push",
        "fatal: unable to access 'https://h/x/': The requested URL returned error: 403\n",
        Kind.AUTHENTICATION_FAILED,
    ),
    (
        "git_fetch",
        "No ED25519 host key is known for [127.0.0.1]:22 and you have requested strict checking.\r\n"
        "Host key verification failed.\r\nfatal: Could not read from remote repository.\n",
        Kind.HOST_KEY_UNKNOWN,
    ),
    ("git_fetch", "Host key verification failed.\r\n", Kind.HOST_KEY_UNKNOWN),
    (
        "git_fetch",
        "Host key for [127.0.0.1]:22 has changed and you have requested strict checking.\r\n"
        "Host key verification failed.\r\nfatal: Could not read from remote repository.\n",
        Kind.HOST_KEY_CHANGED,
    ),
    (
        "git_fetch",
        "fatal: could not read Username for 'https://h': terminal prompts disabled\n",
        Kind.PROMPT_DISABLED,
    ),
    (
        "git_fetch",
        "fatal: unable to access 'https://h/x/': Could not resolve host: h\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    (
        "git_fetch",
        "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    (
        "git_fetch",
        "ssh: connect to host h port 22: timed out\nfatal: Could not read from remote repository.\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    (
        "git_fetch",
        "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    ("git_push", HOOK, Kind.HOOK_DECLINED),
    (
        "git_fetch",
        "error: cannot lock ref 'refs/x/o/m': Unable to create '/r/refs/x/o/m.lock': File exists.\n",
        Kind.LOCK_PRESENT,
    ),
    ("git_pull", "error: file write error: No space left on device\n", Kind.DISK_FULL),
    ("git_pull", "fatal: cannot create directory at 'x': Disk quota exceeded\n", Kind.DISK_FULL),
    (
        "git_push",
        "git-lfs filter-process: 1: git-lfs: not found\nfatal: the remote end hung up unexpectedly\n",
        Kind.COMMAND_NOT_FOUND,
    ),
    (
        "git_push",
        "This repository is configured for Git LFS but 'git-lfs' was not found on your path.\n",
        Kind.COMMAND_NOT_FOUND,
    ),
    (
        "git_fetch",
        "ssh -F /x '-oBatchMode=yes': 1: ssh: not found\nfatal: Could not read from remote repository.\n",
        Kind.COMMAND_NOT_FOUND,
    ),
    (
        "git_fetch",
        "bash: line 1: git-upload-pack: command not found\nfatal: Could not read from remote repository.\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    (
        "wandb_sync",
        "/opt/wandb is not installed on the login node, or not on the daemon's PATH.",
        Kind.COMMAND_NOT_FOUND,
    ),
    (
        "wandb_sync",
        "Error: No API key configured. Use `wandb login` to log in.\naexp: nothing was sent.\n",
        Kind.WANDB_KEY_MISSING,
    ),
    (
        "wandb_sync",
        "wandb: ERROR api_key not configured (no-tty). call wandb.login(key=[your_api_key])\n",
        Kind.WANDB_KEY_MISSING,
    ),
    (
        "wandb_sync",
        "Error: Failed to authenticate with http://h: user is not logged in\n",
        Kind.AUTHENTICATION_FAILED,
    ),
    (
        "wandb_sync",
        "Error: Failed to authenticate with http://h: Failed to execute API request\n",
        Kind.REMOTE_UNREACHABLE,
    ),
    ("wandb_sync", "aexp: wandb was ended before anything was sent.\n", Kind.TIMED_OUT),
    ("wandb_sync", "wandb: Traceback, or whatever else\n", Kind.SYNC_FAILED),
    ("wandb_sync", "", Kind.SYNC_FAILED),
    ("wandb_sync", "who knows\naexp: nothing was sent. wandb was asked with\n", Kind.SYNC_FAILED),
    ("wandb_sync", "aexp: a run has changed since it was looked at\n", Kind.SYNC_FAILED),
    (
        "git_pull",
        "There is no tracking information for the current branch.\nPlease specify which\n",
        Kind.NO_UPSTREAM,
    ),
    (
        "git_rebase",
        "Your configuration specifies to merge with the ref 'refs/heads/x'\nfrom the remote, but\n",
        Kind.NO_UPSTREAM,
    ),
    (
        "git_push",
        "error: src refspec refs/heads/nope does not match any\nerror: failed to push some refs\n",
        Kind.NO_SUCH_BRANCH,
    ),
]


@pytest.mark.parametrize(("op", "said", "kind"), SAID, ids=lambda value: str(value)[:40])
def test_what_a_program_said_has_a_kind_and_a_next_step(op: str, said: str, kind: Kind) -> None:
    found = failure_of(op, 1, said.encode())

    assert found is not None
    assert found.kind is kind
    assert re.search(r"`[^`]+`", found.hint), "it names a command"
    assert not {"{again}", "{branch}"} & {*re.findall(r"{\w+}", found.hint)}


def test_every_kind_is_in_the_table() -> None:
    assert {kind for _, _, kind in SAID} == {*Kind}


def test_the_kinds_of_the_page_are_those_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs/airgapped.md").read_text(encoding="utf-8")
    table = page.split("\n### Failures\n", 1)[1].split("\n### ", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [*Kind]


def test_every_hint_is_of_fixed_words_and_short() -> None:
    for rule in (*RULES, *LAST_RULES):
        assert rule.hint.isascii()
        assert "\n" not in rule.hint
        assert len(rule.hint) < 400, rule
        assert rule.hint.endswith(".")
        assert rule.begins or rule.holds
    assert all(rule.begins or rule.holds for rule in OWN_RULES)


@pytest.mark.parametrize(
    ("op", "status", "said"),
    [
        ("git_push", 1, "error: failed to push some refs to 'x'\n"),
        ("git_push", 1, ""),
        ("git_push", -9, "Everything up-to-date\n"),
        ("git_push", 0, REJECTED),
        ("git_fetch", 1, REJECTED),
        ("git_push", 1, "remote: fatal: Authentication failed for 'x'\n"),
        ("git_push", 1, f"remote:{REJECTED}"),
        ("git_pull", 1, "Error: No API key configured. Use `wandb login` to log in.\n"),
    ],
)
def test_what_is_not_known_or_no_failure_has_no_kind(op: str, status: int, said: str) -> None:
    assert failure_of(op, status, said.encode()) is None


def test_output_that_is_no_text_is_read_all_the_same() -> None:
    assert failure_of("git_push", 1, b"\xff\xfe\x00\n") is None
    assert failure_of("git_push", 1, b"\xff\xfe\x00\n" + REJECTED.encode()) is not None


def test_the_last_of_several_things_counts() -> None:
    for first, last, kind in (
        (REJECTED, HOOK, Kind.HOOK_DECLINED),
        (HOOK, REJECTED, Kind.NOT_FAST_FORWARD),
    ):
        found = failure_of("git_push", 1, f"{first}noise\n{last}noise\n".encode())
        assert found is not None
        assert found.kind is kind


def test_a_symptom_does_not_hide_its_cause() -> None:
    said = "ssh: connect to host h port 22: Connection refused\nConnection closed by h\n"
    cause = "ada@h: Permission denied (publickey).\n"
    symptom = "fatal: Could not read from remote repository.\n"
    found = failure_of("git_fetch", 128, f"{cause}{symptom}".encode())
    alone = failure_of("git_fetch", 128, symptom.encode())
    assert found is not None
    assert alone is not None
    assert (found.kind, alone.kind) == (Kind.AUTHENTICATION_FAILED, Kind.REMOTE_UNREACHABLE)
    assert failure_of("git_fetch", 128, said.encode()) == alone


def test_an_aborted_rebase_is_called_so_only_where_it_was_aborted() -> None:
    conflict = b"CONFLICT (content): Merge conflict in aexp: the rebase was aborted\n"
    aborted = failure_of("git_rebase", 1, conflict + b"aexp: the rebase was aborted; branch\n")
    stopped = failure_of("git_rebase", 1, conflict + b"aexp: the rebase stopped and could not be\n")
    assert aborted is not None
    assert stopped is not None
    assert aborted.kind is stopped.kind is Kind.CONFLICT
    assert "git rebase @{upstream}" in aborted.hint
    assert "git status" not in aborted.hint
    assert "git status" in stopped.hint


def test_the_hint_of_a_push_names_the_branch_that_was_asked_for() -> None:
    said = b"error: src refspec refs/heads/other does not match any\n"
    named = failure_of("git_push", 1, said, ("origin", "nope"))
    assert named is not None
    assert named.hint == "There is no local branch nope: `git branch` lists them."


def test_a_failed_upload_that_sent_nothing_does_not_send_to_the_server() -> None:
    sent = failure_of("wandb_sync", 1, b"wandb: it broke\n")
    unsent = failure_of("wandb_sync", 1, b"it broke\naexp: nothing was sent. wandb was asked\n")
    changed = failure_of("wandb_sync", 1, b"aexp: a run has changed since it was looked at\n")
    assert sent is not None
    assert unsent is not None
    assert changed is not None
    assert sent.hint == "Look at the run on the server; then `aexp relay wandb-sync` again."
    assert unsent.hint.startswith("Nothing was sent. On the login node")
    assert changed.hint.startswith("Nothing was sent. Wait until the run has ended")


@pytest.mark.parametrize("status", ["timed_out", "crashed"])
def test_an_upload_of_unknown_outcome_is_told_about_the_server(status: str) -> None:
    hints = [
        str(error_of(Response(request_id="1" * 32, op=op, status=status)))
        for op in ("wandb_sync", "git_push")
    ]
    assert "Part of the run may be on the server; aexp relay wandb-sync sends the rest." in hints[0]
    assert "git status" not in hints[0]
    assert "`git status` and the remote" in hints[1]


@pytest.mark.parametrize("end", ["cancelled", "crashed"])
def test_an_upload_that_was_ended_is_told_about_the_server(home: Path, end: str) -> None:
    world = World(home, plan=lambda _: Plan(duration_s=1e6))
    world.serve()
    handle = world.client().submit("wandb_sync")
    world.pass_time(2)
    approve(world.queue, handle.id, world.clock)
    world.pass_time(3)
    assert len(world.ran) == 1
    if end == "cancelled":
        handle.cancel()
    else:
        world.serve(world.kill())
    world.pass_time(60)
    answer = world.answer(handle.id)
    assert answer.final_state == end
    assert (
        answer.hint == "Part of the run may be on the server; aexp relay wandb-sync sends the rest."
    )


def test_an_instruction_comes_through_the_queue_as_it_was(home: Path) -> None:
    world = World(home)
    world.serve()
    world.leave("1" * 32, {"op": "git_status", "args": [], "cwd": str(home)})
    world.pass_time(2)
    error = error_of(world.answer("1" * 32))
    assert isinstance(error, RelayValidationError)
    assert error.hint == "cd into your repository, or give -C DIR."
    assert (error.field, error.allowed) == ("cwd", "")
    assert pickle.loads(pickle.dumps(error)).hint == error.hint  # noqa: S301
    told = Response.from_bytes(world.answer("1" * 32).to_bytes(), "1" * 32)
    assert told.hint == error.hint


def test_a_hint_repeats_nothing_of_the_output() -> None:
    said = f"remote: hunter2\n! hunter2\n{HOOK} hunter2".encode()
    found = failure_of("git_push", 1, said)
    assert found is not None
    assert "hunter2" not in found.hint


def test_only_the_end_of_an_output_is_looked_at_and_no_rest_of_a_line() -> None:
    noise = b"x" * LOOK_BYTES
    assert failure_of("git_push", 1, REJECTED.encode() + noise) is None
    line = b"remote: " + REJECTED.encode()
    assert failure_of("git_push", 1, noise[: -len(REJECTED)] + line[-len(REJECTED) :]) is None
    assert failure_of("git_push", 1, noise + b"\n" + REJECTED.encode()) is not None


class Counted(str):
    """A text that counts what is read of it."""

    read = 0

    def __getitem__(self, key: object) -> str:
        found = super().__getitem__(key)  # type: ignore[index]
        Counted.read += len(found)
        return found


@pytest.mark.parametrize("unit", ["\n", "{}", "{}\n", "x{}", "\r"])
def test_hostile_output_is_read_once_for_each_rule(unit: str) -> None:
    from aexp.domain import failures

    for rule in RULES:
        hostile = replace(rule, holds=(*rule.holds, "never"))
        needle = rule.begins or rule.holds[0]
        piece = unit.format(needle)
        text = Counted(piece * (LOOK_BYTES // len(piece)))
        Counted.read = 0
        assert failures._last_line(hostile, text) == -1
        assert Counted.read <= LOOK_BYTES


def test_the_end_of_a_bounded_output_is_never_across_the_gap() -> None:
    output = BoundedOutput(limit=100)
    output.add(b"a" * 60)
    output.close()
    assert output.end(70) == b"a" * 60
    output.add(b"b" * 300)
    output.close()
    assert output.end(20) == b"b" * 20
    assert set(output.end(1000)) == {ord("b")}


def test_what_kept_a_command_from_starting_has_a_kind() -> None:
    for what, kind in (
        ("/bin/git is not installed on the login node, or not on the daemon's PATH.", Kind.COMMAND_NOT_FOUND),
        ("Unable to create '/home/ada/x/.git/index.lock': File exists.", Kind.LOCK_PRESENT),
        ("The private git directory in /x cannot be made: No space left on device.", Kind.DISK_FULL),
        ("/home/ada/x is not a folder on the login node.", None),
    ):  # fmt: skip
        assert kind_of_refusal(what) is kind


def test_a_client_gets_kind_and_hint_and_does_without(home: Path) -> None:
    answer = Response(request_id="1" * 32, op="git_push", status="completed", returncode=1)
    told = replace(answer, kind="odd\x1b[2J", hint="do\x07 this")
    assert result_of(Response.from_bytes(answer.to_bytes(), "1" * 32)).kind == ""
    result = result_of(Response.from_bytes(told.to_bytes(), "1" * 32))
    assert (result.kind, result.hint) == ("odd\\x1b[2J", "do\\x07 this")


def test_a_failed_command_is_answered_with_its_kind(home: Path) -> None:
    world = World(home, plan=lambda _: Plan(output=REJECTED.encode(), returncode=1))
    world.serve()
    result = world.client().push("main")
    assert (result.kind, result.returncode) == ("not-fast-forward", 1)
    assert "`aexp relay rebase`" in result.hint


def test_a_command_that_ran_too_long_is_answered_with_its_kind(home: Path) -> None:
    world = World(home, plan=lambda _: Plan(duration_s=1e6))
    world.serve()
    handle = world.client().submit("git_status")
    with pytest.raises(RelayTimeLimitError) as caught:
        handle.result(timeout=600)
    answer = world.answer(handle.id)
    assert answer.kind == "timed-out"
    assert "`git status`" in caught.value.hint
