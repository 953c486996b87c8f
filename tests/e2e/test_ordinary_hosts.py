"""Hosts over https and ssh with the user's own credentials, and git-lfs, on real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vectors.grounds import Ground
from tests.vectors.https_ground import HttpsGround
from tests.vectors.large_files import CONTENT, OID, POINTER
from tests.vectors.needs import need_program
from tests.vectors.ssh_ground import SshGround
from tests.vectors.web import PASSWORD


@pytest.fixture
def https(tmp_path: Path) -> Iterator[HttpsGround]:
    """A home whose remotes are reached over https, with a daemon."""
    made = HttpsGround(tmp_path / "https")
    made.start()
    yield made
    made.close()


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshGround]:
    """A home whose remotes are reached over ssh, with a daemon."""
    made = SshGround(tmp_path / "ssh")
    made.start()
    yield made
    made.close()


def uses(ground: Ground, repo: Path, origin: Path) -> None:
    """Every operation works there."""
    site = ground.site
    assert site.relay("fetch", cwd=repo).returncode == 0
    (origin / "refs/heads/main").write_text(f"{ground.news}\n")
    for op in ("git-status", "pull"):
        done = site.relay(op, cwd=repo)
        assert done.returncode == 0, (op, done.stdout, done.stderr)
    assert site.git("rev-parse", "HEAD", cwd=repo) == ground.news
    mine = site.commit("mine", cwd=repo)
    for op in ("rebase", "push"):
        done = site.relay(op, cwd=repo)
        assert done.returncode == 0, (op, done.stdout, done.stderr)
        assert PASSWORD not in done.stdout + done.stderr
    assert site.git("rev-parse", "main", cwd=origin) == mine
    assert site.git("status", "--porcelain", cwd=repo) == ""


def test_https_with_the_users_own_authority_and_credential_helper(https: HttpsGround) -> None:
    uses(https, *https.clone("work", "behind"))


def test_ssh_with_the_users_own_key_and_settings(ssh: SshGround) -> None:
    uses(ssh, *ssh.clone("work", "behind"))


def test_ssh_to_a_host_with_another_key_is_refused(ssh: SshGround) -> None:
    repo, _ = ssh.clone("work", "behind")
    known = ssh.site.home / ".ssh/known_hosts"
    own = (ssh.site.home / ".ssh/id_ed25519.pub").read_text()
    ssh.site.end(ssh.site.daemons[0])
    known.write_text(f"[127.0.0.1]:{ssh.host.port} {own}")
    ssh.start()
    done = ssh.site.relay("fetch", cwd=repo)
    assert done.returncode not in (0, 65, 75)
    assert "HOST IDENTIFICATION HAS CHANGED" in done.stdout


def test_an_https_remote_without_a_credential_fails_and_does_not_wait(https: HttpsGround) -> None:
    repo, _ = https.clone("work", "behind")
    (https.site.outside / "expired").touch()
    done = https.site.relay("fetch", cwd=repo)
    assert done.returncode not in (0, 65, 70, 75)
    assert "could not read Username" in done.stdout


def test_large_files_are_sent_before_a_push(https: HttpsGround) -> None:
    need_program("git-lfs")
    repo, _ = https.clone("work", "ahead")
    (repo / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (repo / "model.bin").write_bytes(CONTENT)
    mine = https.site.commit("note", cwd=repo)
    assert https.site.git("show", "HEAD:model.bin", cwd=repo) == POINTER.strip()
    done = https.site.relay("push", cwd=repo)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert https.large == {OID: CONTENT}
    assert https.site.git("rev-parse", "main", cwd=https.site.home / "origins/work.git") == mine


def test_large_files_are_shown_before_and_sent_with_a_push_that_a_person_approved(
    tmp_path: Path,
) -> None:
    need_program("git-lfs")
    https = HttpsGround(tmp_path / "https")
    site = https.site
    try:
        https.start({"AEXP_RELAY_STRICT": "1"})
        repo, origin = https.clone("work", "ahead")
        (repo / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
        (repo / "model.bin").write_bytes(CONTENT)
        mine = site.commit("note", cwd=repo)
        request_id = site.relay("push", "--no-wait", cwd=repo).stdout.strip()
        site.until("it waits", lambda: site.json("pending")["pending"])
        (told,) = site.json("pending")["pending"]
        assert told["preview"]["lfs_count"] == 1
        assert told["preview"]["lfs_size"] == len(CONTENT)
        assert told["preview"]["known"][0].startswith("refs/remotes/origin/main ")
        assert site.relay("approve", "-y", request_id).returncode == 0
        done = site.relay("wait", request_id)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert https.large == {OID: CONTENT}
        assert site.git("rev-parse", "main", cwd=origin) == mine
        assert site.git("rev-parse", "origin/main", cwd=repo) == mine
    finally:
        https.close()


def test_large_files_are_there_after_a_pull(https: HttpsGround) -> None:
    need_program("git-lfs")
    repo, origin = https.clone("work", "behind")
    https.large[OID] = CONTENT
    other = https.site.home / "colleague"
    https.site.git("clone", "-q", str(origin), str(other))
    (other / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (other / "model.bin").write_text(POINTER)
    # A pointer is what the filter would make of the file, and goes through it unchanged.
    https.site.commit("note", cwd=other)
    https.site.git("push", "-q", "--no-verify", cwd=other)
    done = https.site.relay("pull", cwd=repo)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert (repo / "model.bin").read_bytes() == CONTENT
    assert https.site.git("status", "--porcelain", cwd=repo) == ""
    assert https.site.relay("git-status", cwd=repo).stdout == ""
