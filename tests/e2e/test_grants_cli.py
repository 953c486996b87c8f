"""Grants with a real daemon and real commands: given, used, taken back, ended, and lost or kept with it."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.site import PATIENCE_S, Site


@pytest.fixture
def served(site: Site) -> Site:
    """A site with a run to upload; a daemon serves."""
    site.wandb("echo uploaded")
    site.serve()
    return site


def granted(site: Site, *more: str, span: str = "1h") -> str:
    """The id of a grant of wandb_sync in the working copy."""
    done = site.relay("grant", "wandb_sync", "--for", span, "--json", *more)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["id"])


def waits(site: Site) -> str:
    """Submit an upload that must wait for a person; its id."""
    request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    return request_id


def test_under_a_grant_an_upload_runs_at_once_and_everybody_is_told(served: Site) -> None:
    done = served.relay("grant", "wandb_sync", "--cwd", str(served.repo), "--for", "2h")
    assert done.returncode == 0
    assert "goes to    wandb (sync): the default server of wandb" in done.stderr
    assert "allows     every wandb_sync of this folder" in done.stderr
    short = done.stdout.split()[1].rstrip(":")
    done = served.relay("wandb-sync", "--timeout", "30")
    assert (done.returncode, done.stdout) == (0, "uploaded\n")
    assert f"note: ran under grant {short} of process " in done.stderr
    (request,) = served.json("ls")["requests"]
    assert f"ran under grant {short}" in served.relay("show", request["request_id"]).stdout
    (one,) = served.json("grants")["grants"]
    assert (one["op"], one["root"], one["uses"], one["keep"]) == (
        "wandb_sync",
        str(served.repo),
        1,
        False,
    )
    assert 7100 < one["ends_in_s"] < 7200
    listed = served.relay("grants").stdout
    assert one["id"][:8] in listed
    assert "wandb_sync" in listed
    trail = served.relay("audit", "show").stdout
    assert "granted" in trail
    assert "grant-used" in trail
    assert served.relay("audit", "verify").returncode == 0


def test_a_request_that_waits_goes_when_it_is_granted(served: Site) -> None:
    request_id = waits(served)
    done = served.relay("grant", "wandb_sync", "--for", "10m")
    assert f"runs now   {request_id[:8]}, wandb/offline-run-" in done.stderr
    assert served.relay("wait", request_id, "--timeout", "30").stdout == "uploaded\n"


def test_taken_back_the_next_upload_waits(served: Site) -> None:
    first = granted(served)
    assert served.relay("wandb-sync", "--timeout", "30").returncode == 0
    second = granted(served, "--keep")
    served.offline_run("cd34ef56")
    done = served.relay("revoke", first[:6])
    assert done.stdout.startswith(f"revoked {first[:4]}: wandb_sync in {served.repo} until ")
    assert f"Still granted by {second[:4]}" in done.stderr
    assert "What already runs goes on" in done.stderr
    assert served.relay("revoke", "--all").returncode == 0
    waits(served)
    done = served.relay("grants")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing is granted.\n")
    assert served.relay("revoke", first).returncode == 66
    assert served.relay("revoke").returncode == 2


def test_in_another_folder_it_waits(served: Site) -> None:
    granted(served)
    inside = served.repo / "wandb"
    (inside / "wandb").mkdir()
    run = served.offline_run("cd34ef56")
    run.rename(inside / "wandb" / run.name)
    request_id = served.relay("wandb-sync", "--no-wait", cwd=inside).stdout.strip()
    served.until("it waits", (served.queue / f"pending/{request_id}.json").exists)


def test_a_suspended_daemon_does_not_lengthen_a_grant(served: Site) -> None:
    granted(served, span="2s")
    daemon = served.daemons[-1]
    until = time.monotonic() + 2
    daemon.send_signal(signal.SIGSTOP)
    request_id = served.relay("wandb-sync", "--no-wait").stdout.strip()
    served.until("its time is over", lambda: time.monotonic() >= until)
    daemon.send_signal(signal.SIGCONT)
    served.until("it waits", (served.queue / f"pending/{request_id}.json").exists)
    served.until("the trail says so", lambda: "grant-expired" in served.trail())


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_only_what_is_kept_outlives_the_daemon(served: Site, end: signal.Signals) -> None:
    lost, kept = granted(served), granted(served, "--keep", span="2h")
    served.end(served.daemons[-1], end)
    served.serve()
    (one,) = served.json("grants")["grants"]
    assert (one["id"], one["keep"]) == (kept, True)
    assert one["ends_in_s"] < 7200
    assert served.trail().count(f"grant-lost grant={lost}") == 1
    assert served.relay("wandb-sync", "--timeout", "30").stdout == "uploaded\n"
    served.relay("revoke", kept)
    served.end(served.daemons[-1], signal.SIGKILL)
    served.serve()
    assert served.json("grants")["grants"] == []
    served.offline_run("cd34ef56")
    waits(served)


def test_what_is_kept_is_taken_back_while_no_daemon_runs(served: Site) -> None:
    granted(served)
    kept, other = granted(served, "--keep"), granted(served, "--keep", span="2h")
    served.end(served.daemons[-1], signal.SIGKILL)
    found = served.json("grants")
    assert ([one["id"] for one in found["grants"]], found["served"]) == ([kept, other], False)
    assert "No daemon serves here: these are kept" in served.relay("grants").stderr
    done = served.relay("revoke", kept[:6])
    assert done.stdout.startswith(f"revoked {kept[:4]}: wandb_sync in {served.repo} until ")
    assert f"Still granted by {other[:4]}" in done.stderr
    assert "it counts no more once one starts" in done.stderr
    assert served.relay("revoke", "--all").returncode == 0
    assert served.relay("revoke", "--all").returncode == 69
    served.serve()
    assert served.json("grants") == {"schema": 1, "grants": [], "served": True}
    waits(served)
    assert served.trail().count("grant-lost") == 1
    assert "without a daemon" in served.relay("audit", "show").stdout
    assert served.relay("audit", "verify").returncode == 0


def test_a_push_to_another_url_goes_under_a_grant_and_is_not_remembered(site: Site) -> None:
    site.serve()
    assert site.relay("push").returncode == 0
    other = site.home / "other.git"
    site.git("init", "-q", "--bare", str(other), cwd=site.home)
    site.relay("trust", "--remote", str(other))
    site.git("remote", "set-url", "origin", str(other))
    done = site.relay("grant", "git_push", "--for", "1h", "-y")
    assert f"goes to    origin (push): {other}" in done.stderr
    pushed = site.relay("push", "--timeout", "30")
    assert pushed.returncode == 0
    assert "note: ran under grant" in pushed.stderr
    site.relay("revoke", "--all")
    site.commit("second")
    request_id = site.relay("push", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    shown = site.relay("show", request_id).stdout
    assert f"CHANGED, before: {site.origin}" in shown


@pytest.mark.parametrize("mode", ["file", "signed"])
def test_where_approvals_are_files_no_grant_is_given(site: Site, tmp_path: Path, mode: str) -> None:
    signers = tmp_path / "signers"
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers.write_text(f"ada {key.with_suffix('.pub').read_text()}")
    site.wandb()
    site.serve("--consent", mode, "--allowed-signers", str(signers))
    done = site.relay("grant", "wandb_sync", "--for", "2h")
    assert done.returncode == 77
    assert "No grants are given here" in done.stderr
    assert "--consent login" in done.stderr


def test_without_a_daemon_a_grant_cannot_be_given(site: Site) -> None:
    done = site.relay("grant", "wandb_sync", "--for", "2h")
    assert done.returncode == 69
    assert "aexp relay up" in done.stderr
    assert f"type there: aexp relay grant wandb_sync --cwd {site.repo} --for" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("wandb_sync",), 2),
        (("git_status", "--for", "2h"), 2),
        (("wandb_sync", "--for", "2 h"), 78),
        (("wandb_sync", "--for", "2d"), 78),
        (("wandb_sync", "--for", "2h", "--cwd", "/usr"), 77),
        (("git_push", "--for", "2h", "--cwd", "missing"), 77),
    ],
)
def test_what_cannot_be_granted_is_refused(served: Site, words: tuple[str, ...], code: int) -> None:
    assert served.relay("grant", *words).returncode == code
    assert served.json("grants")["grants"] == []


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 77)])
def test_on_a_terminal_the_digits_are_asked_for(served: Site, right: bool, code: int) -> None:
    ours, theirs = pty.openpty()
    person = subprocess.Popen(
        [sys.executable, "-P", "-m", "aexp", "relay", "grant", "wandb_sync", "--for", "2h"],
        cwd=served.repo, env=served.env, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"digits of the digest:" not in said:
        assert select.select([ours], [], [], PATIENCE_S)[0], said
        said += os.read(ours, 1 << 16)
    digest = said.split(b"digest     ")[1][:4]
    typed = digest if right else (b"0000" if digest != b"0000" else b"1111")
    os.write(ours, typed + b"\n")
    assert person.wait(timeout=PATIENCE_S) == code
    os.close(ours)
    assert len(served.json("grants")["grants"]) == (1 if right else 0)
