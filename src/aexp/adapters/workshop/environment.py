"""What the operations find in their environment: a short list, and nothing else of the daemon's own.

The names are those of git(1), git-config(1), gitcredentials(7) and ssh(1).
"""

import shlex
from collections.abc import Mapping, Sequence

_ALLOWED = [
    "HOME",
    "USER",
    "LOGNAME",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
]
_FIXED = {
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "PAGER": "cat",
    # A filter or credential helper that is a Python module is not looked for in the working copy.
    "PYTHONSAFEPATH": "1",
}
_GIT_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_EDITOR": "/bin/false",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_SSH_VARIANT": "ssh",
}
# Above every file: what no configuration, also not the owner's own, may switch on here.
_BELT = (
    ("core.fsmonitor", "false"),
    ("core.alternateRefsCommand", ":"),
    ("core.askPass", "/bin/false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("merge.verifySignatures", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    ("push.default", "nothing"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("rebase.backend", "merge"),
    ("rebase.autoStash", "false"),
    ("rebase.autoSquash", "false"),
    ("rebase.updateRefs", "false"),
    ("transfer.bundleURI", "false"),
    ("safe.bareRepository", "explicit"),
    ("color.ui", "false"),
    ("advice.detachedHead", "false"),
)


def base_environment(environ: Mapping[str, str], path: str) -> dict[str, str]:
    """What every program gets.

    Args:
        environ: the daemon's own environment, at its start.
        path: the folders with programs.
    """
    kept = {name: environ[name] for name in _ALLOWED if environ.get(name)}
    config = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    # Git looks elsewhere for its own; the credential helper of GitHub's command line must not.
    gh = environ.get("GH_CONFIG_DIR") or f"{config}/gh"
    return {**kept, **_FIXED, "PATH": path, "GH_CONFIG_DIR": gh}


def git_environment(
    base: Mapping[str, str], global_config: str, config_home: str, ssh_command: str, hooks: str
) -> dict[str, str]:
    """What git gets, beside the private directory of one request (see :func:`house_environment`).

    Args:
        global_config: the pinned file of the login user's settings.
        config_home: an empty node-local folder in place of ``~/.config``.
        ssh_command: how git starts ssh.
        hooks: the folder of the hooks that run: the daemon's own, usually empty.
    """
    belt = (*_BELT, ("core.hooksPath", hooks))
    return {
        **base,
        **_GIT_FIXED,
        "GIT_CONFIG_GLOBAL": global_config,
        "XDG_CONFIG_HOME": config_home,
        "GIT_SSH_COMMAND": ssh_command,
        "GIT_CONFIG_COUNT": str(len(belt)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(belt)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(belt)},
    }


def house_environment(git_dir: str, work_tree: str, protocols: Sequence[str]) -> dict[str, str]:
    """What ties git to the private directory of one request.

    Args:
        work_tree: the way from the folder that git starts in up to the working copy: ``.`` or ``../..``.
        protocols: how the request may connect; none for one that does not.
    """
    house = {
        "GIT_DIR": git_dir,
        # Unfinished files of helpers belong where the request may write.
        "TMPDIR": f"{git_dir}/tmp",  # noqa: S108
        "GIT_WORK_TREE": work_tree,
        "GIT_ALLOW_PROTOCOL": ":".join(protocols) or "none",
    }
    if not protocols:
        house["GIT_NO_LAZY_FETCH"] = "1"
    return house


def ssh_options(config: str, known_hosts: Sequence[str]) -> str:
    """What is added to the user's own ssh command: the pinned configuration, and no way to ask."""
    options = [
        "-F",
        config,
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=yes",
        "-oControlMaster=no",
        "-oPermitLocalCommand=no",
        "-oForwardAgent=no",
        "-oForwardX11=no",
        f"-oUserKnownHostsFile={' '.join(known_hosts)}",
    ]
    return " ".join(shlex.quote(option) for option in options)
