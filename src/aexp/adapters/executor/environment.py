"""The environment of the operations: nothing prompts, nothing opens an editor or a pager.

The names are those of git(1), gitcredentials(7) and ssh(1).
"""

import shlex
import subprocess
from collections.abc import Mapping

# What would tie git to one repository (`git rev-parse --local-env-vars`), and the answers to prompts.
_DROPPED = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_SSH",
        "GIT_WORK_TREE",
        "DISPLAY",
        "WAYLAND_DISPLAY",
    }
)
_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "TERM": "dumb",
    "LC_ALL": "C.UTF-8",
}


def operation_environment(environ: Mapping[str, str], ssh_command: str) -> dict[str, str]:
    """The daemon's own environment, made quiet.

    Args:
        environ: the daemon's environment.
        ssh_command: how the user's git starts ssh (see :func:`users_ssh_command`).
    """
    kept = {name: value for name, value in environ.items() if name not in _DROPPED}
    return {**kept, **_FIXED, "GIT_SSH_COMMAND": f"{ssh_command} -oBatchMode=yes"}


def users_ssh_command(environ: Mapping[str, str]) -> str:
    """How the user's git starts ssh: ``GIT_SSH_COMMAND``, their global ``core.sshCommand``, ``GIT_SSH``.

    The order is git's own. A repository's ``core.sshCommand`` does not count here.
    """
    if environ.get("GIT_SSH_COMMAND"):
        return environ["GIT_SSH_COMMAND"]
    try:
        asked = subprocess.run(
            ["git", "config", "--global", "--get", "core.sshCommand"],  # noqa: S607
            env=dict(environ),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        configured = asked.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        # Without a git that answers there is nothing to configure; each operation will say so itself.
        configured = ""
    return configured or shlex.quote(environ.get("GIT_SSH") or "ssh")
