"""What only the adapter for real disks must do: links, whole or nothing, one winner."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aexp.adapters.filesystem.local import TEMPORARY, LocalFilesystem
from aexp.domain.errors import FilesystemError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

FILES = {"README.md": "# probe\n", "helpers.py": "X = 1\n"}
TOO_LONG = "x" * 300


class Interrupted(LocalFilesystem):
    """Runs ``event`` after the first file of a folder was written, before the second."""

    def __init__(self, event: Callable[[], None]) -> None:
        super().__init__()
        self._event = event
        self._written = 0

    def _write(self, path: Path, data: bytes) -> None:
        self._written += 1
        if self._written == 2:
            self._event()
        super()._write(path, data)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def python(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def failing(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_every_link_of_a_path_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "second").symlink_to(tmp_path / "link")

    resolved = LocalFilesystem().resolve(f"{tmp_path}/second/missing/file")

    assert resolved == f"{tmp_path}/real/missing/file"


def test_a_link_in_a_folder_is_told_as_one_and_not_walked_through(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "nowhere").symlink_to("missing")

    held = LocalFilesystem().entries(str(tmp_path))

    assert [(entry.name, entry.kind) for entry in held] == [
        ("folder", "directory"),
        ("link", "other"),
        ("nowhere", "other"),
    ]


def test_a_parent_is_taken_after_the_link_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "far" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/real")

    assert LocalFilesystem().resolve(f"{tmp_path}/link/..") == f"{tmp_path}/far"


def test_a_link_to_nowhere_resolves_to_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")

    assert LocalFilesystem().resolve(f"{tmp_path}/link") == f"{tmp_path}/nowhere"
    assert LocalFilesystem().kind(f"{tmp_path}/link") is None


@pytest.mark.parametrize("path", ["a", "a/below", "a/../file", "missing/../a"])
def test_a_circle_of_links_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "link").symlink_to("/etc")

    with pytest.raises(FilesystemError, match="lead in a circle"):
        LocalFilesystem().resolve(f"{tmp_path}/{path}")


def test_the_kind_of_a_circle_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")

    with pytest.raises(FilesystemError, match="lead in a circle"):
        LocalFilesystem().kind(f"{tmp_path}/a")


@pytest.mark.parametrize("path", [TOO_LONG, f"missing/{TOO_LONG}", "a/" * 2100])
def test_a_name_that_no_disk_can_hold_does_not_resolve(tmp_path: Path, path: str) -> None:
    with pytest.raises(FilesystemError, match="too long"):
        LocalFilesystem().resolve(f"{tmp_path}/{path}")


def test_links_count_as_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "to_file").symlink_to("file")
    (tmp_path / "to_folder").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    kinds = [LocalFilesystem().kind(f"{tmp_path}/{name}") for name in ("to_file", "to_folder")]

    assert kinds == ["file", "directory"]
    assert LocalFilesystem().kind(f"{tmp_path}/pipe") == "other"


def test_a_link_to_nowhere_takes_its_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")

    assert LocalFilesystem().create_file(f"{tmp_path}/link", "text") is False
    assert LocalFilesystem().create_directory(f"{tmp_path}/link", FILES) is False
    assert everything(tmp_path) == ["link"]


def test_a_file_in_another_encoding_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("Größe".encode("latin-1"))

    with pytest.raises(FilesystemError, match=r"latin: the text is not UTF-8\. Save it"):
        LocalFilesystem().read_text(f"{tmp_path}/latin")


def test_what_is_made_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        LocalFilesystem().create_directory(f"{tmp_path}/folder", FILES)
        LocalFilesystem().create_file(f"{tmp_path}/file", "text")
    finally:
        os.umask(before)

    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "folder" / "helpers.py").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "file").stat().st_nlink == 1


@pytest.mark.parametrize("name", [TOO_LONG, f"a/b/{TOO_LONG}", f"a/{TOO_LONG}/b"])
def test_a_name_that_is_too_long_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FilesystemError, match="too long"):
        LocalFilesystem().create_file(f"{tmp_path}/{name}", "text")
    with pytest.raises(FilesystemError, match="too long"):
        LocalFilesystem().create_directory(f"{tmp_path}/{name}", FILES)

    assert everything(tmp_path) == []


def test_a_file_of_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FilesystemError, match="too long"):
        LocalFilesystem().create_directory(f"{tmp_path}/a/b", {**FILES, TOO_LONG: ""})

    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "reason", "remedy"),
    [
        (errno.ENOSPC, "no space is left", "df -h"),
        (errno.EDQUOT, "quota is used up", "quota -s"),
        (errno.EROFS, "read-only", "writable filesystem"),
        (errno.EACCES, "permission denied", "ls -ld"),
        (errno.EPERM, "does not permit", "ls -ld"),
        (errno.ESTALE, "lost track", "Try again"),
        (errno.EIO, "did not carry it out", "mount"),
    ],
)
def test_a_failure_half_way_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, number: int, reason: str, remedy: str
) -> None:
    filesystem = Interrupted(failing(number))

    with pytest.raises(FilesystemError) as caught:
        filesystem.create_directory(f"{tmp_path}/a/b/probe", FILES)

    assert everything(tmp_path) == []
    assert f"{tmp_path}/a/b/probe" in caught.value.what
    assert reason in caught.value.what
    assert remedy in caught.value.hint
    assert isinstance(caught.value.__cause__, OSError)


def test_an_interrupted_call_leaves_nothing(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted(interrupt).create_directory(f"{tmp_path}/a/probe", FILES)

    assert everything(tmp_path) == []


def test_a_folder_that_somebody_else_uses_by_now_is_not_taken_away(tmp_path: Path) -> None:
    def share_and_fail() -> None:
        (tmp_path / "a" / "theirs").touch()
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(FilesystemError):
        Interrupted(share_and_fail).create_directory(f"{tmp_path}/a/b/probe", FILES)

    assert everything(tmp_path) == ["a", "a/theirs"]


def test_an_empty_folder_made_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    filesystem = Interrupted((tmp_path / "probe").mkdir)

    assert filesystem.create_directory(f"{tmp_path}/probe", FILES) is False
    assert everything(tmp_path) == ["probe"]


@pytest.mark.parametrize("theirs", ["file", "full folder"])
def test_what_appears_in_the_last_moment_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    rename = Path.rename

    def late(source: Path, target: Path) -> Path:
        if theirs == "file":
            target.write_text("theirs")
        else:
            target.mkdir()
            (target / "theirs").touch()
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", late)

    assert LocalFilesystem().create_directory(f"{tmp_path}/probe", FILES) is False
    expected = ["probe"] if theirs == "file" else ["probe", "probe/theirs"]
    assert everything(tmp_path) == expected


def test_an_empty_folder_made_in_the_last_moment_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one call that could replace it is a rename, so that the other caller comes right there.
    rename = Path.rename

    def late(source: Path, target: Path) -> Path:
        assert LocalFilesystem().create_directory(str(target), {}) is False
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", late)

    assert LocalFilesystem().create_directory(f"{tmp_path}/probe", {}) is True


def test_without_hard_links_a_file_is_still_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    filesystem = LocalFilesystem()

    assert filesystem.create_file(f"{tmp_path}/file", "first") is True
    assert filesystem.create_file(f"{tmp_path}/file", "second") is False
    assert filesystem.read_text(f"{tmp_path}/file") == "first"
    assert everything(tmp_path) == ["file"]


def test_without_hard_links_a_file_made_meanwhile_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        path.write_text("theirs")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)

    assert LocalFilesystem().create_file(f"{tmp_path}/file", "ours") is False
    assert (tmp_path / "file").read_text() == "theirs"
    assert everything(tmp_path) == ["file"]


RACER = """
import sys
from aexp.adapters.filesystem.local import LocalFilesystem
folder, name, verb = sys.argv[1:]
filesystem = LocalFilesystem()
filesystem.create_directory(f"{folder}/warm-{name}", {"a": ""})
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    path = f"{folder}/{number}/made"
    if verb == "folder":
        won = filesystem.create_directory(path, {"one": name, "two": name})
    else:
        won = filesystem.create_file(path, name)
    if won:
        print(number, flush=True)
