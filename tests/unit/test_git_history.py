"""What only real git can get wrong: it is missing, hangs, or is in another working copy."""

import os
import subprocess
from pathlib import Path

import pytest

from aexp.adapters.history.git import GitHistory
from aexp.domain.errors import HistoryError


def test_without_git_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HistoryError, match=r"git could not be started.*Install git"):
        GitHistory().look(str(tmp_path), str(tmp_path))


def test_a_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(HistoryError, match="took more than"):
        GitHistory(limit_s=0.1).look(str(tmp_path), str(tmp_path))


def test_a_folder_that_only_looks_like_a_working_copy_does_not_lead_to_the_one_around_it(
    tmp_path: Path,
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    inner = tmp_path / "inner"
    (inner / ".git").mkdir(parents=True)

    with pytest.raises(HistoryError, match="not a git repository"):
        GitHistory().look(str(inner), str(inner))


def test_what_git_says_is_safe_to_show(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2Jb"
    (odd / ".git").mkdir(parents=True)

    with pytest.raises(HistoryError) as caught:
        GitHistory().look(str(odd), str(odd))
    assert "\x1b" not in caught.value.what


def test_on_a_branch_without_commits_nothing_is_committed_yet(tmp_path: Path) -> None:
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("1")
    for words in (
        ("init", "-q"),
        ("add", "."),
        (*names, "commit", "-qm", "x"),
        ("checkout", "-q", "--orphan", "new"),
    ):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)

    found = GitHistory().look(str(tmp_path), f"{tmp_path}/in")

    assert found.commits == {}
    assert found.changed == found.tracked == {f"{tmp_path}/in/a.txt"}
