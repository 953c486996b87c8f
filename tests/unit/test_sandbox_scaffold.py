"""Making sandboxes: what is there afterwards, what is left after a failure."""

import errno
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.cli.root import root
from aexp.domain.errors import FilesystemError, SandboxScaffoldError
from aexp.domain.sandbox_root_texts import ROOT_GITIGNORE, ROOT_README
from aexp.sandbox import SandboxScaffoldResult, scaffold

TODAY = date(2026, 11, 23)
ROOT = "notebooks/_sandbox"
PROBE = f"{ROOT}/2026-11-23_probe"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    return root


@pytest.fixture
def memory() -> MemoryFilesystem:
    filesystem = MemoryFilesystem()
    filesystem.create_directory("/repo/.git", {})
    return filesystem


def everything(folder: Path) -> dict[str, str | None]:
    """All paths below the folder, with the text of those that are files."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_the_first_sandbox_brings_the_files_of_the_sandbox_root(repo: Path) -> None:
    result = scaffold("probe", repo_root=repo, today=TODAY)

    assert result == SandboxScaffoldResult(
        slug="probe",
        dir_name="2026-11-23_probe",
        dir_path=PROBE,
        files_created=(
            f"{ROOT}/README.md",
            f"{ROOT}/.gitignore",
            f"{PROBE}/README.md",
            f"{PROBE}/helpers.py",
            f"{PROBE}/00_feasibility.ipynb",
        ),
        root_initialized=True,
    )
    assert all((repo / file).is_file() for file in result.files_created)
    assert (repo / ROOT / "README.md").read_text() == ROOT_README
    assert (repo / ROOT / ".gitignore").read_text() == ROOT_GITIGNORE


def test_a_second_sandbox_brings_only_itself(repo: Path) -> None:
    scaffold("probe", repo_root=repo, today=TODAY)

    result = scaffold("other", repo_root=repo, today=TODAY)

    assert result.root_initialized is False
    assert result.files_created == (
        f"{ROOT}/2026-11-23_other/README.md",
        f"{ROOT}/2026-11-23_other/helpers.py",
        f"{ROOT}/2026-11-23_other/00_feasibility.ipynb",
    )


def test_the_notebook_may_be_left_out(memory: MemoryFilesystem) -> None:
    result = scaffold("probe", repo_root="/repo", notebook=False, filesystem=memory, today=TODAY)

    assert [file for file in result.files_created if file.endswith(".ipynb")] == []
    assert [path for path in memory.everything() if path.endswith(".ipynb")] == []


def test_files_of_the_sandbox_root_that_exist_are_not_overwritten(repo: Path) -> None:
    (repo / ROOT).mkdir(parents=True)
    (repo / ROOT / "README.md").write_text("mine")

    result = scaffold("probe", repo_root=repo, today=TODAY)

    assert (repo / ROOT / "README.md").read_text() == "mine"
    assert result.files_created[0] == f"{ROOT}/.gitignore"
    assert result.root_initialized is True


def test_the_heading_holds_the_title_or_the_slug_in_capitals(memory: MemoryFilesystem) -> None:
    for slug, title in (("lr-warmup", None), ("probe", "What *is* it?")):
        scaffold(slug, title=title, repo_root="/repo", today=TODAY, filesystem=memory)

    root = f"/repo/{ROOT}"
    default = memory.read_text(f"{root}/2026-11-23_lr-warmup/README.md")
    given = memory.read_text(f"{root}/2026-11-23_probe/README.md")
    assert default.startswith("# 2026-11-23_lr-warmup — Lr Warmup\n")
    assert given.startswith("# 2026-11-23_probe — What *is* it?\n")


def test_the_same_slug_on_the_same_day_changes_nothing(repo: Path) -> None:
    scaffold("probe", repo_root=repo, today=TODAY)
    (repo / PROBE / "README.md").write_text("filled in")
    (repo / ROOT / ".gitignore").unlink()
    before = everything(repo)

    with pytest.raises(SandboxScaffoldError, match=r"There is a sandbox .*2026-11-23_probe"):
        scaffold("probe", repo_root=repo, today=TODAY)

    assert everything(repo) == before


def test_the_same_slug_on_another_day_is_another_sandbox(memory: MemoryFilesystem) -> None:
    for day in (23, 24):
        scaffold("probe", repo_root="/repo", today=date(2026, 11, day), filesystem=memory)

    assert memory.kind(f"/repo/{ROOT}/2026-11-24_probe/helpers.py") == "file"


def test_without_a_date_the_sandbox_is_of_today(memory: MemoryFilesystem) -> None:
    before = date.today()
    result = scaffold("probe", repo_root="/repo", filesystem=memory)

    assert result.dir_name in {f"{day}_probe" for day in (before, date.today())}


def test_a_bad_slug_or_title_changes_nothing(memory: MemoryFilesystem) -> None:
    before = memory.everything()

    with pytest.raises(SandboxScaffoldError, match="Use 'my-probe'"):
        scaffold("My Probe", repo_root="/repo", filesystem=memory)
    with pytest.raises(SandboxScaffoldError, match="one line"):
        scaffold("probe", title="two\nlines", repo_root="/repo", filesystem=memory)

    assert memory.everything() == before


class Failing(MemoryFilesystem):
    """A disk that is full as soon as a file or folder of this name is to be made."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.full = False

    def create_file(self, path: str, text: str) -> bool:
        self._refuse(path)
        return super().create_file(path, text)

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        self._refuse(path)
        return super().create_directory(path, files)

    def _refuse(self, path: str) -> None:
        if self.full and path.endswith(self._name):
            raise FilesystemError(f"{path}: no space is left on the filesystem.", "Free some.")


