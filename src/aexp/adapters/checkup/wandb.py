"""The wandb of this node: the one that a daemon would run, asked in the surroundings that it would get."""

import netrc
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aexp.adapters.checkup.asking import answer
from aexp.adapters.workshop.wandb_program import find_wandb, is_below
from aexp.adapters.workshop.wandb_settings import WandbSettings, furnish, pin_wandb_settings
from aexp.domain.checkup.wandb import Wandb
from aexp.domain.destinations import host_of
from aexp.domain.wandb import version_in

LIMIT_S = 8.0
"""Seconds for saying a version; a program of this size on a cold file server takes some."""
DEFAULT_HOST = "api.wandb.ai"
_KEYS = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")


def wandb_of(environ: Mapping[str, str], home: str) -> Wandb:
    """What an environment and a home say of wandb.

    Raises:
        RelayStartError: the user's settings of wandb cannot be read; a daemon would not start.
        SettingsError: the program that was named is none.
    """
    program = find_wandb(environ, home)
    if program is None:
        return Wandb(untrusted=shutil.which("wandb", path=environ.get("PATH")) or "")
    pinned = pin_wandb_settings(environ, home)
    host = host_of(pinned.base_url) or DEFAULT_HOST
    with tempfile.TemporaryDirectory(prefix="aexp-doctor-") as folder:
        surroundings = furnish(
            Path(folder), pinned, program, home, trusts_home=is_below(program, home)
        )
        said = answer([program, "--version"], surroundings, LIMIT_S, cwd=f"{folder}/work")
        has_key = _has_key(pinned, host, f"{folder}/netrc")
    found = None if said is None or said[0] != 0 else version_in(said[1])
    version = "" if found is None else f"version {found[0]}.{found[1]}"
    return Wandb(program=program, version=version, server=host, has_key=has_key)


def _has_key(pinned: WandbSettings, host: str, file: str) -> bool:
    if any(pinned.kept.get(name) for name in _KEYS) or pinned.has_key:
        return True
    try:
        found = netrc.netrc(file).authenticators(host)
    except (netrc.NetrcParseError, UnicodeDecodeError):
        # wandb cannot read it either.
        return False
    return found is not None and bool(found[2])
