"""All families and grounds together."""

from tests.vectors import (  # noqa: F401 (importing a family enters its vectors in the table)
    daemon_start,
    fetch,
    https,
    large_files,
    layouts,
    other,
    preview,
    pull,
    push_arguments,
    push_config,
    races,
    rebase,
    status,
)
from tests.vectors.grounds import Ground
from tests.vectors.https_ground import HttpsGround
from tests.vectors.model import VECTORS
from tests.vectors.ssh_ground import SshGround

GROUNDS: dict[str, type[Ground]] = {
    "path": Ground,
    "own": Ground,
    "ssh": SshGround,
    "own-ssh": SshGround,
    "https": HttpsGround,
    "own-https": HttpsGround,
}
"""The place for each kind of vector; those that begin with ``own`` are for one vector alone."""

__all__ = ["GROUNDS", "VECTORS"]
