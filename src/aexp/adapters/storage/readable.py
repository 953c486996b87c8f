"""Waiting for file descriptors, for storages that have nothing else to wait for."""

import select
from collections.abc import Sequence


def until_readable(descriptors: Sequence[int], timeout_s: float) -> None:
    """Let time pass until one of the descriptors is readable, for ``timeout_s`` seconds at most."""
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    poller.poll(max(timeout_s, 0.0) * 1000)
