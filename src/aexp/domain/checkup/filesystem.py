"""The queue's filesystem: whether it will do, and what its mount options mean for the relay.

The options are those of nfs(5) and of mount.lustre(8), as the mount table shows them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.profiles import Profile, profile_for

_MEMORY = frozenset({"tmpfs", "ramfs"})
_NFS = frozenset({"nfs", "nfs4"})
_KEPT_S = {"acregmin": "3", "acregmax": "60", "acdirmin": "30", "acdirmax": "60"}
"""For how long an NFS client keeps attributes where the mount table says nothing else."""
_ASK = "Ask the people who run the mount for one without"


@dataclass(frozen=True)
class Mounted:
    """The filesystem that a path lies on, as the mount table names it."""

    kind: str
    options: frozenset[str]


def judge_filesystem(name: str, mounted: Mounted | None, profile: Profile) -> Finding:
    """Whether the queue's filesystem will do, and whether it is treated as what it is."""
    if mounted is None:
        return ok(name, f"not known, the mount table does not tell; profile {profile.name}")
    if "ro" in mounted.options:
        fix = "Name a queue on a filesystem that can be written, with --queue or AEXP_RELAY_QUEUE."
        return fail(name, f"{mounted.kind} is mounted read-only here", fix)
    if mounted.kind in _MEMORY:
        fix = "Name a folder in the shared home, with --queue or AEXP_RELAY_QUEUE."
        return warn(
            name, f"{mounted.kind} is this node's memory: other nodes do not see this queue", fix
        )
    fitting = profile_for(mounted.kind, mounted.options).name
    if profile.name != fitting and (profile.name == "posix" or fitting == "nfs-nocto"):
        told = f"{mounted.kind} is treated as {profile.name}; {fitting} would fit it"
        return warn(name, told, "Unset AEXP_RELAY_PROFILE, and serve without --profile.")
    return ok(name, f"{mounted.kind}, profile {profile.name}")


def judge_caching(name: str, mounted: Mounted | None) -> Finding | None:
    """What the mount's options mean for how soon one node sees what the other did; None without any."""
    if mounted is None:
        return None
    if mounted.kind in _NFS:
        return _nfs(name, mounted.options)
    if mounted.kind == "lustre":
        return ok(name, _lustre(mounted.options))
    return None


def _nfs(name: str, options: frozenset[str]) -> Finding:
    if "nocto" in options:
        told = (
            "nocto: opening a folder does not make it fresh, so each look changes it first; slower"
        )
        return warn(name, told, f"{_ASK} nocto; until then it works, see docs/filesystems.md.")
    if options & {"soft", "softerr"}:
        told = "soft: a server that is slow for a while makes calls fail, and what was written may be lost"
        return warn(name, told, f"{_ASK} soft (nfs(5): hard).")
    return ok(name, "; ".join(_nfs_notes(options)))


def _nfs_notes(options: frozenset[str]) -> Iterable[str]:
    given = dict(option.partition("=")[::2] for option in options)
    if "noac" in given:
        yield "noac: nothing is cached, so news is seen at once and every look costs a call"
    else:
        # A table that was not written by the kernel may still say it for all four.
        kept = {
            key: given.get(key, given.get("actimeo", default)) for key, default in _KEPT_S.items()
        }
        yield (
            f"attributes of files are kept {kept['acregmin']} to {kept['acregmax']} s, "
            f"of folders {kept['acdirmin']} to {kept['acdirmax']} s; "
            "the relay opens anew what it looks at, and sees news at once"
        )
    lookups = {
        "none": "lookupcache=none: each name that is opened costs a call",
        "pos": "lookupcache=pos: a name that was missing is asked for again",
    }
    if given.get("lookupcache") in lookups:
        yield lookups[given["lookupcache"]]


def _lustre(options: frozenset[str]) -> str:
    coherent = "the servers' locks keep caches fresh, news is seen at once"
    if "localflock" in options:
        return f"{coherent}; localflock: file locks hold on one node only, the relay uses none"
    if "flock" in options:
        return f"{coherent}; flock"
    return f"{coherent}; without flock, which the relay does not need and sqlite in the home does"
