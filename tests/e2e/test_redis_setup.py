"""The set-up of docs/redis.md, pasted into shells with nothing changed but whose machine it is."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import DOCS, documented_users, free_port, needed
from tests.site import Site
from tests.world import executable

BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def etc(tmp_path: Path) -> Iterator[Path]:
    """The server's folder, with the file that its package brings and the users of the page."""
    folder = tmp_path / "etc"
    folder.mkdir()
    pid = folder / "server.pid"
    (folder / "redis.conf").write_text(
        f"daemonize yes\npidfile {pid}\nport {free_port()}\nbind 127.0.0.1\ndir {folder}\n"
        f"logfile {folder}/server.log\n"
    )
    (folder / "users.template").write_text(documented_users("lab"), encoding="utf-8")
    yield folder
    if pid.exists():
        subprocess.run(["kill", "-9", pid.read_text().strip()], check=True)


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_set_up_works_as_it_is_printed(site: Site, etc: Path) -> None:
    server, login, daemon, client, approver = BLOCKS.findall(DOCS.read_text(encoding="utf-8"))
    own, port = etc.parent / "own", re.search(r"port (\d+)", (etc / "redis.conf").read_text())
    assert port is not None
    start = f"{needed()} {etc}/redis.conf"
    # What stands for the machine of the page: its folders, users and programs.
    executable(site.home / "bin/systemctl", f"#!/bin/sh\nexec {start}\n")
    executable(site.home / "bin/pip", "#!/bin/sh\n")
    executable(site.home / "bin/chown", "#!/bin/sh\n")
    executable(site.home / "bin/aexp", '#!/bin/sh\nexec "$PYTHON" -P -m aexp "$@"\n')
    here = {
        "/etc/redis": str(etc),
        "/var/lib/relay-ada": str(own),
        " -o ada": "",
        "bind * -::*": "bind 127.0.0.1",
        "redis.example.org": f"127.0.0.1:{port[1]}",
    }
    site.env |= {"TMUX_TMPDIR": str(etc), "PYTHON": sys.executable}

    site.wandb()

    def pasted(*blocks: str) -> subprocess.CompletedProcess[str]:
        text = "".join(["set -e\n", *blocks])
        for word, ours in here.items():
            text = text.replace(word, ours)
        return subprocess.run(
            ["sh"], input=text, cwd=site.repo, env=site.env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = pasted(server, "umask\n")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", pasted("umask\n").stdout)
    passwords = {one.read_text() for one in etc.glob("relay-*")}
    assert len(passwords) == 4
    assert all((one.stat().st_mode & 0o777) == 0o600 for one in etc.glob("relay-*"))
    users = (etc / "users.acl").read_text()
    assert "PASSWORD" not in users
    assert not any(one.strip() in users for one in passwords)
    site.until("the server listens", lambda: listens(int(port[1])))
    done = pasted(login)
    assert (done.returncode, done.stderr) == (0, "")
    try:
        done = pasted(daemon)
        assert done.returncode == 0, done.stderr
        done = pasted(client)
        assert done.returncode == 0, done.stderr
        asked = pasted(client.replace("fetch", "wandb-sync --no-wait"))
        request_id = asked.stdout.strip()
        url = "export AEXP_RELAY_QUEUE='redis://redis.example.org/0?name=lab'\n"
        site.until("it waits", lambda: request_id[:8] in pasted(url, approver).stdout)
        done = pasted(url, approver, f"aexp relay approve {request_id} --yes\n")
        assert done.returncode == 0, done.stderr
    finally:
        pasted(daemon.rpartition("aexp relay up")[0], "aexp relay down\n")
        subprocess.run(["tmux", "kill-server"], env=site.env, capture_output=True, check=False)
