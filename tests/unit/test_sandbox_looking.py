"""Listing, checking and archiving: in memory, with a git in memory."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest

from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.adapters.history.memory import MemoryHistory
from aexp.domain.errors import FilesystemError, HistoryError, SandboxError
from aexp.domain.findings import Level
from aexp.domain.sandbox_promoted import Promotion, with_promotion
from aexp.installing.ground import repository
from aexp.ports.filesystem import Entry
from aexp.ports.history import History, Standing
from aexp.sandbox import SandboxView, archive_sandbox, check_sandboxes, list_sandboxes, scaffold
from aexp.sandbox.looking import LargeFile, meant_sandbox

ROOT = "/repo/notebooks/_sandbox"
PROBE = f"{ROOT}/2026-11-23_probe"
LARGE = "x" * (5 << 20)


class Desk:
    """A repository in memory with a git that passes over ``*.npy``."""

    def __init__(self) -> None:
        self.disk = MemoryFilesystem()
        self.disk.create_directory("/repo/.git", {})
        self.git = MemoryHistory(self.disk, ignored=("*.npy",))

    def make(self, slug: str, day: int = 23) -> None:
        scaffold(slug, repo_root="/repo", today=date(2026, 11, day), filesystem=self.disk)

    def ls(self, *, archived: bool = False) -> list[SandboxView]:
        return list_sandboxes(
            repo_root="/repo",
            today=date(2026, 11, 30),
            archived=archived,
            filesystem=self.disk,
            history=self.git,
        )

    def archive(self, name: str, *, undo: bool = False) -> tuple[str, str]:
        moved = archive_sandbox(
            name, undo=undo, repo_root="/repo", filesystem=self.disk, history=self.git
        )
        return moved.source, moved.target

    def findings(self, name: str = "probe", git: History | None = None) -> dict[str, Level]:
        (one,) = check_sandboxes(
            name, repo_root="/repo", filesystem=self.disk, history=git or self.git
        )
        return {finding.name: finding.level for finding in one.findings}


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.make("probe")
    return made


class NoGit(History):
    def look(self, root: str, folder: str) -> Standing:
        raise HistoryError("git could not be started.", "Install git.")

    def move(self, root: str, source: str, target: str) -> None:
        raise HistoryError("git could not be started.", "Install git.")


def test_a_fresh_sandbox_is_listed_with_what_is_known_of_it(desk: Desk) -> None:
    desk.disk.write(f"{PROBE}/.ipynb_checkpoints/a.ipynb", "{}")
    desk.disk.write(f"{PROBE}/deep/more.ipynb", "{}")

    (view,) = desk.ls()

    size = sum(
        len(desk.disk.read_text(path).encode()) for path in desk.disk.everything()
        if path.startswith(PROBE) and not path.endswith("/")
    )  # fmt: skip
    assert asdict(view) == {
        "date": date(2026, 11, 23),
        "slug": "probe",
        "title": "Probe",
        "dir_name": "2026-11-23_probe",
        "dir_path": "notebooks/_sandbox/2026-11-23_probe",
        "age_days": 7,
        "notebooks": 2,
        "size_bytes": size,
        "large_untracked": (),
        "last_commit": None,
        "readme": "incomplete",
        "promoted": (),
        "archived": False,
        "closed": (),
    }


def test_sandboxes_are_listed_by_day_and_nothing_else_is(desk: Desk) -> None:
    desk.make("older", 21)
    desk.make("newer", 25)
    desk.disk.write(f"{ROOT}/2026-11-26_file", "no folder")
    desk.disk.write(f"{ROOT}/2026-13-01_day/x", "no day")
    desk.disk.write(f"{ROOT}/data/x", "no sandbox")

    assert [view.slug for view in desk.ls()] == ["older", "probe", "newer"]


def test_without_a_folder_for_sandboxes_there_are_none() -> None:
    assert Desk().ls() == []


def test_large_files_are_told_when_git_would_take_them(desk: Desk) -> None:
    desk.disk.write(f"{PROBE}/old.bin", LARGE)
    desk.git.commit("/repo", 1_000_000_000)
    desk.disk.write(f"{PROBE}/new.bin", LARGE)
    desk.disk.write(f"{PROBE}/ignored.npy", LARGE)
    desk.disk.write(f"{PROBE}/small.txt", "x")

    (view,) = desk.ls()

    assert view.large_untracked == (LargeFile("new.bin", len(LARGE)),)


def test_the_last_commit_is_the_newest_of_this_sandbox(desk: Desk) -> None:
    desk.make("other")
    desk.git.commit("/repo", 1_000_000_000)
    desk.disk.write(f"{PROBE}/a.txt", "1")
    desk.git.commit("/repo", 1_100_000_000)

    commits = {view.slug: view.last_commit for view in desk.ls()}

    assert commits["probe"] is not None
    assert commits["probe"].when == 1_100_000_000
    assert commits["other"] is not None
    assert commits["other"].when == 1_000_000_000


def test_promotions_are_read_from_the_readme(desk: Desk) -> None:
    promotion = Promotion(date(2026, 11, 25), "00_feasibility.ipynb", "src/x.py", "E012")
    text = desk.disk.read_text(f"{PROBE}/README.md")
    desk.disk.write(f"{PROBE}/README.md", with_promotion(text, promotion))

    assert desk.ls()[0].promoted == (promotion,)


def test_a_readme_that_is_missing_or_no_text_hides_no_sandbox(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for slug in ("gone", "odd"):
        scaffold(slug, repo_root=tmp_path, today=date(2026, 11, 23))
    folder = tmp_path / "notebooks" / "_sandbox"
    (folder / "2026-11-23_gone" / "README.md").unlink()
    (folder / "2026-11-23_odd" / "README.md").write_bytes(b"\xff")

    views = list_sandboxes(repo_root=tmp_path, history=NoGit())
    checks = check_sandboxes(repo_root=tmp_path, history=NoGit())

    assert [view.readme for view in views] == ["missing", "unreadable"]
    assert [one.findings[0].what for one in checks] == [
        "there is no README.md",
        "README.md: the text is not UTF-8.",
    ]


class Locked(MemoryFilesystem):
    """A disk with folders that may not be looked into."""

    def entries(self, path: str) -> tuple[Entry, ...]:
        if path.endswith(("/locked", "_shut")):
            raise FilesystemError(f"{path}: permission denied.", "Ask its owner.")
        return super().entries(path)


def test_a_folder_that_may_not_be_looked_into_hides_nothing_else() -> None:
    disk = Locked()
    disk.create_directory("/repo/.git", {})
    for slug in ("open", "shut"):
        scaffold(slug, repo_root="/repo", today=date(2026, 11, 23), filesystem=disk)
    sandbox = "/repo/notebooks/_sandbox/2026-11-23"
    disk.create_directory(f"{sandbox}_open/locked", {"a": "a"})

    views = list_sandboxes(repo_root="/repo", filesystem=disk, history=NoGit())
    checks = check_sandboxes(repo_root="/repo", filesystem=disk, history=NoGit())

    assert [(view.notebooks, view.closed) for view in views] == [
        (1, (f"{sandbox}_open/locked: permission denied.",)),
        (0, (f"{sandbox}_shut: permission denied.",)),
    ]
    told = [[one.what for one in check.findings if one.name == "files"] for check in checks]
    assert told == [["locked: permission denied."], [f"{sandbox}_shut: permission denied."]]


def test_a_current_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    for call in (list_sandboxes, check_sandboxes, lambda: repository(LocalFilesystem())):
        with pytest.raises(FilesystemError, match="The current folder is gone"):
            call()


class Counted(MemoryHistory):
    """Counts how often it is asked."""

    asked = 0

    def look(self, root: str, folder: str) -> Standing:
        self.asked += 1
        return super().look(root, folder)


def test_git_is_asked_once_for_all_sandboxes_that_are_checked(desk: Desk) -> None:
    scaffold("other", repo_root="/repo", today=date(2026, 11, 24), filesystem=desk.disk)
    desk.disk.write(f"{ROOT}/2026-11-24_other/a.bin", LARGE)
    git = Counted(desk.disk)

    checks = check_sandboxes(repo_root="/repo", filesystem=desk.disk, history=git)

    assert git.asked == 1
    assert "about to be committed: a.bin" in checks[1].findings[-1].what


def test_without_git_what_only_git_knows_is_not_known(desk: Desk) -> None:
    (view,) = list_sandboxes(repo_root="/repo", filesystem=desk.disk, history=NoGit())

    assert (view.large_untracked, view.last_commit) == (None, None)
    assert desk.findings(git=NoGit())["size"] is Level.WARN


def test_a_large_file_about_to_be_committed_fails_the_check(desk: Desk) -> None:
    assert desk.findings()["size"] is Level.OK
    desk.disk.write(f"{PROBE}/ignored.npy", LARGE)
    assert desk.findings()["size"] is Level.OK
    desk.disk.write(f"{PROBE}/new.bin", LARGE)
    assert desk.findings()["size"] is Level.FAIL
    desk.git.commit("/repo", 1_000_000_000)
    assert desk.findings()["size"] is Level.OK
    desk.disk.write(f"{PROBE}/new.bin", f"{LARGE}more")
    assert desk.findings()["size"] is Level.FAIL


def test_every_notebook_is_checked(desk: Desk) -> None:
    assert desk.findings()["notebooks"] is Level.OK
    desk.disk.write(f"{PROBE}/deep/broken.ipynb", "{")
    (one,) = check_sandboxes("probe", repo_root="/repo", filesystem=desk.disk, history=desk.git)

    broken = [finding for finding in one.findings if "deep/broken.ipynb" in finding.what]
    assert [finding.level for finding in broken] == [Level.FAIL]
    names = [finding.name for finding in one.findings]
    assert names[4:] == ["notebooks", "notebooks", "first-cell", "size"]


def test_without_a_name_the_sandbox_around_is_checked_or_else_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The repository is called like a sandbox, which makes it none.
    repo = tmp_path / "2026-01-01_thesis"
    (repo / ".git").mkdir(parents=True)
    for slug in ("one", "two"):
        scaffold(slug, repo_root=repo, today=date(2026, 11, 23))
    monkeypatch.chdir(repo)
    assert [one.dir_path[-3:] for one in check_sandboxes(history=NoGit())] == ["one", "two"]
    assert meant_sandbox().endswith("_two")
    monkeypatch.chdir(repo / "notebooks" / "_sandbox" / "2026-11-23_one")
    assert [one.dir_path[-3:] for one in check_sandboxes(history=NoGit())] == ["one"]
    assert meant_sandbox().endswith("_one")
    assert meant_sandbox("../2026-11-23_two/").endswith("_two")


def test_a_name_that_is_none_is_an_error_that_says_what_is_near(desk: Desk) -> None:
    with pytest.raises(SandboxError, match=r"no sandbox 'prob\\x1b'.*Did you mean probe\?"):
        desk.findings("prob\x1b")
    with pytest.raises(SandboxError, match="aexp sandbox ls"):
        desk.findings("nothing-like-it")
    with pytest.raises(SandboxError, match="Make one"):
        meant_sandbox(repo_root="/repo", parent_dir="none", filesystem=desk.disk)


def test_archiving_moves_all_of_it_and_undoing_moves_it_back(desk: Desk) -> None:
    desk.git.commit("/repo", 1_000_000_000)
    desk.disk.write(f"{PROBE}/ignored.npy", "x")
    before = desk.disk.everything()
    away = ("notebooks/_sandbox/2026-11-23_probe", "notebooks/_sandbox/_archive/2026-11-23_probe")

    assert desk.archive("probe") == away

    assert desk.disk.kind(PROBE) is None
    assert desk.disk.kind(f"{ROOT}/_archive/2026-11-23_probe/ignored.npy") == "file"
    assert desk.ls() == []
    assert [(view.slug, view.archived) for view in desk.ls(archived=True)] == [("probe", True)]
    assert desk.archive("probe", undo=True) == away[::-1]
    assert desk.disk.everything() == sorted([*before, f"{ROOT}/_archive/"])


@pytest.mark.parametrize("name", ["2026-11-23_probe/README.md", "2026-11-23_probe/new.txt"])
def test_what_is_not_committed_as_it_stands_is_not_archived(desk: Desk, name: str) -> None:
    desk.git.commit("/repo", 1_000_000_000)
    desk.disk.write(f"{ROOT}/{name}", "changed")
    before = desk.disk.everything()

    with pytest.raises(SandboxError, match=r"is not committed as it stands: .*git commit"):
        desk.archive("probe")

    assert desk.disk.everything() == before


def test_what_git_does_not_have_is_not_archived(desk: Desk) -> None:
    with pytest.raises(SandboxError, match="git has nothing of"):
        desk.archive("probe")
    with pytest.raises(HistoryError, match="could not be started"):
        archive_sandbox("probe", repo_root="/repo", filesystem=desk.disk, history=NoGit())


def test_an_archived_one_is_not_archived_again_and_no_name_is_taken_twice(desk: Desk) -> None:
    desk.git.commit("/repo", 1_000_000_000)
    desk.archive("probe")
    with pytest.raises(SandboxError, match="is in the archive already"):
        desk.archive(f"{ROOT}/_archive/2026-11-23_probe")
    with pytest.raises(SandboxError, match="There is no sandbox 'probe'"):
        desk.archive("probe")
    desk.make("probe")
    desk.git.commit("/repo", 1_100_000_000)
    with pytest.raises(SandboxError, match="exists already"):
        desk.archive("probe")
    with pytest.raises(SandboxError, match="exists already"):
        desk.archive("probe", undo=True)
    with pytest.raises(SandboxError, match="is not in the archive"):
        desk.archive(PROBE, undo=True)