"""


@pytest.mark.parametrize("verb", ["folder", "file"])
def test_of_two_processes_that_make_the_same_thing_one_wins(tmp_path: Path, verb: str) -> None:
    racers = {name: python(RACER, str(tmp_path), name, verb) for name in ("left", "right")}
    for racer in racers.values():
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers.values():
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = {name: racer.communicate()[0].split() for name, racer in racers.items()}

    assert [racer.returncode for racer in racers.values()] == [0, 0]
    assert sorted(map(int, [*won["left"], *won["right"]])) == list(range(200))
    for name, numbers in won.items():
        for number in numbers:
            made = tmp_path / number / "made"
            holding = [made] if verb == "file" else [made / "one", made / "two"]
            assert [path.read_text() for path in holding] == [name] * len(holding)
    assert list(tmp_path.rglob(f"{TEMPORARY}*")) == []


VICTIM = """
import os, signal, sys
from aexp.adapters.filesystem.local import LocalFilesystem
class Killed(LocalFilesystem):
    def _write(self, path, data):
        super()._write(path, data)
        os.kill(os.getpid(), signal.SIGKILL)
Killed().create_directory(sys.argv[1], {"one": "1", "two": "2"})
"""


def test_a_killed_process_leaves_only_a_hidden_folder(tmp_path: Path) -> None:
    victim = python(VICTIM, f"{tmp_path}/probe")
    victim.communicate()

    assert victim.returncode == -signal.SIGKILL
    assert [path.name.startswith(TEMPORARY) for path in tmp_path.iterdir()] == [True]
    assert LocalFilesystem().create_directory(f"{tmp_path}/probe", FILES) is True


def test_a_replaced_file_keeps_its_permissions_and_a_reader_its_old_text(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    file.chmod(0o640)

    with file.open() as reader:
        assert LocalFilesystem().replace_file(str(file), "before", "after") is True
        assert reader.read() == "before"

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("after", 0o640)
    assert everything(tmp_path) == ["file"]


def test_a_failure_while_replacing_leaves_the_old_text_alone(tmp_path: Path) -> None:
    class FullDisk(LocalFilesystem):
        def _write(self, path: Path, data: bytes) -> None:
            super()._write(path, data[:2])
            failing(errno.ENOSPC)()

    (tmp_path / "file").write_text("before")

    with pytest.raises(FilesystemError, match="file"):
        FullDisk().replace_file(f"{tmp_path}/file", "before", "after")
    assert (tmp_path / "file").read_text() == "before"
    assert everything(tmp_path) == ["file"]


def test_looking_and_reading_do_without_fsspec(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    program = (
        "import sys\n"
        "from aexp.adapters.filesystem.local import LocalFilesystem\n"
        "filesystem = LocalFilesystem()\n"
        "path = filesystem.resolve(sys.argv[1])\n"
        "print(filesystem.kind(path), filesystem.read_text(path), 'fsspec' in sys.modules)\n"
    )

    assert python(program, f"{tmp_path}/file").communicate()[0] == "file text False\n"


def test_ctrl_c_while_the_library_is_loaded_is_nothing_but_ctrl_c(tmp_path: Path) -> None:
    class HalfLoaded(LocalFilesystem):
        """fsspec is interrupted in the midst of its import, and is broken from then on."""

        tries = 0

        @property
        def _fs(self) -> "AbstractFileSystem":  # type: ignore[override]
            self.tries += 1
            raise KeyboardInterrupt if self.tries == 1 else NameError("coroutines")

    with pytest.raises(KeyboardInterrupt):
        HalfLoaded().create_directory(f"{tmp_path}/probe", FILES)
    assert everything(tmp_path) == []
