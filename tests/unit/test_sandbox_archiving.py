"""Putting sandboxes away and bringing them back with a real git, also where git did it itself."""

import subprocess
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from aexp.cli.sandbox import sandbox
from aexp.domain.errors import SandboxError
from aexp.sandbox import archive_sandbox, check_sandboxes, list_sandboxes, scaffold

NAME = "2026-11-23_probe"


def git(repo: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", repo, *who, *words], check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose one sandbox, with a file that git ignores, was archived and committed."""
    git(tmp_path, "init", "-q")
    scaffold("probe", repo_root=tmp_path, today=date(2026, 11, 23))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "made")
    large = tmp_path / "notebooks/_sandbox" / NAME / "outputs/large"
    large.mkdir(parents=True)
    (large / "x.npy").write_bytes(b"\xff")
    archive_sandbox("probe", repo_root=tmp_path)
    return tmp_path


def files(repo: Path) -> set[str]:
    root = repo / "notebooks/_sandbox"
    held = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    return {path for path in held if NAME in path}


def whole(below: str) -> set[str]:
    names = ("README.md", "helpers.py", "00_feasibility.ipynb", "outputs/large/x.npy")
    return {f"{below}{NAME}/{name}" for name in names}


@pytest.mark.parametrize(("undo", "below"), [(True, ""), (False, "_archive/")])
def test_after_a_revert_both_ways_take_along_what_git_left_behind(
    repo: Path, undo: bool, below: str
) -> None:
    git(repo, "commit", "-qm", "archived")
    git(repo, "revert", "--no-edit", "HEAD")
    assert f"_archive/{NAME}/outputs/large/x.npy" in files(repo)

    moved = archive_sandbox("probe", undo=undo, repo_root=repo)

    assert moved.target == f"notebooks/_sandbox/{below}{NAME}"
    assert files(repo) == whole(below)
    gone = repo / "notebooks/_sandbox" / ("_archive" if undo else "") / NAME
    assert not gone.exists()


def test_what_git_left_behind_is_named_where_it_would_overwrite_something(repo: Path) -> None:
    git(repo, "commit", "-qm", "archived")
    git(repo, "revert", "--no-edit", "HEAD")
    again = repo / "notebooks/_sandbox" / NAME / "outputs/large"
    again.mkdir(parents=True)
    (again / "x.npy").write_bytes(b"new")
    before = files(repo)

    for undo in (True, False):
        with pytest.raises(SandboxError, match=r"both hold outputs/large/x\.npy"):
            archive_sandbox("probe", undo=undo, repo_root=repo)
    assert files(repo) == before


def test_of_two_sandboxes_of_one_name_the_hint_renames_one(repo: Path) -> None:
    folder = repo / "notebooks/_sandbox" / NAME
    folder.mkdir()
    (folder / "README.md").write_text("another one")
    git(repo, "add", ".")

    with pytest.raises(SandboxError, match=rf"git mv \S+/_archive/{NAME} \S+{NAME}-2"):
        archive_sandbox("probe", undo=True, repo_root=repo)


def test_a_name_that_was_archived_today_is_given_again_with_a_note(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    notes = [CliRunner().invoke(sandbox, ["new", "today"]).stderr]
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "made")
    archive_sandbox("today")
    notes.append(CliRunner().invoke(sandbox, ["new", "today"]).stderr)

    assert notes[0] == ""
    assert "_today was archived" in notes[1]
    assert "git mv OLD NEW" in notes[1]


def test_what_was_archived_is_told_when_it_is_asked_for(repo: Path) -> None:
    with pytest.raises(SandboxError, match=f"It was archived.*--undo {NAME}"):
        check_sandboxes("probe", repo_root=repo)
    with pytest.raises(SandboxError, match=f"It was archived.*--undo {NAME}"):
        archive_sandbox("probe", repo_root=repo)
    archive_sandbox("probe", undo=True, repo_root=repo)
    with pytest.raises(SandboxError, match="not in the archive"):
        archive_sandbox("probe", undo=True, repo_root=repo)


def test_the_last_commit_is_known_before_the_archiving_is_committed(repo: Path) -> None:
    (view,) = list_sandboxes(repo_root=repo, archived=True)
    assert view.archived
    assert view.last_commit is not None


@pytest.mark.parametrize("path", [".", "./", "notebooks/..", "00_feasibility.ipynb", "../helpers"])
def test_a_path_means_the_sandbox_around_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    archive_sandbox("probe", undo=True, repo_root=repo)
    folder = repo / "notebooks/_sandbox" / NAME
    (folder / "notebooks").mkdir()
    (folder / "helpers").mkdir()
    monkeypatch.chdir(folder / "notebooks" if path.startswith("../") else folder)
    name = path if "/" in path or path == "." else f"./{path}"

    (one,) = check_sandboxes(name)
    assert one.dir_path.endswith(NAME)


def test_the_folder_for_sandboxes_is_no_sandbox(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    with pytest.raises(SandboxError, match="leave the name out"):
        check_sandboxes("notebooks/_sandbox")


def test_what_is_to_be_typed_next_can_be_typed_in_any_folder_and_with_spaces_in_the_path(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "src").mkdir()
    monkeypatch.chdir(repo / "src")
    git(repo, "config", "user.name", "A")
    git(repo, "config", "user.email", "a@example.org")
    parent = ("--parent-dir", "my sandboxes")

    def hint(*words: str) -> str:
        with pytest.raises(SandboxError) as refused:
            CliRunner().invoke(sandbox, [*words, *parent], catch_exceptions=False)
        return refused.value.hint

    def type_in(told: str) -> None:
        subprocess.run(["bash", "-ec", told], check=True, capture_output=True)

    CliRunner().invoke(sandbox, ["new", "spaced", *parent])
    type_in(hint("archive", "spaced").removesuffix(", then try again.") + " -qm made")
    archived = CliRunner().invoke(sandbox, ["archive", "spaced", *parent]).stdout
    flag = " --parent-dir 'my sandboxes'\n"
    assert archived.endswith(flag)
    assert hint("check", "spaced").endswith(flag.rstrip())

    CliRunner().invoke(sandbox, ["new", "spaced", *parent])
    git(repo, "add", ".")
    type_in(hint("archive", "spaced").partition(": ")[2].partition(";")[0])
    assert len([*(repo / "my sandboxes").glob("*_spaced-2")]) == 1
