"""The login user's own git settings, read once at the daemon's start and kept where nobody else writes."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.plain_files import read_anywhere, write_private
from aexp.domain.errors import RelayStartError
from aexp.domain.git_config import is_personal
from aexp.domain.git_doubts import doubts_of_settings, left_out
from aexp.domain.git_setting import Setting, parse, serialise
from aexp.domain.text import visible

TIMEOUT_S = 20.0
PARSE_LIMIT_S = 10.0
OLDEST_GIT = (2, 32)
"""GIT_CONFIG_GLOBAL, with which the settings are replaced, came with git 2.32."""


@dataclass(frozen=True)
class GitSettings:
    """What was pinned.

    Attributes:
        file: the settings that come along.
        config_home: stands in for ``~/.config``; holds the user's own list of ignored files.
        ssh: how the user starts ssh for git; empty when they did not say.
        rewrites: the user's own ``url.*`` settings; they are applied before a URL is judged.
        secrets: a folder for what a credential helper keeps and writes.
        lfs: whether the user has git-lfs set up for all their repositories.
        doubts: what the login node's owner should know of their own settings, a line each.
        left_out: keys of programs that were left out, in the order of the configuration.
        sources: the files that were read, and that are watched for a change.
    """

    file: Path
    config_home: Path
    ssh: str
    rewrites: tuple[Setting, ...]
    secrets: Path
    lfs: bool
    doubts: tuple[str, ...]
    left_out: tuple[str, ...]
    sources: tuple[Path, ...]


def check_version(git: str, environment: Mapping[str, str]) -> str:
    """The version of git.

    Raises:
        RelayStartError: it cannot be run, or is too old.
    """
    said = _run([git, "version"], environment).decode("utf-8", "replace").strip()
    digits = said.removeprefix("git version ").split(".")
    try:
        version = (int(digits[0]), int(digits[1]))
    except (ValueError, IndexError):
        version = (0, 0)
    if version < OLDEST_GIT:
        raise RelayStartError(
            f"{git} is {visible(said)}; the relay needs git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer.",
            "Load a newer module, or name another with AEXP_RELAY_GIT.",
        )
    return said


def read_git_settings(
    git: str, environ: Mapping[str, str], environment: Mapping[str, str], home: str
) -> list[Setting]:
    """The machine's and the user's settings, all of them; see :func:`pin_git_settings`."""
    where = {key: environ[key] for key in ("XDG_CONFIG_HOME",) if environ.get(key)}
    asked = {**environment, **where, "HOME": home}
    found: list[Setting] = []
    for scope in ("--system", "--global"):
        if scope == "--system" and environ.get("GIT_CONFIG_NOSYSTEM"):
            continue
        listing = [git, "config", scope, "--includes", "--list", "-z"]
        found += parse(_run(listing, asked, absent_ok=True))
    return found


def pin_git_settings(
    git: str, environ: Mapping[str, str], environment: Mapping[str, str], home: str, folder: Path
) -> GitSettings:
    """Read the machine's and the user's settings, and keep what is personal in ``folder``.

    Args:
        environ: the daemon's environment, for where the settings lie.
        environment: what git itself is run with.

    Raises:
        RelayStartError: git does not read them.
    """
    found = read_git_settings(git, environ, environment, home)
    kept = [setting for setting in found if is_personal(setting)]
    config_home = folder / "config"
    (config_home / "git").mkdir(parents=True, exist_ok=True)
    sources = (*_config_files(environ, home), _pin_ignores(found, environ, home, config_home))
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    kept = [_with_pinned_store(setting, home, secrets) for setting in kept]
    file = folder / "gitconfig"
    used_here = [one for one in kept if one.key == "core.sshcommand" or one.section == "url"]
    write_private(file, serialise(one for one in kept if one not in used_here))
    return GitSettings(
        file=file,
        config_home=config_home,
        ssh=_last(kept, "core.sshcommand") or "",
        rewrites=tuple(one for one in kept if one.section == "url"),
        secrets=secrets,
        lfs=_last(kept, "filter.lfs.process") is not None,
        doubts=tuple(str(doubt) for doubt in doubts_of_settings(found, home)),
        left_out=left_out(found),
        sources=sources,
    )


def read_configuration(
    git: str, data: bytes, environment: Mapping[str, str], cwd: Path
) -> list[Setting]:
    """Let git itself read a configuration, as bytes: it cannot include or lead anywhere.

    Args:
        cwd: an own folder, in which git finds nothing.

    Raises:
        ValueError: with git's words, when it is none.
    """
    try:
        done = subprocess.run(
            [git, "config", "--file", "-", "--no-includes", "--list", "-z"],
            input=data,
            env={**environment, "GIT_CEILING_DIRECTORIES": "/"},
            cwd=cwd,
            capture_output=True,
            timeout=PARSE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ValueError(f"git could not be asked: {exc}") from exc
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ValueError(visible(said, limit=200) or f"git ended with {done.returncode}")
    return parse(done.stdout)


def _config_files(environ: Mapping[str, str], home: str) -> list[Path]:
    return [Path(home) / ".gitconfig", _user_config(environ, home) / "git/config"]


def _user_config(environ: Mapping[str, str], home: str) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or f"{home}/.config")


def _pin_ignores(
    found: list[Setting], environ: Mapping[str, str], home: str, config_home: Path
) -> Path:
    named = _last(found, "core.excludesfile")
    source = _user_config(environ, home) / "git/ignore"
    if named:
        source = Path(f"{home}{named[1:]}" if named.startswith("~/") else named)
    write_private(config_home / "git/ignore", read_anywhere(source) or b"")
    return source


def _with_pinned_store(setting: Setting, home: str, secrets: Path) -> Setting:
    """The same, or ``credential.helper=store`` (git-credential-store(1)) on a copy of its file.

    The helper writes its file after each use, which in the home a confined process may not, and what the
    requester adds to the file later has no effect.
    """
    words = (setting.value or "").split(None, 1)
    if setting.section != "credential" or setting.name != "helper" or words[:1] != ["store"]:
        return setting
    named = words[1].removeprefix("--file").lstrip("= ").strip("'\"") if len(words) > 1 else ""
    source = named or "~/.git-credentials"
    path = Path(f"{home}{source[1:]}" if source.startswith("~/") else source)
    copy = secrets / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    write_private(copy, read_anywhere(path) or b"")
    return Setting(setting.key, f"store --file={copy}")


def _last(settings: list[Setting], key: str) -> str | None:
    return next((one.value for one in reversed(settings) if one.key == key), None)


def _run(argv: list[str], environment: Mapping[str, str], *, absent_ok: bool = False) -> bytes:
    try:
        done = subprocess.run(
            argv,
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise RelayStartError(
            f"{os.path.basename(argv[0])} could not be asked: {exc}.",
            f"Try `{os.path.basename(argv[0])} --version` on the login node.",
        ) from exc
    # A scope whose file does not exist is an error to git, and no settings to us.
    absent = absent_ok and b"No such file" in done.stderr
    if done.returncode != 0 and not absent:
        said = visible(done.stderr.decode("utf-8", "replace").strip(), limit=400)
        raise RelayStartError(
            f"`{' '.join(argv[:4])}` failed: {said}.", "Mend the configuration, then start again."
        )
    return done.stdout
