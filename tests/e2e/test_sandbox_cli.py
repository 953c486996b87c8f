"""Sandboxes from the command line, in real processes and a real repository."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path / "my repo"], check=True)
    return tmp_path / "my repo"


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
    shown = "print(REPO_ROOT, SANDBOX_DIR, paths['sandbox_dir'], sep='\\n')"
    ran = python(sandbox, "-c", f"{program}\n{shown}")
    assert ran.stdout.splitlines() == [str(repo), str(sandbox), str(sandbox)]


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


def git(repo: Path, *words: str) -> str:
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", "-C", repo, *names, *words], capture_output=True, text=True, check=True
    ).stdout


def test_sandboxes_are_listed_for_people_and_for_programs(repo: Path) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe", "--title", "What is it?")
    (sandbox,) = repo.glob("notebooks/_sandbox/*_probe")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    (sandbox / "weights.bin").write_bytes(bytes(6 << 20))
    Path(os.fsdecode(bytes(sandbox) + b"/x\xff.bin")).write_bytes(bytes(6 << 20))

    people = python(sandbox, "-m", "aexp", "sandbox", "ls")
    programs = python(repo, "-m", "aexp", "sandbox", "ls", "--json")

    heading, line = people.stdout.splitlines()
    assert heading.split()[:3] == ["DATE", "AGE", "SLUG"]
    day = sandbox.name[:10]
    assert line.split()[:4] == [day, line.split()[1], "d", "probe"]
    assert "2 (12.0 MiB)" in line
    assert line.endswith("no      -         What is it?")
    (told,) = json.loads(programs.stdout)["sandboxes"]
    assert told["date"] == day
    assert told["large_untracked"] == [
        {"path": "weights.bin", "size_bytes": 6 << 20},
        {"path": "x\udcff.bin", "size_bytes": 6 << 20},
    ]
    assert told["last_commit"]["id"] == git(repo, "rev-parse", "HEAD").strip()
    assert told["complete"] is False


def test_without_sandboxes_standard_output_stays_empty(repo: Path) -> None:
    for command in ("ls", "check"):
        told = python(repo, "-m", "aexp", "sandbox", command)
        assert (told.returncode, told.stdout) == (0, "")
        assert "aexp sandbox new SLUG" in told.stderr


def test_a_check_exits_with_65_when_a_rule_is_broken(repo: Path) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe")

    people = python(repo, "-m", "aexp", "sandbox", "check", "probe")
    programs = python(repo, "-m", "aexp", "sandbox", "check", "--json")

    assert (people.returncode, programs.returncode, people.stderr) == (65, 65, "")
    assert "fail  statement" in people.stdout
    (told,) = json.loads(programs.stdout)["sandboxes"]
    assert told["level"] == "fail"
    assert {one["name"]: one["level"] for one in told["findings"]} == {
        "statement": "fail",
        "threshold": "ok",
        "risks": "fail",
        "readme": "warn",
        "notebooks": "ok",
        "first-cell": "ok",
        "size": "ok",
    }


def test_archiving_is_undone_by_us_and_by_git(repo: Path) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe")
    (sandbox,) = repo.glob("notebooks/_sandbox/*_probe")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    files = sorted(path.name for path in sandbox.iterdir())

    told = python(repo, "-m", "aexp", "sandbox", "archive", "probe")
    assert "aexp sandbox archive --undo" in told.stdout
    assert not sandbox.exists()
    python(repo, "-m", "aexp", "sandbox", "archive", "--undo", "probe")
    assert sorted(path.name for path in sandbox.iterdir()) == files
    assert git(repo, "status", "--porcelain") == ""

    python(repo, "-m", "aexp", "sandbox", "archive", "probe", "--json")
    git(repo, "commit", "-qm", "archived")
    git(repo, "revert", "--no-edit", "HEAD")
    assert sorted(path.name for path in sandbox.iterdir()) == files


def test_open_prints_the_folder_or_becomes_the_program(repo: Path, tmp_path: Path) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe")
    (sandbox,) = repo.glob("notebooks/_sandbox/*_probe")
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\necho "$PWD" "$@"\nexit 3\n')
    program.chmod(0o755)

    printed = python(repo, "-m", "aexp", "sandbox", "open")
    launched = python(repo, "-m", "aexp", "sandbox", "open", "probe", "--with", f"{program} --now")
    missing = python(repo, "-m", "aexp", "sandbox", "open", "--with", "no-such-program")

    assert printed.stdout == f"{sandbox}\n"
    assert launched.returncode == 3
    assert launched.stdout == f"{sandbox} --now {sandbox}/00_feasibility.ipynb\n"
    assert shlex.split(launched.stderr) == [
        str(program),
        "--now",
        f"{sandbox}/00_feasibility.ipynb",
    ]
    assert missing.returncode == 65
    assert "no-such-program" in missing.stderr


def test_a_program_beside_the_path_is_told_where_it_is(repo: Path) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe")
    program = repo / ".venv/bin/my-lab"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho started $1\n")
    program.chmod(0o755)

    told = python(repo, "-m", "aexp", "sandbox", "open", "--with", "my-lab --now")
    both = python(repo, "-m", "aexp", "sandbox", "open", "--launch", "--with", "my-lab")

    assert "no program 'my-lab' on the PATH" in told.stderr
    command = shlex.join([str(program), "--now"])
    assert f"It is in {program.parent}: --with {shlex.quote(command)}." in told.stderr
    launched = python(repo, "-m", "aexp", "sandbox", "open", "--with", command)
    assert launched.stdout == "started --now\n"
    assert (both.returncode, both.stdout) == (2, "")
    assert "Give one of --launch and --with" in both.stderr


@pytest.mark.parametrize(
    "words", [("sandbox", "ls"), ("sandbox", "ls", "--json"), ("sandbox", "--help"), ("--version",)]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_an_error_and_no_traceback(
    repo: Path, words: tuple[str, ...], unbuffered: str
) -> None:
    python(repo, "-m", "aexp", "sandbox", "new", "probe")
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "aexp", *words],
            cwd=repo,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )

    assert told.returncode == 74
    assert told.stderr.splitlines() == [
        "error: Standard output cannot be written: No space left on device.",
        "  next: What was asked for may be done all the same: look before you try again.",
    ]


def test_an_interruption_while_modules_are_loaded_is_no_traceback(repo: Path) -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'aexp.cli.root':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from aexp.cli.main import main\n"
        "sys.argv = ['aexp', 'sandbox', 'ls']\n"
        "main()\n"
    )
    told = python(repo, "-c", code)

    assert (told.returncode, told.stdout, told.stderr) == (130, "", "\n")


def test_a_printed_template_can_be_changed_and_used(repo: Path) -> None:
    folder = repo / ".aexp" / "templates" / "sandbox"
    folder.mkdir(parents=True)
    for name in ("README.md", "helpers.py", "00_feasibility.ipynb"):
        told = python(repo, "-m", "aexp", "sandbox", "template", name)
        (folder / name).write_text(told.stdout.replace("Exploratory work", "Our work"))

    made = python(repo, "-m", "aexp", "sandbox", "new", "probe")
    (folder / "README.md").write_text("{{sandbox.nonsense}}")
    refused = python(repo, "-m", "aexp", "sandbox", "new", "other")

    assert made.returncode == 0
    (readme,) = repo.glob("notebooks/_sandbox/*_probe/README.md")
    assert "> Our work may be wrong" in readme.read_text()
    assert (refused.returncode, refused.stdout) == (65, "")
    assert "{{sandbox.nonsense}}" in refused.stderr
    assert list(repo.glob("notebooks/_sandbox/*_other")) == []
