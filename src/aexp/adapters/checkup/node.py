"""Mounts, space and dates as this node sees them."""

import os
from collections.abc import Mapping

from aexp.adapters.checkup.quota import quota_on
from aexp.adapters.storage.mounts import mount_of
from aexp.adapters.workshop.programs import find_program, safe_path
from aexp.domain.checkup.filesystem import Mounted
from aexp.domain.checkup.space import Quota, Space
from aexp.domain.findings import Unknown
from aexp.ports.node_facts import NodeFacts

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalNodeFacts(NodeFacts):
    """The facts of this node.

    Args:
        environ: the environment, for where programs are.
        home: the resolved home; programs in it do not count.
    """

    def __init__(self, environ: Mapping[str, str], home: str) -> None:
        self._home = home
        self._path = safe_path(environ, home)

    def mounted(self, path: str) -> Mounted | None:
        mount = mount_of(path)
        return None if mount is None else Mounted(mount.kind, mount.options)

    def space(self, path: str) -> Space:
        found = os.statvfs(_nearest(path))
        # A filesystem that makes inodes as they are needed says that it has none at all.
        return Space(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)

    def quota(self, path: str) -> Quota | Unknown:
        there, mount = _nearest(path), mount_of(path)
        if mount is None:
            return Unknown("the mount table does not tell what the filesystem is")
        return quota_on(there, mount, lambda name: find_program(name, self._path, self._home))

    def changed_at(self, path: str) -> float:
        # To open it makes a network filesystem ask who has the name now; a look at the name alone may not.
        handle = os.open(path, _READ)
        try:
            return os.fstat(handle).st_mtime
        finally:
            os.close(handle)


def _nearest(path: str) -> str:
    while not os.path.exists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path
