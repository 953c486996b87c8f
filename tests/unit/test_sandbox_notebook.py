"""Setting up a notebook: what it finds from where, and what it can import then."""

import importlib
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aexp.sandbox import scaffold, setup_sandbox_notebook

ROOT = "notebooks/_sandbox"


@pytest.fixture(autouse=True)
def own_import_path() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("helpers", None)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    return root


def make(repo: Path, slug: str, day: int = 23, parent: str | None = None) -> Path:
    made = scaffold(slug, repo_root=repo, parent_dir=parent, today=date(2026, 11, day))
    return repo / made.dir_path


@pytest.mark.parametrize("name", ["probe", "2026-11-23_probe"])
@pytest.mark.parametrize("start", [".", "notebooks", f"{ROOT}/2026-11-23_probe"])
def test_a_sandbox_is_found_by_slug_or_name_from_anywhere_inside(
    repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: str
) -> None:
    sandbox = make(repo, "probe")
    monkeypatch.chdir(repo / start)

    assert setup_sandbox_notebook(name) == {"repo_root": repo, "sandbox_dir": sandbox}


def test_a_start_may_be_given_instead_of_the_current_folder(repo: Path) -> None:
    sandbox = make(repo, "probe")

    found = setup_sandbox_notebook("probe", start=str(repo / "notebooks"))

    assert found == {"repo_root": repo, "sandbox_dir": sandbox}


def test_in_a_worktree_the_worktree_is_the_repository(repo: Path) -> None:
    worktree = repo / "trees" / "branch"
    worktree.mkdir(parents=True)
    (worktree / ".git").write_text("gitdir: ../../.git/worktrees/branch\n")
    make(repo, "probe")
    sandbox = make(worktree, "probe")

    found = setup_sandbox_notebook("probe", start=sandbox)

    assert found == {"repo_root": worktree, "sandbox_dir": sandbox}


def test_the_sandbox_comes_first_on_the_import_path_and_only_once(repo: Path) -> None:
    sandbox = str(make(repo, "probe"))
    sys.path.append(sandbox)

    for _ in range(2):
        setup_sandbox_notebook("probe", start=repo)
        sys.path.insert(0, "/somewhere/else")
    setup_sandbox_notebook("probe", start=repo)

    assert sys.path[0] == sandbox
    assert sys.path.count(sandbox) == 1
    helpers = importlib.import_module("helpers")
    assert Path(sandbox, "helpers.py") == Path(str(helpers.__file__))
    assert repo == helpers.REPO_ROOT


def test_of_several_days_the_newest_is_meant(repo: Path) -> None:
    make(repo, "probe", 23)
    newest = make(repo, "probe", 25)
    make(repo, "probe", 24)
    make(repo, "other-probe", 30)
    (repo / ROOT / "2026-12-31_probe").write_text("a file, not a folder")

    assert setup_sandbox_notebook("probe", start=repo)["sandbox_dir"] == newest


def test_the_sandbox_around_the_notebook_wins_over_a_newer_one(repo: Path) -> None:
    older = make(repo, "probe", 23)
    make(repo, "probe", 25)
    (older / "plots").mkdir()

    assert setup_sandbox_notebook("probe", start=older / "plots")["sandbox_dir"] == older


def test_the_sandbox_around_the_notebook_may_lie_elsewhere_in_the_repository(repo: Path) -> None:
    sandbox = make(repo, "probe", parent="play/ground")

    assert setup_sandbox_notebook("probe", start=sandbox)["sandbox_dir"] == sandbox


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("missing", "aexp sandbox new missing"),
        ("2026-11-22_probe", "aexp sandbox new probe"),
        ("My Probe", "aexp sandbox new my-probe"),
        ("../2026-11-23_probe", "aexp sandbox new 2026-11-23-probe"),
        ("", "aexp sandbox new SLUG"),
    ],
)
def test_a_missing_sandbox_is_an_error_that_names_the_command(
    repo: Path, name: str, command: str
) -> None:
    make(repo, "probe")
    before = list(sys.path)

    with pytest.raises(FileNotFoundError) as caught:
        setup_sandbox_notebook(name, start=repo / ROOT)

    assert str(caught.value).endswith(command)
    assert str(repo / ROOT) in str(caught.value)
    assert sys.path == before


def test_before_the_first_sandbox_the_error_names_the_command(repo: Path) -> None:
    with pytest.raises(FileNotFoundError, match="aexp sandbox new probe"):
        setup_sandbox_notebook("probe", start=repo)


def test_without_a_repository_the_error_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no git repository in .*aexp sandbox new probe"):
        setup_sandbox_notebook("probe", start=tmp_path)
