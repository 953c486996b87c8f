"""One JSON object in a node-local file, for what must be remembered where the requester cannot write."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aexp.adapters.plain_files import write_private
from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import RelayStorageError, RelayValidationError

MAX_BYTES = 8 << 20


class NodeBook:
    """One JSON object in a node-local file, which several processes of one user may change.

    Args:
        path: the file; its folder must be private (see :mod:`aexp.adapters.node_local`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """What it holds; empty when nothing was written yet.

        Raises:
            RelayStorageError: it cannot be read, or does not hold what we write.
        """
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise self._failed("read", exc) from exc
        with os.fdopen(handle, "rb") as file:
            data = file.read(MAX_BYTES)
        try:
            found = json.loads(data)
        except ValueError as exc:
            raise RelayStorageError(
                f"{self._path} is damaged: {exc}.", "Move it away; what it held is asked for again."
            ) from exc
        return found if isinstance(found, dict) else {}

    @contextmanager
    def changed(self) -> Iterator[dict[str, Any]]:
        """What it holds, to be changed in place; written durably at the end, one writer at a time.

        Raises:
            RelayStorageError: it cannot be read or written; nothing has changed.
            RelayValidationError: it would become too large; nothing has changed.
        """
        lock = f"{self._path}.lock"
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise self._failed("locked", exc) from exc
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            body = self.read()
            yield body
            self._write(body)
        finally:
            os.close(handle)

    def _write(self, body: dict[str, Any]) -> None:
        data = json.dumps(body, indent=1, sort_keys=True).encode()
        if len(data) > MAX_BYTES:
            raise RelayValidationError(
                "cwd",
                f"cannot be remembered: {self._path} would have more than {MAX_BYTES} bytes",
                do="On the login node: aexp relay trust -C DIR --forget for working copies that are gone",
            )
        draft = self._path.with_name(f".{self._path.name}.draft")
        try:
            write_private(draft, data)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as exc:
            raise self._failed("written", exc) from exc

    def _failed(self, done: str, exc: OSError) -> RelayStorageError:
        return RelayStorageError(f"{self._path} could not be {done}: {reason(exc)}.", remedy(exc))
