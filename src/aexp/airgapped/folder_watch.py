"""Seeing that nothing happened in a folder without going through it."""

from aexp.ports.storage import QueueStorage


class FolderWatch:
    """One folder of a queue, looked at again and again. Ten thousand names may be in it.

    Args:
        folder: its name in the queue.
    """

    def __init__(self, storage: QueueStorage, folder: str) -> None:
        self._storage = storage
        self._folder = folder
        self._stamp: object | None = None
        self._holds = False
        self._entries: list[str] | None = None

    def forget(self) -> None:
        """The next look gives what is there, whether it has changed or not."""
        self._holds = False
        self._entries = None

    def news(self) -> list[str] | None:
        """The entries of the folder; None when they are those of the look before.

        Raises:
            RelayStorageError: the storage failed; the next look gives what this one would have given.
        """
        stamp = self._storage.stamp(self._folder)
        same = stamp is not None and stamp == self._stamp
        if same and self._holds:
            return None
        entries = self._storage.list(self._folder)
        # Right after this listing another change may leave the stamp as it is: the listing holds only if the
        # stamp was there at the look before.
        self._stamp, self._holds = stamp, same
        # A folder in which nothing happens lists its names in the same order; another order is news as well.
        if entries == self._entries:
            return None
        self._entries = entries
        return entries
