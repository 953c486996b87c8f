"""This user's quota: from the kernel where it keeps it itself, else from the programs that can ask.

The kernel is asked with quotactl_fd(2) (Linux 5.14), NFS servers by ``quota`` (quota(1), over rquota),
Lustre by ``lfs quota``. Quotas of groups and projects are not looked at.
"""

import ctypes
import os
import struct
import time
from collections.abc import Callable

from aexp.adapters.checkup.asking import answer
from aexp.adapters.libc import syscall
from aexp.adapters.storage.mounts import Mount
from aexp.domain.checkup.quota_reports import BLOCK_BYTES, lfs_report, quota_report
from aexp.domain.checkup.space import Quota, Usage
from aexp.domain.findings import Unknown

LIMIT_S = 4.0
_QUOTACTL_FD = 443  # the same on every architecture
_GET_OF_USER = 0x800007 << 8  # QCMD(Q_GETQUOTA, USRQUOTA)
_BLOCK = struct.Struct("=8QI")
"""struct if_dqblk: hard, soft and used space; hard, soft and used inodes; the ends of both graces; valid."""
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
_BY_PROGRAM = frozenset({"nfs", "nfs4"})

Find = Callable[[str], str | None]


def quota_on(path: str, mount: Mount, find: Find) -> Quota | Unknown:
    """The quota of this user on the filesystem of an existing path.

    Args:
        find: a program's absolute path by its name.
    """
    if mount.kind == "lustre":
        return _lustre(path, find)
    if mount.kind not in _BY_PROGRAM:
        found = from_kernel(path)
        if found is not None:
            return found
    return _by_quota(mount, find)


def from_kernel(path: str) -> Quota | None:
    """What the kernel keeps of this user; None when it keeps no quotas there, or cannot be asked."""
    block = ctypes.create_string_buffer(256)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        syscall(_QUOTACTL_FD, handle, _GET_OF_USER, os.getuid(), block)
    except OSError:
        # Which of a dozen numbers a filesystem without quotas answers with differs from one to the next.
        return None
    finally:
        os.close(handle)
    return unpacked(block.raw, time.time())


def unpacked(block: bytes, now: float) -> Quota:
    """The quota in the kernel's own form.

    Args:
        now: seconds since 1970.
    """
    hard, soft, space, files_hard, files_soft, files, ends, files_end, _ = _BLOCK.unpack_from(block)
    hard, soft = hard * BLOCK_BYTES, soft * BLOCK_BYTES
    return Quota(
        Usage(space, soft, hard, ends - now if ends and 0 < soft < space else None),
        Usage(
            files,
            files_soft,
            files_hard,
            files_end - now if files_end and 0 < files_soft < files else None,
        ),
    )


def _lustre(path: str, find: Find) -> Quota | Unknown:
    program = find("lfs")
    if program is None:
        return Unknown("the program lfs is not there")
    said = answer([program, "quota", "-q", "-u", str(os.getuid()), path], _ENVIRONMENT, LIMIT_S)
    found = None if said is None else lfs_report(said[1])
    return found or _silent("lfs quota", said)


def _by_quota(mount: Mount, find: Find) -> Quota | Unknown:
    program = find("quota")
    if program is None:
        if mount.kind in _BY_PROGRAM:
            return Unknown("the program quota is not there, which asks the file server")
        return Unknown(f"the kernel keeps no quotas for {mount.kind}, or does not tell")
    argv = [program, "-w", "-p", "-v", "-f", mount.point]
    said = answer(argv, _ENVIRONMENT, LIMIT_S)
    found = None if said is None else quota_report(said[1], time.time())
    return found or _silent("quota", said)


def _silent(program: str, said: tuple[int, str] | None) -> Unknown:
    if said is None:
        return Unknown(f"{program} did not answer within {LIMIT_S:.0f} s")
    return Unknown(f"{program} says nothing of this filesystem that can be relied on")
