"""The operations on real git, through a real daemon process and the command line."""

import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.site import Site


def test_status_shows_what_changed(site: Site) -> None:
    site.serve()
    (site.repo / "new file").write_text("x")
    done = site.relay("git-status")
    assert (done.returncode, done.stdout) == (0, "? new file\n")
    assert done.stderr == ""


def test_fetch_brings_the_remote_branches(site: Site) -> None:
    site.serve()
    there = site.colleague("theirs")
    assert site.relay("fetch").returncode == 0
    assert site.git("rev-parse", "origin/main") == there


def test_pull_fast_forwards(site: Site) -> None:
    site.serve()
    there = site.colleague("theirs")
    done = site.relay("pull")
    assert done.returncode == 0
    assert "Fast-forward" in done.stdout
    assert site.git("rev-parse", "HEAD") == there


def test_pull_of_a_diverged_branch_fails_as_git_does_and_changes_nothing(site: Site) -> None:
    site.serve()
    site.colleague("theirs")
    mine = site.commit("mine")
    done = site.relay("pull")
    assert done.returncode == 128
    assert "Not possible to fast-forward" in done.stdout
    assert "failed git_pull" in done.stderr
    assert site.git("rev-parse", "HEAD") == mine


def test_rebase_replays_local_commits(site: Site) -> None:
    site.serve()
    there = site.colleague("theirs")
    site.commit("mine")
    assert site.relay("rebase").returncode == 0
    assert site.git("rev-parse", "HEAD~1") == there


def test_push_sends_the_current_branch(site: Site) -> None:
    site.serve()
    mine = site.commit("mine")
    done = site.relay("push")
    assert done.returncode == 0
    assert site.git("rev-parse", "main", cwd=site.origin) == mine


def test_push_sends_a_named_branch_to_a_named_remote(site: Site) -> None:
    fork = site.home / "fork.git"
    site.serve("--trust-remote", str(fork))
    site.git("init", "-q", "--bare", str(fork))
    site.git("remote", "add", "fork", str(fork))
    site.git("branch", "topic")
    assert site.relay("push", "-b", "topic", "--remote", "fork").returncode == 0
    assert site.git("branch", "--list", cwd=fork) == "topic"
    assert "topic" not in site.git("branch", "--list", cwd=site.origin)


def test_a_rejected_push_is_a_result_with_gits_own_status(site: Site) -> None:
    site.serve()
    site.colleague("theirs")
    site.commit("mine")
    done = site.relay("push")
    assert done.returncode == 1
    assert "rejected" in done.stdout


def test_a_remote_named_like_the_branch_is_not_pushed_to(site: Site) -> None:
    site.serve()
    trap = site.home / "trap.git"
    site.git("init", "-q", "--bare", str(trap))
    for name in ("HEAD", "main"):
        site.git("config", f"remote.{name}.url", str(trap))
    mine = site.commit("mine")
    assert site.relay("push").returncode == 0
    assert site.git("rev-parse", "main", cwd=site.origin) == mine
    assert site.git("branch", "--list", cwd=trap) == ""


class Unauthorised(BaseHTTPRequestHandler):
    """A server that wants a password for everything."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def certificate(folder: Path) -> Path:
    """A key and a certificate for this machine, in one file."""
    made = folder / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(made), "-out", f"{made}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    with made.open("a") as file:
        file.write(Path(f"{made}.crt").read_text())
    return made


def test_git_never_asks_for_a_password(site: Site) -> None:
    pem = certificate(site.home)
    site.git("config", "--global", "http.sslCAInfo", f"{pem}.crt")
    site.serve(env={"GIT_TERMINAL_PROMPT": "1", "GIT_ASKPASS": "echo"})
    with HTTPServer(("127.0.0.1", 0), Unauthorised) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/private.git"
        site.git("remote", "set-url", "origin", url)
        done = site.relay("fetch", "--timeout", "50")
        server.shutdown()
    assert done.returncode not in (0, 69, 75)
    assert "terminal prompts disabled" in done.stdout


def test_a_folder_below_the_working_copy_will_do(site: Site) -> None:
    site.serve()
    (site.repo / "src").mkdir()
    assert site.relay("git-status", cwd=site.repo / "src").returncode == 0
    assert site.relay("git-status", "-C", str(site.repo), cwd=site.home).returncode == 0


def test_what_is_not_a_working_copy_is_told(site: Site) -> None:
    site.serve()
    (site.home / "plain").mkdir()
    done = site.relay("git-status", "-C", str(site.home / "plain"))
    assert done.returncode == 65
    assert "does not lie in a git working copy" in done.stderr


def test_the_audit_trail_shows_each_request(site: Site) -> None:
    site.serve()
    site.relay("git-status")
    site.put_request("a" * 32, b'{"op": "git_clone", "cwd": "/"}')
    site.until("the bad request is answered", lambda: "INFO " + "a" * 32 + " done" in site.trail())
    trail = site.trail()
    assert " received op=git_status" in trail
    assert " started op=git_status" in trail
    assert " done op=git_status state=completed returncode=0 duration_s=" in trail
    assert f"{'a' * 32} rejected" in trail
