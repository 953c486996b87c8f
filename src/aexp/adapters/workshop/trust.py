"""What the login node's owner accepted, kept on this node alone: single settings, and path remotes."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

from aexp.adapters.node_book import NodeBook

MOST_UNTOLD = 1000


class TrustBook:
    """What was accepted, in ``trust.json``: ``{"keys": {root: {key: [values]}}, "remotes": [paths]}``.

    Args:
        folder: the private folder.
        remotes: paths that are trusted for this process besides (an option, the environment).
    """

    def __init__(self, folder: Path, remotes: tuple[str, ...] = ()) -> None:
        self._book = NodeBook(folder / "trust.json")
        self._remotes = frozenset(os.path.realpath(path) for path in remotes)

    def trusts_key(self, root: Path, key: str, value: str) -> bool:
        """Whether this very value of the setting was accepted for the working copy."""
        values = self._book.read().get("keys", {}).get(str(root), {}).get(key, [])
        return value in values

    def trusts_remote(self, path: str) -> bool:
        """Whether the bare repository at a resolved path may be used as a remote."""
        return path in self._remotes or path in self._book.read().get("remotes", [])

    def accept_key(self, root: Path, key: str, values: list[str]) -> None:
        """Accept these values of a setting for the working copy, in place of earlier ones."""
        with self._book.changed() as body:
            body.setdefault("keys", {}).setdefault(str(root), {})[key] = values
            _note(body, f"trusted: {key} = {values} in {root}")

    def accept_remote(self, path: str) -> None:
        """Accept the bare repository at a resolved path."""
        with self._book.changed() as body:
            known = body.setdefault("remotes", [])
            if path not in known:
                known.append(path)
                _note(body, f"trusted: {path} as a remote")

    def note(self, what: str) -> None:
        """Note another decision of the owner, for the audit trail."""
        with self._book.changed() as body:
            _note(body, what)

    def forget(self, root: Path | None, key: str | None, remote: str | None) -> int:
        """Take back one key, all keys of a working copy, or a remote; how many there were."""
        with self._book.changed() as body:
            keys = body.get("keys", {})
            if remote is not None:
                known = body.get("remotes", [])
                body["remotes"] = [path for path in known if path != remote]
                count = len(known) - len(body["remotes"])
            elif root is not None and key is not None:
                count = len([*filter(None, [keys.get(str(root), {}).pop(key, None)])])
            else:
                count = len(keys.pop(str(root), {}))
            _note(body, f"no longer trusted: {remote or key or 'anything'} (working copy {root})")
            return count

    def untold(self) -> list[str]:
        """The owner's decisions that have not been told to the audit trail yet; each is given once."""
        if not self._book.read().get("untold"):
            return []
        with self._book.changed() as body:
            told: list[str] = body.pop("untold", [])
            return told

    def all(self) -> dict[str, Any]:
        """Everything that was accepted, as it is kept."""
        return self._book.read()


def _note(body: dict[str, Any], what: str) -> None:
    when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    noted = body.setdefault("untold", [])
    noted.append(f"{when} process {os.getpid()}: {what}")
    del noted[:-MOST_UNTOLD]
