"""The command line: what goes to which stream, what ``--json`` says, which exit code means what."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.site import Site, slow_git, stand_in


def test_without_a_daemon_everything_says_so_and_what_to_do(site: Site) -> None:
    done = site.relay("pull")
    assert (done.returncode, done.stdout) == (69, "")
    assert "No daemon serves" in done.stderr
    assert "next: Start one on the login node: aexp relay up\n" in done.stderr
    assert not site.queue.exists()


def test_without_a_daemon_what_is_open_is_listed_with_a_line_that_says_so(site: Site) -> None:
    site.wandb()
    daemon = site.serve()
    done = site.relay("pending")
    assert done.returncode == 0
    assert "No daemon serves" not in done.stderr
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", lambda: site.json("show", request_id)["state"] == "pending")
    assert site.relay("ls").stderr == ""
    site.end(daemon)
    assert "what is open is seen to once one is started." in site.relay("ls").stderr
    done = site.relay("pending")
    assert request_id[:8] in done.stdout
    assert (
        "No daemon serves the queue; nothing can be decided before one is started." in done.stderr
    )
    assert done.stderr.endswith("next: Start one on the login node: aexp relay up\n")
    site.relay("cancel", request_id)
    assert "nothing is taken up before one is started" in site.relay("pending").stderr


def test_an_invalid_request_is_65_and_names_what_is_allowed(site: Site) -> None:
    site.serve()
    for args in (
        ("request", "git_clone"),
        ("push", "--remote", "/tmp/x.git"),
    ):
        done = site.relay(*args)
        assert (done.returncode, done.stdout) == (65, "")
        assert "Allowed:" in done.stderr


def test_a_refusal_ends_with_what_to_do_and_no_list_of_what_is_allowed(site: Site) -> None:
    site.git("remote", "add", "fork", str(site.home / "fork.git"))
    site.git("init", "-q", "--bare", str(site.home / "fork.git"))
    site.serve()
    home = str(site.home)
    trust = f"aexp relay trust --remote {home}/fork.git; then aexp relay push again."
    for args, do in (
        (("pull", "-C", home), "cd into your repository, or give -C DIR."),
        (("pull", "-C", "/etc"), "cd into your repository, or give -C DIR."),
        (("push", "fork"), f"On the login node, if you trust that repository: {trust}"),
        (
            ("push", "main"),
            "The remotes there: origin, fork. If main is a branch: aexp relay push -b main",
        ),
    ):
        done = site.relay(*args)
        assert (done.returncode, done.stdout) == (65, "")
        assert done.stderr.endswith(f"  next: {do}\n"), done.stderr
    site.git("switch", "-q", "--detach")
    done = site.relay("push")
    assert "  next: Give a branch: aexp relay push -b NAME, or: git switch NAME\n" in done.stderr


def test_a_push_takes_remote_and_branch_as_git_does(site: Site) -> None:
    site.serve()
    mine = site.commit("mine")
    site.git("branch", "topic")
    assert site.relay("push", "origin", "topic").returncode == 0
    assert site.git("rev-parse", "topic", cwd=site.origin) == mine
    assert site.relay("push", "--branch=main", "origin", "main").returncode == 0
    assert site.git("rev-parse", "main", cwd=site.origin) == mine
    assert site.relay("push", "origin").returncode == 0


def test_words_that_git_would_take_are_told_what_to_do(site: Site) -> None:
    for args, told in (
        (("push", "origin", "main", "-b", "topic"), "The branch is given twice"),
        (("push", "origin", "--remote", "fork"), "The remote is given twice"),
        (("push", "origin", "-b", "HEAD", "main"), "The branch is given twice"),
        (("pull", "origin"), "git branch -u REMOTE/BRANCH"),
        (("rebase", "origin", "main"), "git branch -u REMOTE/BRANCH"),
        (("fetch", "origin"), "fetch takes all remotes"),
    ):
        done = site.relay(*args)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in " ".join(done.stderr.replace("│", " ").split()), done.stderr


def test_an_operation_that_waits_for_consent_is_75_and_a_rejection_77(site: Site) -> None:
    site.wandb()
    site.serve()
    done = site.relay("wandb-sync", "--timeout", "1.5")
    assert (done.returncode, done.stdout) == (75, "")
    assert (
        "waits for consent (it sends data out of the cluster). On the login node: aexp relay approve"
        in done.stderr
    )
    (waiting,) = site.json("pending")["pending"]
    assert waiting["op"] == "wandb_sync"
    assert site.relay("reject", waiting["request_id"][:5], "--reason", "no").returncode == 0
    site.until(
        "it is rejected", lambda: site.json("show", waiting["request_id"])["state"] == "rejected"
    )


def test_a_rejection_while_the_caller_waits_is_77(site: Site) -> None:
    import threading

    site.wandb()
    site.serve()

    def refuse() -> None:
        site.until("it waits", lambda: any((site.queue / "pending").glob("*.json")))
        site.relay("reject", next((site.queue / "pending").glob("*.json")).stem)

    person = threading.Thread(target=refuse)
    person.start()
    done = site.relay("wandb-sync", "--timeout", "30")
    person.join()
    assert done.returncode == 77
    assert "rejected wandb_sync" in done.stderr


def test_a_program_that_is_missing_is_70(site: Site) -> None:
    git = stand_in(site, f'#!/bin/sh\nexec {shutil.which("git")} "$@"\n')
    site.serve()
    assert site.relay("git-status").returncode == 0
    git.unlink()
    assert site.relay("git-status").returncode == 70


def test_an_unknown_request_is_66(site: Site) -> None:
    site.serve()
    for verb in ("show", "cancel", "approve"):
        assert site.relay(verb, "0" * 32).returncode == 66


def test_a_decision_on_what_does_not_wait_says_how_it_stands(site: Site) -> None:
    site.serve()
    request_id = site.json("git-status")["request_id"]
    done = site.relay("approve", request_id[:8])
    assert done.returncode == 66
    assert "does not wait for consent: it is completed" in done.stderr


def test_a_decision_without_a_daemon_says_that_it_has_no_effect_yet(site: Site) -> None:
    site.wandb()
    daemon = site.serve("--consent", "file")
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    site.end(daemon)
    done = site.relay("approve", request_id)
    assert done.returncode == 0
    assert "No daemon serves the queue; nothing runs before one is started." in done.stderr
    done = site.relay("reject", request_id)
    assert done.returncode == 0
    assert "No daemon serves the queue; the requester is told once one is started." in done.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("pull", "--timeout", "soon"), "'soon' is not a valid number of seconds"),
        (("ls", "-n", "few"), "'few' is not a valid whole number"),
    ],
)
def test_what_is_no_number_is_told_in_plain_words(
    site: Site, words: tuple[str, ...], wanted: str
) -> None:
    done = site.relay(*words)
    assert done.returncode == 2
    assert wanted in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_changes_nothing_else(site: Site, closed: str) -> None:
    site.serve()
    site.commit("mine")
    done = subprocess.run(
        [
            "sh",
            "-c",
            f'exec "$0" "$@" {closed}',
            sys.executable,
            "-P",
            "-m",
            "aexp",
            "relay",
            "push",
        ],
        cwd=site.repo,
        env=site.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("main -> main" in done.stdout) is (closed != ">&-")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("relay", "psuh"), "push"),
        (("relya", "ls"), "relay"),
        (("relay", "request", "git_pul"), "git_pull"),
    ],
)
def test_a_typing_error_is_told_what_was_meant(
    site: Site, typed: tuple[str, ...], meant: str
) -> None:
    done = site.aexp(*typed)
    assert done.returncode in (2, 65)
    assert f"id you mean {meant}?" in done.stderr


def test_a_queue_that_cannot_be_is_78(site: Site) -> None:
    done = site.relay("status", "--queue", "carrier-pigeon://coop")
    assert done.returncode == 78
    assert "file://" in done.stderr


def test_a_queue_under_a_file_is_74_and_names_it(site: Site) -> None:
    (site.home / "file").write_text("")
    done = site.relay("serve", "--queue", str(site.home / "file/q"), "--log", "-")
    assert done.returncode == 74
    assert "file/q" in done.stderr


def test_stdout_holds_the_output_and_nothing_else(site: Site) -> None:
    site.serve()
    (site.repo / "new").write_text("x")
    done = site.relay("request", "git_status")
    assert (done.stdout, done.stderr) == ("? new\n", "")


def test_json_of_a_result(site: Site) -> None:
    site.serve()
    found = site.json("git-status")
    keys = {
        "schema",
        "request_id",
        "op",
        "returncode",
        "stdout",
        "duration_s",
        "notices",
        "consent",
        "kind",
        "hint",
    }
    assert set(found) == keys
    assert (found["notices"], found["consent"]) == ([], "login")
    assert (found["schema"], found["op"], found["returncode"]) == (1, "git_status", 0)


def test_json_of_the_read_verbs(site: Site) -> None:
    daemon = site.serve()
    request_id = site.json("git-status")["request_id"]
    status = site.json("status")
    assert (status["up"], status["pid"], status["waiting"]) == (True, daemon.pid, 0)
    (row,) = site.json("ls")["requests"]
    assert (row["request_id"], row["state"], row["cwd"]) == (
        request_id,
        "completed",
        str(site.repo),
    )
    shown = site.json("show", request_id[:8])
    assert (shown["state"], shown["returncode"], shown["stdout"]) == ("completed", 0, "")
    assert shown["log"].endswith(f"log/{request_id}.txt")
    assert site.json("pending")["pending"] == []
    assert site.json("ls", "--state", "pending")["requests"] == []
    assert len(site.json("ls", "--op", "git_status")["requests"]) == 1


def test_status_exits_with_69_when_down_and_says_why_in_json(site: Site) -> None:
    done = site.relay("status", "--json")
    assert done.returncode == 69
    assert json.loads(done.stdout)["up"] is False


def test_the_status_of_a_queue_that_was_never_made_says_so(site: Site) -> None:
    told = site.relay("status").stdout
    assert f"queue {site.queue}: not there yet; the first daemon makes it (profile" in told
    assert site.json("status")["there"] is False
    assert not site.queue.exists()
    site.end(site.serve())
    told = site.relay("status").stdout
    assert f"queue {site.queue}: 0 waiting, 0 for consent, 0 running (profile" in told
    assert site.json("status")["there"] is True


def test_no_wait_prints_the_id_alone(site: Site) -> None:
    site.serve()
    request_id = site.relay("git-status", "--no-wait").stdout.strip()
    assert len(request_id) == 32
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")


def test_into_a_pipe_verbose_says_each_state_with_the_id_and_quiet_nothing(site: Site) -> None:
    site.wandb("true")
    site.serve()
    plain = site.relay("git-status")
    assert (plain.stdout, plain.stderr) == ("", "")
    told = site.relay("git-status", "-v").stderr.splitlines()
    request_id = told[0].split()[0]
    assert told[0] == f"{request_id} submitted: git_status in {site.repo}"
    assert told[-1].startswith(f"{request_id} ok git_status in ")
    consent = site.relay("wandb-sync", "-v", "--timeout", "2").stderr
    assert " pending\n" in consent
    quiet = site.relay("wandb-sync", "-q", "--timeout", "2").stderr
    assert "waits for consent" in quiet
    assert "error: No answer to" in quiet
    failed = site.relay("push", "-b", "nowhere", "--quiet")
    assert failed.returncode == 1
    assert "failed git_push" in failed.stderr
    assert "next: " in failed.stderr
    assert site.relay("pull", "-q", "-v").returncode == 2


def test_verbose_follows_a_request_of_another_shell(site: Site) -> None:
    note = slow_git(site)
    site.serve()
    first = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)
    second = site.relay("pull", "--no-wait").stdout.strip()
    site.until("it waits", lambda: site.json("show", second)["state"] == "approved")
    told = site.relay("wait", second, "--timeout", "1", "--verbose").stderr
    behind = f"behind {first[:8]} (git_fetch), which runs in this folder"
    assert f"{second} approved: waits {behind}\n" in told
    assert f"waits      {behind.replace(' (git_fetch), which runs', ', which comes first')}" in (
        site.relay("show", second).stdout
    )
    site.relay("cancel", first)
    assert f"{second} ok git_pull" in site.relay("log", "-f", "-v", second).stderr


def test_requests_are_listed_by_what_is_asked_of_them(site: Site) -> None:
    note = slow_git(site)
    site.serve()
    (site.repo / "sub").mkdir()
    status = site.json("git-status")["request_id"]
    below = site.json("git-status", cwd=site.repo / "sub")["request_id"]
    fetch = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)

    def listed(*args: str) -> set[str]:
        return {row["request_id"] for row in site.json("ls", *args)["requests"]}

    everything = {status, below, fetch}
    assert listed() == listed("--since", "1h") == listed("-C", str(site.repo)) == everything
    assert listed("--open") == listed("--state", "running", "--state", "pending") == {fetch}
    assert listed("--ended") == listed("--op", "git-status") == {status, below}
    assert listed("--op", "fetch", "--op", "git_status") == everything
    assert listed("-C", "sub") == listed("-C", f"{site.repo}/sub/") == {below}
    assert listed("-n", "1") == {fetch, below}
    assert listed("--since", "2100-01-01") == set()
    assert {
        row["request_id"] for row in site.json("ls", "--here", cwd=site.repo / "sub")["requests"]
    } == {below}
    assert "3 others: aexp relay ls\n" in site.relay("ls", "--state", "crashed").stderr
    for wrong in (("--since", "yesterday"), ("--open", "--ended"), ("--here", "-C", "x")):
        assert site.relay("ls", *wrong).returncode == 2


def test_a_cancelled_request_is_told_in_json(site: Site) -> None:
    note = slow_git(site)
    site.serve()
    request_id = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)
    asked = site.json("cancel", request_id[:9])
    assert (asked["schema"], asked["request_id"], asked["asked"]) == (1, request_id, True)
    assert site.relay("wait", request_id).returncode == 77
    over = site.json("cancel", request_id)
    assert (over["withdrawn"], over["asked"], over["state"]) == (False, False, "cancelled")


def test_a_request_is_waited_for_from_another_shell(site: Site) -> None:
    note = slow_git(site)
    site.serve()
    request_id = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)
    impatient = site.relay("wait", request_id[:8], "--timeout", "0")
    assert impatient.returncode == 75
    assert request_id in impatient.stderr
    assert site.relay("cancel", request_id[:8]).returncode == 0
    ended = site.relay("wait", request_id[:8], "--timeout", "30")
    assert ended.returncode not in (0, 75)
    assert "cancelled" in ended.stderr


def test_waiting_ends_as_the_operation_did(site: Site) -> None:
    site.serve()
    (site.repo / "new.txt").write_text("x")
    good = site.relay("git-status", "--no-wait").stdout.strip()
    waited = site.json("wait", good)
    assert (waited["op"], waited["returncode"], waited["stdout"]) == (
        "git_status",
        0,
        "? new.txt\n",
    )
    bad = site.relay("push", "-b", "nowhere", "--no-wait").stdout.strip()
    done = site.relay("wait", bad)
    assert done.returncode == 1
    assert "nowhere" in done.stdout
    assert site.relay("wait", "0" * 32).returncode == 66


def test_the_environment_sets_queue_timeout_and_open_names(site: Site) -> None:
    env = {"AEXP_RELAY_QUEUE": str(site.home / "env queue"), "AEXP_RELAY_CWD_NAMES": "projects"}
    site.serve(env=env)
    done = site.relay("git-status", env=env)
    assert done.returncode == 65
    assert "~/projects" in done.stderr
    # A client that does not know the names is told by the daemon.
    del env["AEXP_RELAY_CWD_NAMES"]
    told = site.relay("git-status", env=env)
    assert told.returncode == 65
    assert "~/projects" in told.stderr


@pytest.mark.parametrize(
    "command", [(), ("relay",), ("sandbox",), ("relay", "push"), ("relay", "serve")]
)
def test_every_level_has_help(site: Site, command: tuple[str, ...]) -> None:
    done = site.aexp(*command, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_the_version_is_one_line(site: Site) -> None:
    from aexp import __version__

    assert site.aexp("--version").stdout == f"aexp {__version__}\n"
