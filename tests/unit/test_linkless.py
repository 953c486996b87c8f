"""Folders that are opened without a link on the way, as this kernel does it and as an older one must."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters import linkless
from aexp.adapters.linkless import open_folder, walked_to


@pytest.fixture(params=[open_folder, walked_to])
def opening(request: pytest.FixtureRequest) -> Callable[[Path], int]:
    way: Callable[[Path], int] = request.param
    return way


def test_a_folder_is_opened_by_its_path(opening: Callable[[Path], int], tmp_path: Path) -> None:
    folder = tmp_path / "with spaces/größer"
    folder.mkdir(parents=True)
    handle = opening(folder)
    try:
        assert os.path.samestat(os.fstat(handle), folder.stat())
        assert not os.get_inheritable(handle)
    finally:
        os.close(handle)


@pytest.mark.parametrize("below", [".", "deeper", "deeper/still"])
def test_a_link_on_the_way_or_at_the_end_is_refused(
    opening: Callable[[Path], int], tmp_path: Path, below: str
) -> None:
    (tmp_path / "real/deeper/still").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match=r"links|directory") as caught:
        opening(tmp_path / "link" / below)
    assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)


def test_what_is_no_folder_or_not_there_is_refused(
    opening: Callable[[Path], int], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        opening(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        opening(tmp_path / "file/below")
    with pytest.raises(FileNotFoundError):
        opening(tmp_path / "nothing")


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM, errno.EINTR])
def test_where_the_kernel_does_not_offer_it_the_path_is_walked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    def refused(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(linkless, "syscall", refused)
    handle = open_folder(tmp_path)
    try:
        assert os.path.samestat(os.fstat(handle), tmp_path.stat())
    finally:
        os.close(handle)


def test_another_error_of_the_kernel_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(linkless, "syscall", refused)
    with pytest.raises(PermissionError):
        open_folder(tmp_path)
