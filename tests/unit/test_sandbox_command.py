"""The commands `aexp sandbox new` and `aexp new-sandbox`, called in this process."""

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aexp.cli.sandbox import sandbox
from aexp.cli.sandbox_new import new_sandbox
from aexp.domain.errors import SandboxScaffoldError

ROOT = "notebooks/_sandbox"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    if arguments[0] == "new-sandbox":
        return CliRunner().invoke(new_sandbox, arguments[1:])
    return CliRunner().invoke(sandbox, arguments[1:])


def made_in(repo: Path) -> list[str]:
    return sorted(path.name[11:] for path in (repo / ROOT).glob("*_*"))


@pytest.mark.parametrize(
    "command",
    [
        ("sandbox", "new", "probe"),
        ("sandbox", "new", "--slug", "probe"),
        ("new-sandbox", "--slug", "probe"),
        ("new-sandbox", "probe"),
    ],
)
def test_every_way_to_say_it_makes_the_sandbox(repo: Path, command: tuple[str, ...]) -> None:
    result = run(*command)

    assert result.exit_code == 0
    assert made_in(repo) == ["probe"]


@pytest.mark.parametrize("command", [("sandbox", "new"), ("new-sandbox",)])
def test_a_title_reaches_the_heading(repo: Path, command: tuple[str, ...]) -> None:
    run(*command, "--slug", "probe", "--title", "What is it?", "--parent-dir", "play")

    [readme] = (repo / "play").glob("*_probe/README.md")
    assert readme.read_text().startswith(f"# {readme.parent.name} — What is it?\n")


def test_people_read_what_was_made(repo: Path) -> None:
    before = date.today()
    result = run("sandbox", "new", "probe")

    name = f"{before}_probe"
    assert result.stdout == (
        f"Made the sandbox {ROOT}/{name}\n"
        f"  {ROOT}/README.md\n"
        f"  {ROOT}/.gitignore\n"
        f"  {ROOT}/{name}/README.md\n"
        f"  {ROOT}/{name}/helpers.py\n"
        f"  {ROOT}/{name}/00_feasibility.ipynb\n"
        "\n"
        "Next: fill in its README.md before the first result, then open 00_feasibility.ipynb.\n"
    )
    assert result.stderr == ""


def test_without_a_notebook_people_read_the_first_cell_to_paste(repo: Path) -> None:
    result = run("sandbox", "new", "probe", "--no-notebook")

    assert result.stdout.endswith(
        "save a notebook in that folder, and begin it with:\n"
        "\n"
        "    from aexp.sandbox import setup_sandbox_notebook\n"
        "\n"
        "    paths = setup_sandbox_notebook()\n"
        "\n"
        "    from helpers import REPO_ROOT, SANDBOX_DIR\n"
    )
    assert list(repo.rglob("*.ipynb")) == []


def test_outside_a_repository_the_first_cell_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run(
        "sandbox", "new", "probe", "--parent-dir", str(tmp_path / "scratch"), "--no-notebook"
    )

    assert result.stdout.endswith("with:\n\n    from helpers import REPO_ROOT, SANDBOX_DIR\n")


def test_programs_read_one_json_object(repo: Path) -> None:
    result = run("new-sandbox", "--slug", "probe", "--json")

    told = json.loads(result.stdout)
    name = told["dir_name"]
    assert told == {
        "schema": 1,
        "slug": "probe",
        "dir_name": name,
        "dir_path": f"{ROOT}/{name}",
        "files_created": [
            f"{ROOT}/README.md",
            f"{ROOT}/.gitignore",
            f"{ROOT}/{name}/README.md",
            f"{ROOT}/{name}/helpers.py",
            f"{ROOT}/{name}/00_feasibility.ipynb",
        ],
        "root_initialized": True,
    }
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize("command", [("sandbox", "new"), ("new-sandbox",)])
@pytest.mark.parametrize("slugs", [(), ("probe", "--slug", "probe")], ids=["none", "two"])
def test_the_slug_must_be_given_once(
    repo: Path, command: tuple[str, ...], slugs: tuple[str, ...]
) -> None:
    result = run(*command, *slugs)

    assert result.exit_code == 2
    assert "slug" in result.stderr
    assert result.stdout == ""
    assert not (repo / "notebooks").exists()


def test_errors_are_left_to_the_root_command(repo: Path) -> None:
    result = run("sandbox", "new", "My Probe")

    assert isinstance(result.exception, SandboxScaffoldError)
    assert result.stdout == ""


def test_the_templates_are_called_as_their_files_are() -> None:
    told = CliRunner().invoke(sandbox, ["template", "readme.md"])

    assert told.exit_code == 2
    assert "README.md" in told.output
