"""Family O: the other surfaces: ssh's settings, modules in the working copy, files of the queue."""

import subprocess
import sys
import uuid

from tests.vectors.model import vector
from tests.vectors.scene import Scene


@vector(
    "O01",
    "exec",
    "fetch",
    "~/.ssh/config gets a ProxyCommand after the daemon's start",
    ground="own-ssh",
    ours="ignored",
)
def _proxy_command(scene: Scene) -> None:
    _configure_ssh(scene, f"Host *\n  ProxyCommand {scene.script()}\n")


@vector(
    "O02",
    "exec",
    "fetch",
    "~/.ssh/config gets a Match exec after the daemon's start",
    ground="own-ssh",
    ours="ignored",
)
def _match_exec(scene: Scene) -> None:
    _configure_ssh(scene, f'Match exec "{scene.script()}"\n  Compression yes\n')


@vector(
    "O03",
    "exec",
    "fetch",
    "a file that ~/.ssh/config includes is edited",
    ground="own-ssh",
    ours="ignored",
)
def _included(scene: Scene) -> None:
    included = scene.place / "ssh-included"
    included.write_text(f"Host *\n  ProxyCommand {scene.script()}\n")
    _configure_ssh(scene, f"Include {included}\n")


def _configure_ssh(scene: Scene, text: str) -> None:
    config = scene.site.home / ".ssh/config"
    config.write_text(text + config.read_text())


@vector(
    "O05",
    "exec",
    "daemon start",
    "the daemon is started by `python -m aexp.airgapped` in a folder that holds logging.py",
    ground="own",
    ours="not imported",
    lands=False,
    original="ran at the daemon's start",
)
def _module(scene: Scene) -> None:
    for name in ("logging.py", "click.py", "pydantic.py", "rich_click.py", "fsspec.py"):
        (scene.repo / name).write_text(f"open({str(scene.canary)!r}, 'w')\nraise SystemExit(1)\n")

    def start() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "aexp.airgapped", "daemon", "--help"],
            cwd=scene.repo,
            env=scene.site.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    scene.instead = start


@vector(
    "O06",
    "write-local",
    "status",
    "log/<id>.txt of the queue is a link to a file of the login node",
    ours="ignored",
    lands=False,
    original="overwritten by the daemon's log",
)
def _linked_log(scene: Scene) -> None:
    scene.request_id = uuid.uuid4().hex
    target = scene.guards_file(scene.node_local / "precious")
    (scene.site.queue / f"log/{scene.request_id}.txt").symlink_to(target)
