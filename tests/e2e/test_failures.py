"""Each kind of failure, made by real git (or by a stand-in that uses its words) behind a real daemon."""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.site import Site, stand_in
from tests.vectors.grounds import Ground
from tests.vectors.https_ground import HttpsGround
from tests.vectors.ssh_ground import SshGround
from tests.vectors.web import PASSWORD
from tests.world import executable

COMMAND = re.compile(r"`(?:git|aexp relay|ssh-|ssh|df|wandb|find) ?[^`]*`")
NO_KEY = """#!/bin/sh
case "$1" in
--version) echo "wandb, version 0.31.0" ;;
login) echo "Error: No API key configured. Use \\`wandb login\\` to log in."; exit 1 ;;
esac
"""


def says(site: Site, verb: str, kind: str, *, cwd: Path | None = None) -> str:
    """The operation fails with this kind, and is told with a command or a file; the hint."""
    done = site.relay(*verb.split(), cwd=cwd)
    assert done.returncode != 0, done
    seen = site.json("ls")["requests"][0]
    assert seen["kind"] == kind, (seen, done.stdout, done.stderr)
    assert f"  next: {seen['hint']}\n" in done.stderr
    assert COMMAND.search(seen["hint"]) or "/.git/index.lock'" in done.stderr, seen["hint"]
    assert PASSWORD not in done.stdout + done.stderr
    return str(seen["hint"])


# Where the remote is a path, or not there


def behind(site: Site) -> None:
    """Somebody has pushed what is not here, and there is a commit of one's own."""
    site.colleague("theirs")
    site.commit("mine")


def conflicting(site: Site) -> None:
    site.colleague("same", text="theirs\n")
    site.commit("same", text="mine\n")


def changed(site: Site) -> None:
    site.colleague("first", text="theirs\n")
    (site.repo / "first").write_text("changed\n")


def refusing(site: Site) -> None:
    site.commit("mine")
    executable(site.origin / "hooks/pre-receive", "#!/bin/sh\necho too large\nexit 1\n")


def locked_here(site: Site) -> None:
    site.colleague("theirs")
    (site.repo / ".git/refs/remotes/origin/main.lock").touch()


def locked_index(site: Site) -> None:
    site.colleague("theirs")
    (site.repo / ".git/index.lock").touch()


def locked_there(site: Site) -> None:
    site.commit("mine")
    (site.origin / "refs/heads/main.lock").touch()


def gone(site: Site) -> None:
    shutil.rmtree(site.origin)


def full(site: Site) -> None:
    site.end(site.daemons[0])
    words = "fatal: write error: No space left on device"
    real = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\n[ "$1" = fetch ] || exec {real} "$@"\necho "{words}"; exit 128\n',
    )
    site.serve()


def without_ssh(site: Site) -> None:
    site.end(site.daemons[0])
    site.git("config", "--global", "core.sshCommand", "/opt/nothing/ssh")
    site.git("remote", "set-url", "origin", "ssh://127.0.0.1/x.git")
    site.serve()


def without_lfs(site: Site) -> None:
    site.end(site.daemons[0])
    words = "git-lfs filter-process: 1: git-lfs: not found"
    real = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\n[ "$1" = pull ] || exec {real} "$@"\necho "{words}"; exit 128\n',
    )
    site.serve()


def on_a_new_branch(site: Site) -> None:
    site.git("switch", "-q", "-c", "topic")


def with_a_lost_upstream(site: Site) -> None:
    site.git("switch", "-q", "-c", "topic")
    site.git("config", "branch.topic.remote", "origin")
    site.git("config", "branch.topic.merge", "refs/heads/topic")


CASES: list[tuple[Callable[[Site], None], str, str]] = [
    (behind, "push", "not-fast-forward"),
    (behind, "pull", "not-fast-forward"),
    (conflicting, "rebase", "conflict"),
    (changed, "pull", "uncommitted-changes"),
    (changed, "rebase", "uncommitted-changes"),
    (refusing, "push", "hook-declined"),
    (locked_here, "fetch", "lock-file-present"),
    (locked_index, "pull", "lock-file-present"),
    (locked_there, "push", "lock-file-present"),
    (gone, "fetch", "remote-unreachable"),
    (full, "fetch", "disk-full"),
    (without_ssh, "fetch", "command-not-found"),
    (without_lfs, "pull", "command-not-found"),
    (on_a_new_branch, "pull", "no-upstream"),
    (on_a_new_branch, "rebase", "no-upstream"),
    (with_a_lost_upstream, "pull", "no-upstream"),
    (on_a_new_branch, "push -b nope", "no-such-branch"),
]