@pytest.mark.parametrize("name", ["README.md", ".gitignore", "_probe"])
def test_after_a_failure_there_is_no_sandbox_and_a_repeat_succeeds(name: str) -> None:
    disk = Failing(name)
    disk.create_directory("/repo/.git", {})
    disk.full = True

    with pytest.raises(FilesystemError, match="no space is left"):
        scaffold("probe", repo_root="/repo", today=TODAY, filesystem=disk)

    left = [path for path in disk.everything() if "_probe" in path]
    assert left == []
    disk.full = False
    scaffold("probe", repo_root="/repo", today=TODAY, filesystem=disk)
    whole = {f"{ROOT}/README.md": ROOT_README, f"{ROOT}/.gitignore": ROOT_GITIGNORE}
    assert {path: disk.read_text(f"/repo/{path}") for path in whole} == whole
    assert disk.kind(f"/repo/{PROBE}/helpers.py") == "file"


class FullDisk(LocalFilesystem):
    """A real disk on which nothing more can be written once a helpers.py is to be."""

    def _write(self, path: Path, data: bytes) -> None:
        if path.name == "helpers.py":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super()._write(path, data)


def test_a_disk_that_fills_up_half_way_keeps_no_half_sandbox(repo: Path) -> None:
    with pytest.raises(FilesystemError, match="no space is left"):
        scaffold("probe", repo_root=repo, today=TODAY, filesystem=FullDisk())

    left = [path for path, text in everything(repo / "notebooks").items() if text is not None]
    assert sorted(left) == ["_sandbox/.gitignore", "_sandbox/README.md"]
    assert scaffold("probe", repo_root=repo, today=TODAY).root_initialized is False


class Stopped(MemoryFilesystem):
    """Somebody presses Ctrl-C right before or right after the sandbox is there."""

    def __init__(self, *, made: bool) -> None:
        super().__init__()
        self._made = made

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        if not files or self._made:
            super().create_directory(path, files)
        if files:
            raise KeyboardInterrupt
        return True


@pytest.mark.parametrize(("made", "told"), [(True, "is there, whole."), (False, "was not made.")])
def test_who_stops_it_is_told_what_is_there(made: bool, told: str) -> None:
    disk = Stopped(made=made)
    disk.create_directory("/repo/.git", {})

    with pytest.raises(KeyboardInterrupt) as stop:
        scaffold("probe", repo_root="/repo", today=TODAY, filesystem=disk)

    assert stop.value.__notes__ == [f"The sandbox /repo/{PROBE} {told}"]


def test_the_command_line_shows_what_is_there_after_ctrl_c(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        stop = KeyboardInterrupt()
        stop.add_note("It is there, whole.")
        raise stop

    monkeypatch.chdir(repo)
    monkeypatch.setattr("aexp.cli.sandbox_new._one_slug", stopped)
    result = CliRunner().invoke(root, ["sandbox", "new", "probe"])

    assert (result.exit_code, result.stderr) == (130, "\nnote: It is there, whole.\n")


class Overtaken(MemoryFilesystem):
    """Somebody else makes the same sandbox right before this caller does."""

    def create_directory(self, path: str, files: Mapping[str, str]) -> bool:
        super().create_directory(path, {"README.md": "theirs"} if files else {})
        return super().create_directory(path, files) if files else True


def test_who_is_overtaken_is_told_and_changes_nothing_of_the_winner() -> None:
    disk = Overtaken()
    disk.create_directory("/repo/.git", {})

    with pytest.raises(SandboxScaffoldError, match="already"):
        scaffold("probe", repo_root="/repo", today=TODAY, filesystem=disk)

    assert disk.read_text(f"/repo/{PROBE}/README.md") == "theirs"
    assert disk.kind(f"/repo/{PROBE}/helpers.py") is None


@pytest.mark.parametrize("kind", ["folder", "file of a worktree"])
def test_the_repository_is_found_from_a_folder_deep_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    deep = tmp_path / "repo" / "src" / "deep"
    deep.mkdir(parents=True)
    if kind == "folder":
        (tmp_path / "repo" / ".git").mkdir()
    else:
        (tmp_path / "repo" / ".git").write_text("gitdir: /elsewhere/.git/worktrees/repo\n")
    monkeypatch.chdir(deep)

    result = scaffold("probe", today=TODAY)

    assert result.dir_path == PROBE
    assert (tmp_path / "repo" / PROBE / "helpers.py").is_file()


def test_without_a_repository_the_error_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SandboxScaffoldError, match=r"git init.*--parent-dir"):
        scaffold("probe")
    with pytest.raises(SandboxScaffoldError, match="git init"):
        scaffold("probe", parent_dir="relative")

    assert everything(tmp_path) == {}


