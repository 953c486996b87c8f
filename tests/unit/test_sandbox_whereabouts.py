"""What is said where no sandbox is: the folder, what has set it, and where others are."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aexp.cli.sandbox import sandbox
from aexp.domain.errors import SandboxError
from aexp.sandbox import scaffold, setup_sandbox_notebook
from aexp.sandbox.looking import meant_sandbox

ROOT = "notebooks/_sandbox"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", root], check=True)
    monkeypatch.chdir(root)
    return root


def run(*words: str) -> Result:
    return CliRunner().invoke(sandbox, words)


def put_away(repo: Path, slug: str) -> None:
    made = scaffold(slug, repo_root=repo)
    archive = repo / ROOT / "_archive"
    archive.mkdir(exist_ok=True)
    (repo / made.dir_path).rename(archive / made.dir_name)


def test_where_all_are_archived_it_says_how_to_see_them(repo: Path) -> None:
    put_away(repo, "one")

    for told in (run("ls"), run("check")):
        assert (told.exit_code, told.stdout) == (0, "")
        assert told.stderr == (
            f"note: There is no sandbox in {ROOT}. 1 archived: aexp sandbox ls --archived\n"
        )
    with pytest.raises(SandboxError, match="1 archived: aexp sandbox ls --archived"):
        meant_sandbox()


def test_a_list_ends_with_how_many_are_archived_unless_they_are_in_it(repo: Path) -> None:
    scaffold("here", repo_root=repo)
    assert run("ls").stderr == ""
    put_away(repo, "one")
    put_away(repo, "two")

    assert run("ls").stderr == "2 archived: aexp sandbox ls --archived\n"
    assert run("ls", "--archived").stderr == ""
    assert run("ls", "--json").stderr == ""


@pytest.mark.parametrize("by", ["file", "variable"])
def test_the_folder_is_named_with_what_has_set_it_and_where_the_old_ones_are(
    repo: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    scaffold("one", repo_root=repo)
    if by == "file":
        (repo / ".aexp").mkdir()
        (repo / ".aexp/config.yaml").write_text("sandbox:\n  parent_dir: play\n")
    else:
        monkeypatch.setenv("AEXP_SANDBOX_PARENT_DIR", "play")

    how = {"file": "in .aexp/config.yaml", "variable": "by AEXP_SANDBOX_PARENT_DIR"}[by]
    assert run("ls").stderr == (
        f"note: There is no sandbox in play (set {how}). 1 is in {ROOT}: move them with git mv, or "
        f"--parent-dir {ROOT}\n"
    )


def test_a_folder_that_was_typed_is_part_of_what_to_type_next(repo: Path) -> None:
    assert run("ls", "--parent-dir", "a b").stderr == (
        "note: There is no sandbox in a b. Make one: aexp sandbox new SLUG --parent-dir 'a b'\n"
    )


def test_a_notebook_is_told_the_name_that_is_spelt_alike(repo: Path) -> None:
    scaffold("lr-warmup", repo_root=repo)

    with pytest.raises(
        FileNotFoundError, match=r"Did you mean setup_sandbox_notebook\(\"lr-warmup"
    ):
        setup_sandbox_notebook("lr_warmup")
    with pytest.raises(
        FileNotFoundError, match=r"\. Make one with: aexp sandbox new quite-another"
    ):
        setup_sandbox_notebook("quite-another")
