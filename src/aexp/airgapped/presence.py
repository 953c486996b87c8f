"""Whether a name is there: one look at it, however many others are in its folder."""

from aexp.domain.errors import StorageMissingError, StorageUnfitError
from aexp.ports.storage import QueueStorage


def is_there(storage: QueueStorage, name: str) -> bool:
    """Whether something has this name; also when it cannot be used.

    Raises:
        RelayStorageError: the storage failed; whether it is there is not known.
    """
    try:
        storage.read(name, limit=1)
    except StorageMissingError:
        return False
    except StorageUnfitError:
        return True
    return True
