"""The check-up of remotes on real hosts: who is asked, who is not, and what a failure is told as."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from tests.site import Site
from tests.vectors.https_ground import HttpsGround
from tests.vectors.needs import need_program
from tests.vectors.ssh_ground import SshGround
from tests.vectors.web import PASSWORD


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshGround]:
    """A home whose remotes are reached over ssh."""
    made = SshGround(tmp_path / "ssh")
    yield made
    made.close()


@pytest.fixture
def https(tmp_path: Path) -> Iterator[HttpsGround]:
    """A home whose remotes are reached over https."""
    made = HttpsGround(tmp_path / "https")
    yield made
    made.close()


def remotes(site: Site, repo: Path | None = None) -> list[dict[str, Any]]:
    """What the check-up says of the remotes of a working copy."""
    done = site.relay("doctor", "--json", cwd=repo)
    assert PASSWORD not in done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (done.returncode == 69) == (told["level"] == "fail"), done
    return [found for found in told["findings"] if found["name"] == "remote"]


def accept(site: Site, repo: Path) -> None:
    """The owner accepts where the working copy leads."""
    assert site.relay("trust", "-C", str(repo)).returncode == 0


def left_of_daemons(site: Site) -> list[Path]:
    return [*site.state.glob("*/daemons/*")]


def test_a_remote_over_ssh_is_asked_with_the_users_own_key_and_settings(ssh: SshGround) -> None:
    repo, _ = ssh.clone("work", "behind")
    accept(ssh.site, repo)
    (found,) = remotes(ssh.site, repo)
    assert found["level"] == "ok", found
    assert found["what"].startswith(f"origin (fetch and push) {ssh.url_of(ssh.site.home)[:8]}")
    assert left_of_daemons(ssh.site) == []


def test_what_a_relayed_fetch_has_used_is_asked_from_any_folder_by_its_name(ssh: SshGround) -> None:
    repo, _ = ssh.clone("work", "behind")
    ssh.start()
    assert ssh.site.relay("fetch", cwd=repo).returncode == 0
    done = ssh.site.relay("doctor", "-C", str(repo), cwd=ssh.site.home)
    assert "\nok    remote         origin (fetch and push) githost:" in done.stdout
    assert len(left_of_daemons(ssh.site)) == 1


def test_a_key_that_is_not_accepted_is_told_with_what_to_do(ssh: SshGround) -> None:
    repo, _ = ssh.clone("work", "behind")
    accept(ssh.site, repo)
    (ssh.host.folder / "authorized_keys").write_text("")
    (found,) = remotes(ssh.site, repo)
    assert found["level"] == "fail"
    assert "authentication-failed" in found["what"]
    assert "`ssh-add` the key" in found["fix"]


@pytest.mark.parametrize("kind", ["host-key-unknown", "host-key-changed"])
def test_a_host_key_that_is_not_known_or_another_one_is_told(ssh: SshGround, kind: str) -> None:
    repo, _ = ssh.clone("work", "behind")
    accept(ssh.site, repo)
    other = (ssh.site.home / ".ssh/id_ed25519.pub").read_text()
    known = "" if kind == "host-key-unknown" else f"[127.0.0.1]:{ssh.host.port} {other}"
    (ssh.site.home / ".ssh/known_hosts").write_text(known)
    (found,) = remotes(ssh.site, repo)
    assert kind in found["what"], found
    assert "fingerprint" in found["fix"]
    assert (ssh.site.home / ".ssh/known_hosts").read_text() == known


def test_a_remote_over_https_is_asked_with_the_users_own_credential(https: HttpsGround) -> None:
    repo, _ = https.clone("work", "behind")
    accept(https.site, repo)
    assert [found["level"] for found in remotes(https.site, repo)] == ["ok"]
    (https.site.outside / "expired").touch()
    (found,) = remotes(https.site, repo)
    assert "terminal-prompt-disabled" in found["what"]
    assert "credential helper" in found["fix"]


def test_a_url_that_was_changed_gets_no_credential_and_no_connection(https: HttpsGround) -> None:
    repo, _ = https.clone("work", "behind")
    accept(https.site, repo)
    (https.site.outside / "generous").touch()
    https.site.git(
        "remote", "set-url", "origin", f"https://127.0.0.2:{https.host.port}/x.git", cwd=repo
    )
    with closing(create_server(("127.0.0.1", 0))) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        https.site.git("remote", "add", "new", f"https://127.0.0.1:{port}/x.git", cwd=repo)
        found = remotes(https.site, repo)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert https.stolen == []
    assert [one["level"] for one in found] == ["warn", "warn"]
    assert "leads elsewhere than before, and was not contacted" in found[0]["what"]
    assert "is not remembered yet, and was not contacted" in found[1]["what"]
    assert all(one["fix"].endswith(f"aexp relay trust -C {repo}") for one in found)


def test_nothing_of_the_repository_runs(site: Site) -> None:
    canary = site.home.parent / "canary"
    for hook in ("post-checkout", "reference-transaction"):
        path = site.repo / ".git/hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {canary}\n")
        path.chmod(0o755)
    accept(site, site.repo)
    assert [found["level"] for found in remotes(site)] == ["ok"]
    site.git("config", "core.sshCommand", f"touch {canary}")
    (found,) = remotes(site)
    assert found["level"] == "fail"
    assert "core.sshcommand" in found["what"]
    assert not canary.exists()


def test_a_repository_that_has_gone_is_told(site: Site) -> None:
    accept(site, site.repo)
    shutil.rmtree(site.origin)
    (found,) = remotes(site)
    assert "remote-unreachable" in found["what"]


def test_a_folder_that_is_none_is_an_error_and_one_without_a_copy_a_failure(site: Site) -> None:
    done = site.relay("doctor", "-C", str(site.home / "nothing"))
    assert (done.returncode, "is not a folder" in done.stderr) == (78, True)
    done = site.relay("doctor", "-C", str(site.home))
    assert done.returncode == 69
    assert "lies in no working copy" in done.stdout


def test_an_agent_that_a_log_in_forwards_is_known_as_one(ssh: SshGround) -> None:
    code = (
        "import os; from aexp.adapters.checkup.agent import agent_of; print(agent_of(os.environ))"
    )
    socket = ssh.folder / "a"
    program = [need_program("ssh-agent"), "-D", "-a", str(socket)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()
        env = {**ssh.site.env, "SSH_AUTH_SOCK": str(socket)}
        ssh_add = [need_program("ssh-add"), "-q", str(ssh.site.home / ".ssh/id_ed25519")]
        subprocess.run(ssh_add, env=env, check=True)
        command = ["ssh", "-A", "githost", f"{sys.executable} -P -c '{code}'"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        agent.terminate()
    assert "forwarded=True" in done.stdout, (done, os.environ.get("SSH_AUTH_SOCK"))
    assert "keys=1" in done.stdout