@pytest.mark.parametrize(
    ("prepare", "verb", "kind"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_failure_explains_itself(
    site: Site, prepare: Callable[[Site], None], verb: str, kind: str
) -> None:
    site.serve()
    prepare(site)
    says(site, verb, kind)


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_a_host_that_does_not_listen_is_unreachable(site: Site, scheme: str) -> None:
    site.serve()
    with closing(socket.socket()) as reserved:  # It is bound and does not listen.
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        site.git("remote", "set-url", "origin", f"{scheme}://127.0.0.1:{port}/x.git")
        says(site, "fetch", "remote-unreachable")


def test_a_conflicted_rebase_leaves_the_copy_clean_and_says_so(site: Site) -> None:
    site.serve()
    conflicting(site)
    mine = site.git("rev-parse", "HEAD")
    assert "git rebase @{upstream}" in says(site, "rebase", "conflict")
    assert site.git("rev-parse", "HEAD") == mine
    assert site.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert site.git("status", "--porcelain") == ""
    assert not [*(site.repo / ".git").glob("rebase-*")]


def test_a_conflicted_rebase_says_once_how_to_go_on_and_nothing_of_git_that_does_not_apply(
    site: Site,
) -> None:
    site.serve()
    conflicting(site)
    done = site.relay("rebase")
    told = done.stdout + done.stderr
    assert "CONFLICT (" in told
    assert "hint:" not in told
    assert "--continue" not in told
    assert told.count("was aborted") == told.count("git rebase @{upstream}") == 1


def test_the_hints_of_a_new_branch_lead_to_its_upstream(site: Site) -> None:
    site.serve()
    on_a_new_branch(site)
    hint = says(site, "pull", "no-upstream")
    named = re.findall(r"`(?:aexp relay|git) ([^`]+)`", hint)
    assert named == ["push", "fetch", "branch -u origin/NAME"]
    assert [site.relay(verb).returncode for verb in named[:2]] == [0, 0]
    site.git(*named[2].replace("NAME", "topic").split())
    assert site.relay("pull").returncode == 0


def test_a_branch_that_is_not_there_is_named(site: Site) -> None:
    site.serve()
    hint = says(site, "push -b nope", "no-such-branch")
    assert hint == "There is no local branch nope: `git branch` lists them."


def test_the_hints_lead_out_of_a_rejected_push(site: Site) -> None:
    site.serve()
    behind(site)
    named = re.findall(r"`aexp relay ([a-z-]+)`", says(site, "push", "not-fast-forward"))
    assert named == ["rebase", "push"]
    assert [site.relay(verb).returncode for verb in named] == [0, 0]


def test_kind_and_hint_are_in_every_view_and_nowhere_after_a_success(site: Site) -> None:
    site.serve()
    behind(site)
    result = site.json("push")
    assert result["kind"] == "not-fast-forward"
    assert "`aexp relay rebase`" in result["hint"]
    shown = site.relay("show", result["request_id"]).stdout
    assert "kind       not-fast-forward\n" in shown
    assert f"next       {result['hint']}\n" in shown
    assert "not-fast-forward" in site.relay("ls").stdout
    well = site.json("fetch")
    assert (well["kind"], well["hint"]) == ("", "")


def test_wandb_without_a_key_or_without_wandb(site: Site) -> None:
    site.offline_run()
    for program, kind in ((None, "command-not-found"), (NO_KEY, "wandb-key-missing")):
        if program is not None:
            path = executable(site.home.parent / "wandb", program)
            site.env["AEXP_RELAY_WANDB"] = str(path)
        daemon = site.serve()
        request_id = site.relay("wandb-sync", "--no-wait").stdout.strip()

        def shown(which: str = request_id) -> dict[str, object]:
            return site.json("show", which)

        if program is not None:
            site.until("it waits", lambda: shown()["state"] == "pending")
            assert site.relay("approve", request_id, "--yes").returncode == 0
        site.until("it is answered", lambda: shown()["kind"] is not None)
        answer = shown()
        assert answer["kind"] == kind
        assert "wandb" in str(answer["hint"])
        if program is None:
            named = "AEXP_RELAY_WANDB=/path/to/wandb aexp relay restart"
            assert answer["hint"] == f"On the login node: install wandb there, or name it: {named}"
        site.end(daemon)


# Where the remote is a host


@pytest.fixture
def https(tmp_path: Path) -> Iterator[HttpsGround]:
    """A home whose remotes are reached over https; no daemon yet."""
    made = HttpsGround(tmp_path / "https")
    yield made
    made.close()


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshGround]:
    """A home whose remotes are reached over ssh; no daemon yet."""
    made = SshGround(tmp_path / "ssh")
    yield made
    made.close()


def fetch_says(ground: Ground, kind: str) -> str:
    """A fetch from the host fails with this kind."""
    repo, _ = ground.clone("work", "behind")
    ground.start()
    return says(ground.site, "fetch", kind, cwd=repo)


def test_an_https_host_without_a_credential(https: HttpsGround) -> None:
    (https.site.outside / "expired").touch()
    assert "gitcredentials" in fetch_says(https, "terminal-prompt-disabled")


def test_an_https_host_with_a_wrong_credential(https: HttpsGround) -> None:
    wrong = "printf 'username=ada\\npassword=wrong\\n'"
    executable(
        https.site.outside / "bin/credential-helper",
        f'#!/bin/sh\n[ "$1" = get ] && {wrong}\nexit 0\n',
    )
    fetch_says(https, "authentication-failed")


def test_an_https_host_with_an_unknown_certificate(https: HttpsGround) -> None:
    https.site.git("config", "--global", "http.sslCAInfo", str(https.thief.certificate))
    assert "http.sslCAInfo" in fetch_says(https, "remote-unreachable")


def test_an_ssh_host_whose_key_is_not_known(ssh: SshGround) -> None:
    (ssh.site.home / ".ssh/known_hosts").write_text("")
    assert "fingerprint" in fetch_says(ssh, "host-key-unknown")


def test_an_ssh_host_with_another_key_than_before(ssh: SshGround) -> None:
    own = (ssh.site.home / ".ssh/id_ed25519.pub").read_text()
    (ssh.site.home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh.host.port} {own}")
    assert "ssh-keygen -R" in fetch_says(ssh, "host-key-changed")


def test_an_ssh_host_that_does_not_take_the_users_key(ssh: SshGround) -> None:
    (ssh.host.folder / "authorized_keys").write_text("")
    assert "`ssh-add`" in fetch_says(ssh, "authentication-failed")
