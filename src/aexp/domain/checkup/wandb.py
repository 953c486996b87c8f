"""wandb on the login node: which one would run, and whether it has a key for its server."""

import shlex
from dataclasses import dataclass

from aexp.domain.findings import Finding, ok, warn


@dataclass(frozen=True)
class Wandb:
    """What was found.

    Attributes:
        program: the wandb that a daemon would run; empty without one.
        untrusted: one that it would not run unless it is named; empty without one.
        version: what it says of itself; empty when it said nothing in time.
        server: the host that it uploads to.
        has_key: whether there is a key for it.
    """

    program: str = ""
    untrusted: str = ""
    version: str = ""
    server: str = ""
    has_key: bool = False


def judge_wandb(name: str, found: Wandb, whose: str) -> list[Finding]:
    """Whether runs can be uploaded.

    Args:
        whose: whose environment was looked at, for people.
    """
    if not found.program and not found.untrusted:
        return [ok(name, "not there; only wandb_sync needs it")]
    if not found.program:
        told = f"{found.untrusted} can be changed by every program with this home, and is not used"
        fix = f"To use it all the same: export AEXP_RELAY_WANDB={shlex.quote(found.untrusted)}"
        return [warn(name, told, f"{fix}, then start the daemon from that shell.")]
    findings = []
    if not found.version:
        told = f"{found.program} does not say its version"
        findings.append(warn(name, told, f"See why: {shlex.quote(found.program)} --version"))
    shown = f"{found.version} ({found.program})" if found.version else found.program
    if found.has_key:
        return findings or [ok(name, f"{shown}, with a key for {found.server}")]
    told = f"{shown} has no key for {found.server} (netrc, settings, or set {whose})"
    return [*findings, warn(name, told, "Type: wandb login; then start the daemon again.")]
