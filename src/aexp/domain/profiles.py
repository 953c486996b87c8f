"""How to treat a kind of filesystem: small, named bundles of decisions.

What each decision rests on is told in ``docs/filesystems.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Profile:
    """The decisions for one kind of filesystem.

    Attributes:
        name: what ``--profile`` and ``aexp relay status`` call it.
        sync_file: whether a file is synced before it gets its name, so that a full quota or a lost
            server shows then and not later, and a power cut loses nothing that was promised.
        sync_folder: whether the folder is synced after a name was made in it. Local disks need it to
            survive a power cut; servers of network filesystems commit names before they answer.
        sync_last: whether a new file is synced once, after it has got its name, in place of both. Right where
            that commits the name as well, and where whoever sees the name before loses power with us.
        freshen: how a listing is made fresh: ``open`` opens the folder anew (close-to-open
            consistency), ``touch`` makes and removes a file of our own in it first.
        tells: whether whoever follows a file on this machine hears of the one move that tells, and of no
            other. It takes an open and a close, which cost nothing where no server is asked.
        believes_errors: whether an error of a move or a link means that it was not made. Where a
            reply can be lost, the target is looked for instead.
        believes_dates: whether the date of a folder tells that a name came or went in it: where one kernel
            makes all changes, and gives the date itself.
        attempts: tries for a call that meets a stale handle or an interruption.
        poll_scale: how much longer than on a local disk the waits between two looks are.
        one_truth: whether one server has the last word on every name, wherever one asks: then a name may be
            asked for before it was listed, and moves are told on every machine.
        seen: the filesystem that was found, for people; empty when the profile was chosen by hand.
    """

    name: str
    sync_file: bool = True
    sync_folder: bool = False
    sync_last: bool = False
    freshen: Literal["open", "touch"] = "open"
    tells: bool = False
    believes_errors: bool = False
    believes_dates: bool = False
    attempts: int = 5
    poll_scale: float = 1.0
    one_truth: bool = False
    seen: str = ""

    def found_on(self, kind: str) -> "Profile":
        """The same decisions, and what they were made for."""
        return replace(self, seen=kind)


POSIX = Profile(
    "posix", sync_folder=True, tells=True, believes_errors=True, believes_dates=True, attempts=2
)
NFS = Profile("nfs")
NFS_NOCTO = Profile("nfs-nocto", freshen="touch", poll_scale=2.0)
LUSTRE = Profile("lustre", poll_scale=2.0)
NETWORK = Profile("network")
ONE_SERVER = Profile("one-server", tells=True, believes_errors=True, one_truth=True)
"""For storages that are no filesystem; chosen by the queue's URL, never by name."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (POSIX, NFS, NFS_NOCTO, LUSTRE, NETWORK)}
)

_LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "f2fs", "jfs", "overlay"}
)


_ORDERED = frozenset({"ext4", "xfs", "btrfs", "tmpfs"})
"""Local filesystems that commit a file's new names with the file (see ``docs/filesystems.md``)."""


def profile_for(kind: str, options: frozenset[str]) -> Profile:
    """The profile for a filesystem as the mount table names it.

    Args:
        kind: for example ``nfs4``, ``lustre``, ``ext4``, ``fuse.bindfs``. One that is not known counts as
            a network filesystem, the careful choice.
        options: the mount's options, for example ``{"rw", "nocto"}``.
    """
    if kind in ("nfs", "nfs4"):
        return (NFS_NOCTO if "nocto" in options else NFS).found_on(kind)
    if kind == "lustre":
        return LUSTRE.found_on(kind)
    local = replace(POSIX, sync_last=kind in _ORDERED)
    return (local if kind in _LOCAL else NETWORK).found_on(kind)
