"""What the adapter over fsspec does when the filesystem below it fails."""

from collections.abc import Callable
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from aexp.adapters.filesystem.fsspec import FsspecFilesystem
from aexp.domain.errors import FilesystemError


class Store(MemoryFileSystem):  # type: ignore[misc]
    """A store of its own that keeps a half of its second file and then does ``event``."""

    cachable = False

    def __init__(self, event: Callable[[], None]) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        self._event = event

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        if path.endswith("second"):
            super().pipe_file(path, value[: len(value) // 2], mode, **kwargs)
            self._event()
        super().pipe_file(path, value, mode, **kwargs)


def full() -> None:
    # Remote filesystems raise such errors, with a text and without a number.
    raise OSError("the bucket is full")


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("event", "error"), [(full, FilesystemError), (interrupted, KeyboardInterrupt)]
)
def test_a_failure_half_way_leaves_nothing(
    event: Callable[[], None], error: type[BaseException]
) -> None:
    store = Store(event)
    filesystem = FsspecFilesystem(store)

    with pytest.raises(error):
        filesystem.create_directory("/a/b/probe", {"first": "text", "second": "text"})
    with pytest.raises(error):
        filesystem.create_file("/a/b/second", "text")

    assert (store.store, store.pseudo_dirs) == ({}, [""])


def test_the_words_of_an_error_without_a_number_are_kept() -> None:
    with pytest.raises(FilesystemError, match=r"/second: the bucket is full\."):
        FsspecFilesystem(Store(full)).create_file("/second", "text")


def test_a_permission_error_without_a_number_has_its_remedy() -> None:
    def forbidden() -> None:
        raise PermissionError("403")

    with pytest.raises(FilesystemError, match="permission denied") as caught:
        FsspecFilesystem(Store(forbidden)).create_file("/second", "text")
    assert "ls -ld" in caught.value.hint


def test_a_file_that_appears_meanwhile_is_left_as_it_is() -> None:
    store = Store(full)

    def overtaken() -> None:
        raise FileExistsError

    store._event = overtaken

    assert FsspecFilesystem(store).create_file("/second", "text") is False
    assert bytes(store.store["/second"].getvalue()) == b"te"