def test_without_a_repository_an_absolute_parent_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = scaffold("probe", parent_dir=tmp_path / "scratch", today=TODAY)

    assert result.dir_path == f"{tmp_path}/scratch/2026-11-23_probe"
    names = runpy.run_path(f"{result.dir_path}/helpers.py")
    assert names["SANDBOX_DIR"] == Path(result.dir_path)
    assert names["REPO_ROOT"] is None


def test_a_relative_parent_lies_in_the_repository(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "src").mkdir()
    monkeypatch.chdir(repo / "src")

    result = scaffold("probe", parent_dir="play/ground", today=TODAY)

    assert result.dir_path == "play/ground/2026-11-23_probe"
    assert result.files_created[0] == "play/ground/README.md"
    assert (repo / result.dir_path).is_dir()


@pytest.mark.parametrize("parent", ["../outside", "{tmp}/outside", "link"])
def test_a_parent_outside_the_repository_gives_absolute_paths(
    repo: Path, tmp_path: Path, parent: str
) -> None:
    (repo / "link").symlink_to(tmp_path / "outside")

    result = scaffold("probe", repo_root=repo, parent_dir=parent.format(tmp=tmp_path), today=TODAY)

    assert result.dir_path == f"{tmp_path}/outside/2026-11-23_probe"
    assert result.files_created[-2] == f"{tmp_path}/outside/2026-11-23_probe/helpers.py"
    assert runpy.run_path(result.files_created[-2])["REPO_ROOT"] == repo


def test_the_folder_for_sandboxes_can_be_set(
    memory: MemoryFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEXP_SANDBOX_PARENT_DIR", "play/ground")

    set_ = scaffold("probe", repo_root="/repo", filesystem=memory, today=TODAY)
    given = scaffold("probe", repo_root="/repo", parent_dir="x", filesystem=memory, today=TODAY)

    assert (set_.dir_path, given.dir_path) == ("play/ground/2026-11-23_probe", "x/2026-11-23_probe")


@pytest.mark.parametrize("parent", [".", "notebooks/.."])
def test_the_repository_itself_is_no_folder_for_sandboxes(repo: Path, parent: str) -> None:
    with pytest.raises(SandboxScaffoldError, match="repository's root itself"):
        scaffold("probe", repo_root=repo, parent_dir=parent)

    assert everything(repo) == {".git": None}


def test_a_repository_that_is_not_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxScaffoldError, match="is not a folder"):
        scaffold("probe", repo_root=tmp_path / "missing")


def test_a_file_where_the_parent_should_be_is_an_error_that_names_it(repo: Path) -> None:
    (repo / "notebooks").write_text("a file")

    with pytest.raises(FilesystemError, match=r"/notebooks: a file stands where a folder"):
        scaffold("probe", repo_root=repo, today=TODAY)

    assert everything(repo) == {".git": None, "notebooks": "a file"}


def test_the_helpers_know_the_sandbox_and_the_repository(repo: Path) -> None:
    result = scaffold("probe", repo_root=repo, today=TODAY)

    names = runpy.run_path(str(repo / result.files_created[-2]))

    assert names["SANDBOX_DIR"] == repo / PROBE
    assert names["REPO_ROOT"] == repo


def test_git_passes_over_large_files_at_every_depth_and_keeps_the_rest(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    scaffold("probe", repo_root=tmp_path, today=TODAY)
    large = ["a.npy", "x/a.parquet", "a.h5", "a.feather", "outputs/large/a.txt", "checkpoints/a.pt"]
    small = ["README.md", "helpers.py", "probe.ipynb", "outputs/a.png"]

    asked = "\n".join(f"{PROBE}/{path}" for path in [*large, *small, "__pycache__/helpers.pyc"])
    answer = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--stdin"],
        input=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip

    ignored = [f"{PROBE}/{path}" for path in [*large, "__pycache__/helpers.pyc"]]
    assert answer.stdout.split() == ignored


def test_what_a_killed_process_leaves_is_passed_over_by_git() -> None:
    from aexp.adapters.filesystem.local import TEMPORARY

    assert f"\n{TEMPORARY}*\n" in ROOT_GITIGNORE


def test_the_package_is_lazy_and_its_function_is_not_hidden_by_a_module() -> None:
    program = (
        "import sys, aexp.sandbox\n"
        "print([name for name in sys.modules if name.startswith('aexp.')])\n"
        "import aexp.sandbox.scaffolding, aexp.sandbox.notebook\n"
        "print(*(type(getattr(aexp.sandbox, name)).__name__ for name in aexp.sandbox.__all__))\n"
        "print(set(aexp.sandbox.__all__) <= set(dir(aexp.sandbox)))\n"
    )

    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert told.stdout.splitlines() == [
        "['aexp.sandbox']",
        f"{'function ' * 7}{' '.join(['type'] * 7)}",
        "True",
    ]


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import aexp.sandbox

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = aexp.sandbox.nonsense
