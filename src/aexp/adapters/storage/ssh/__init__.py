"""``ssh://``: the queue of a login node that is reached by ssh, from a machine that shares no home."""

from aexp.adapters.storage.ssh.storage import open_ssh_queue

__all__ = ["open_ssh_queue"]
