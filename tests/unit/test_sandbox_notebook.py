"""Setting up a notebook: what it finds from where, and what it can import then."""

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aexp.sandbox import scaffold, setup_sandbox_notebook

ROOT = "notebooks/_sandbox"


@pytest.fixture(autouse=True)
def own_import_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
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


@pytest.mark.parametrize("below", [".", "plots/deep"])
def test_without_a_name_the_sandbox_around_the_kernel_is_meant(
    repo: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    sandbox = make(repo, "probe")
    make(repo, "newer", 25)
    (sandbox / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(sandbox / below)

    assert setup_sandbox_notebook() == {"repo_root": repo, "sandbox_dir": sandbox}


@pytest.mark.parametrize(
    "session",
    [
        "{sandbox}/x.ipynb",  # as Jupyter says it
        "{sandbox}/notebooks/_sandbox/2026-11-23_probe/x.ipynb",  # its folder and a name with folders
        "notebooks/_sandbox/2026-11-23_probe/helpers.py",  # relative to where the server was started
    ],
)
def test_what_jupyter_says_of_the_notebook_wins_over_the_kernels_folder(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], session: str
) -> None:
    sandbox, other = make(repo, "probe"), make(repo, "other")
    monkeypatch.chdir(other)
    monkeypatch.setenv("JPY_SESSION_NAME", session.format(sandbox=sandbox))

    assert setup_sandbox_notebook() == {"repo_root": repo, "sandbox_dir": sandbox}
    assert f'setup_sandbox_notebook("{other.name}")' in capsys.readouterr().err


@pytest.mark.parametrize(
    "session", ["{gone}/x.ipynb", "Console 1", "x.ipynb", "", "/", "\udcff", "{repo}/x.ipynb"]
)
def test_what_jupyter_says_and_is_no_sandbox_leaves_the_kernels_folder(
    repo: Path, monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    sandbox = make(repo, "probe")
    monkeypatch.chdir(sandbox)
    gone = repo / ROOT / "2026-11-20_gone"
    monkeypatch.setenv("JPY_SESSION_NAME", session.format(gone=gone, repo=repo))

    assert setup_sandbox_notebook()["sandbox_dir"] == sandbox


def test_a_name_wins_over_what_jupyter_says(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, other = make(repo, "probe"), make(repo, "other")
    monkeypatch.chdir(other)
    monkeypatch.setenv("JPY_SESSION_NAME", str(other / "x.ipynb"))

    assert setup_sandbox_notebook("probe")["sandbox_dir"] == sandbox


def test_a_start_wins_over_what_jupyter_says(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, other = make(repo, "probe"), make(repo, "other")
    monkeypatch.setenv("JPY_SESSION_NAME", str(other / "x.ipynb"))

    assert setup_sandbox_notebook(start=sandbox)["sandbox_dir"] == sandbox


@pytest.mark.parametrize("parent", ["play/ground", "{tmp}/far"])
def test_by_name_it_is_looked_for_in_the_folder_that_is_set(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parent: str
) -> None:
    monkeypatch.setenv("AEXP_SANDBOX_PARENT_DIR", parent.format(tmp=tmp_path))
    sandbox = make(repo, "probe")
    monkeypatch.chdir(repo)

    assert setup_sandbox_notebook("probe") == {"repo_root": repo, "sandbox_dir": sandbox}


def test_a_repository_or_a_folder_around_it_that_is_called_like_a_sandbox_is_none(
    tmp_path: Path,
) -> None:
    for root in (tmp_path / "2026-01-01_thesis", tmp_path / "2026-01-02_x" / "repo"):
        (root / ".git").mkdir(parents=True)
        with pytest.raises(FileNotFoundError, match="There is no sandbox around"):
            setup_sandbox_notebook(start=root)


def test_without_a_name_and_a_sandbox_the_error_offers_the_newest(repo: Path) -> None:
    make(repo, "older", 20)
    make(repo, "newer", 25)

    with pytest.raises(FileNotFoundError) as caught:
        setup_sandbox_notebook(start=repo)

    assert str(caught.value).endswith('setup_sandbox_notebook("2026-11-25_newer")')


def test_a_sandbox_outside_every_repository_is_told_to_do_without(tmp_path: Path) -> None:
    made = scaffold("probe", parent_dir=tmp_path / "far")

    with pytest.raises(FileNotFoundError, match="leave this call out: `from helpers import"):
        setup_sandbox_notebook(start=made.dir_path)


def test_helpers_from_anywhere_else_are_forgotten_once_with_a_notice(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox = make(repo, "probe")
    (tmp_path / "lib" / "helpers" / "deep").mkdir(parents=True)  # a package without a file
    sys.path.insert(0, str(tmp_path / "lib"))
    importlib.import_module("helpers.deep")

    for _ in range(2):
        setup_sandbox_notebook("probe", start=repo)
        assert Path(str(importlib.import_module("helpers").__file__)).parent == sandbox

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "helpers, helpers.deep" in told
    assert str(tmp_path / "lib") in sys.path


def test_the_same_sandbox_again_keeps_its_modules(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(repo, "probe")
    setup_sandbox_notebook("probe", start=repo)
    helpers = importlib.import_module("helpers")
    setup_sandbox_notebook("probe", start=repo)

    assert importlib.import_module("helpers") is helpers
    assert capsys.readouterr().err == ""


def test_a_sandbox_without_helpers_does_not_get_those_of_another(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, around, bare = make(repo, "entered"), make(repo, "around"), make(repo, "bare")
    (bare / "helpers.py").unlink()
    monkeypatch.chdir(around)
    sys.path.insert(0, "")  # as a kernel has it
    setup_sandbox_notebook("entered")
    assert sys.path[0] == str(entered)

    setup_sandbox_notebook("bare")

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("helpers")


def test_the_repositorys_root_stays_on_the_import_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "2026-01-01_thesis"
    (repo / ".git").mkdir(parents=True)
    make(repo, "probe")
    monkeypatch.chdir(repo)
    sys.path.insert(0, "")

    setup_sandbox_notebook("probe")

    assert "" in sys.path


def test_a_kernel_whose_folder_is_gone_goes_by_what_jupyter_says_or_tells_so(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make(repo, "probe")
    sys.path.insert(0, "")
    gone = repo / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    for name in (None, "probe"):
        with pytest.raises(FileNotFoundError, match=r"is gone\. Restart the kernel"):
            setup_sandbox_notebook(name)
        assert setup_sandbox_notebook(name, start=repo / ROOT / sandbox.name)["repo_root"] == repo
    monkeypatch.setenv("JPY_SESSION_NAME", "elsewhere/probe.ipynb")
    with pytest.raises(FileNotFoundError, match=r"is gone"):
        setup_sandbox_notebook()
    monkeypatch.setenv("JPY_SESSION_NAME", str(sandbox / "probe.ipynb"))
    for name in (None, "probe"):
        assert setup_sandbox_notebook(name)["sandbox_dir"] == sandbox
    assert sandbox == importlib.import_module("helpers").SANDBOX_DIR


def test_helpers_that_were_written_after_a_failed_import_are_found(repo: Path) -> None:
    sandbox = make(repo, "probe")
    held = (sandbox / "helpers.py").read_text()
    (sandbox / "helpers.py").unlink()
    setup_sandbox_notebook(start=sandbox)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("helpers")
    before = sandbox.stat()
    (sandbox / "helpers.py").write_text(held)
    # As on a filesystem whose clock is coarse.
    os.utime(sandbox, ns=(before.st_atime_ns, before.st_mtime_ns))

    setup_sandbox_notebook(start=sandbox)

    assert sandbox == importlib.import_module("helpers").SANDBOX_DIR
