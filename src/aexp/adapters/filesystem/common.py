"""What the filesystem adapters share: checked paths and names, one translation of errors."""

import os
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aexp.domain.errors import FilesystemError
from aexp.domain.text import visible


def failure(path: str, exc: Exception) -> FilesystemError:
    """The error to raise when ``exc`` happened to the file or folder at ``path``."""
    shown = visible(path, limit=500)
    if isinstance(exc, UnicodeError):
        return FilesystemError(f"{shown}: the text is not UTF-8.", "Save it as UTF-8.")
    if isinstance(exc, OSError):
        from aexp.adapters.remedies import reason, remedy

        return FilesystemError(f"{shown}: {reason(exc)}.", remedy(exc))
    told = visible(str(exc)) or type(exc).__name__
    return FilesystemError(f"{shown}: {told}.", "Check the path.")


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Inside, what the filesystem raises becomes a FilesystemError that names ``path``."""
    try:
        yield
    except (OSError, ValueError) as exc:
        raise failure(path, exc) from exc


def checked(path: str) -> str:
    """The path as it is, once it is known to be one that can be handed to a filesystem.

    Raises:
        FilesystemError: it is not absolute, or holds a NUL byte or an unpaired surrogate.
    """
    shown = visible(path, limit=500)
    if "\0" in path:
        raise FilesystemError(f"The path '{shown}' holds a NUL byte.", "Remove it.")
    if not path.startswith("/"):
        raise FilesystemError(f"The path '{shown}' is not absolute.", "Give it from the root on.")
    try:
        os.fsencode(path)
    except UnicodeEncodeError as exc:
        raise FilesystemError(f"The path '{shown}' is not valid text.", "Rename it.") from exc
    return path


def normalised(path: str) -> str:
    """The path without ``.``, ``..`` and doubled slashes, for filesystems without links.

    Raises:
        FilesystemError: see :func:`checked`.
    """
    return "/" + posixpath.normpath(checked(path)).lstrip("/")


def encoded(path: str, text: str) -> bytes:
    """The text as UTF-8.

    Raises:
        FilesystemError: it holds an unpaired surrogate.
    """
    with translated(path):
        return text.encode("utf-8")


def encoded_files(path: str, files: Mapping[str, str]) -> dict[str, bytes]:
    """The files of the folder ``path`` as UTF-8, once their names are known to stay inside it.

    Raises:
        FilesystemError: a name is empty, a path, or not valid text; see also :func:`encoded`.
    """
    for name in files:
        if not name or name in (".", "..") or "/" in name:
            raise FilesystemError(
                f"'{visible(name)}' cannot name a file in {visible(path, limit=500)}.",
                "Give a plain file name.",
            )
        checked(f"{path}/{name}")
    return {name: encoded(f"{path}/{name}", text) for name, text in files.items()}
