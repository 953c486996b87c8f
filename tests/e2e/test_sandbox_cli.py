"""Sandboxes from the command line, in real processes and a real repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    return tmp_path / "repo"


def python(cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_sandbox_is_made_and_its_first_cell_runs(repo: Path) -> None:
    told = python(repo, "-m", "aexp", "sandbox", "new", "probe", "--no-notebook")

    assert (told.returncode, told.stderr) == (0, "")
    [sandbox] = repo.glob("notebooks/_sandbox/*_probe")
    cell = "".join(line for line in told.stdout.splitlines(True) if line.startswith("    "))
    program = "\n".join(line.strip() for line in cell.splitlines())
    ran = python(sandbox, "-c", f"{program}\nprint(REPO_ROOT, SANDBOX_DIR, paths['sandbox_dir'])")
    assert ran.stdout.split() == [str(repo), str(sandbox), str(sandbox)]


def test_both_verbs_are_one(repo: Path) -> None:
    first = python(repo, "-m", "aexp", "new-sandbox", "--slug", "probe", "--json")
    again = python(repo, "-m", "aexp", "sandbox", "new", "probe", "--json")

    assert json.loads(first.stdout)["root_initialized"] is True
    assert (again.returncode, again.stdout) == (65, "")
    assert "There is a sandbox" in again.stderr
    assert "choose another slug" in again.stderr


def test_a_bad_slug_is_refused_with_the_right_one(repo: Path) -> None:
    told = python(repo, "-m", "aexp", "new-sandbox", "--slug", "My Probe", "--title", "x")

    assert (told.returncode, told.stdout) == (65, "")
    assert "'my-probe'" in told.stderr
    assert not (repo / "notebooks").exists()


def test_of_two_processes_that_begin_a_repository_together_both_get_their_sandbox(
    repo: Path,
) -> None:
    commands = [
        [sys.executable, "-m", "aexp", "sandbox", "new", slug, "--json"] for slug in ("one", "two")
    ]
    running = [
        subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    told = [process.communicate()[0] for process in running]

    created = [file for result in told for file in json.loads(result)["files_created"]]
    assert len(created) == len(set(created)) == 8
    assert all((repo / file).read_text() for file in created)
