"""The original command lines, run as the original daemon did: in place, with the inherited environment."""

import os
import re
import signal
import subprocess
from functools import cache

from tests.vectors.scene import Scene

COMMANDS = {
    "git_pull": ("git", "pull", "--ff-only"),
    "git_push": ("git", "push"),
    "git_fetch": ("git", "fetch", "--all", "--prune"),
    "git_status": ("git", "status"),
    "git_rebase": ("git", "pull", "--rebase"),
}
PATIENCE_S = 10.0


@cache
def git_version() -> tuple[int, int]:
    """The version of the git on the PATH."""
    said = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"(\d+)\.(\d+)", said)
    assert match is not None, said
    return int(match[1]), int(match[2])


def run_original(scene: Scene, args: tuple[str, ...]) -> str | None:
    """What the original command line says; None when it does not end."""
    patience = 2.0 if scene.vector.effect == "hang" else PATIENCE_S
    process = subprocess.Popen(
        [*COMMANDS[scene.op], *args],
        cwd=scene.cwd,
        env={**scene.site.env, **scene.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        return process.communicate(timeout=patience)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
