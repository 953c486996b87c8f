"""A transport from outside: installed as a package, found by its entry point, and run through the suites."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests/samples/aexp_sqlite"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def run(*words: str, cwd: Path, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A module of this interpreter, in a home of its own; ``site`` holds what else is installed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    if site is not None:
        env["PYTHONPATH"] = str(site)
    command = [sys.executable, "-P", "-m", *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample is installed, with its own metadata, outside of this project's environment."""
    work = tmp_path_factory.mktemp("sample")
    package = shutil.copytree(SAMPLE, work / "aexp_sqlite")
    told = run(
        *("pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"),
        *("--target", str(work / "site"), str(package)),
        cwd=work,
    )
    assert told.returncode == 0, told.stderr
    return work / "site"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with the sample's tests and nothing else."""
    for name in ("conftest.py", "test_aexp_sqlite.py"):
        shutil.copy(SAMPLE / name, tmp_path)
    return tmp_path


def test_a_transport_from_outside_passes_the_shipped_suites(site: Path, elsewhere: Path) -> None:
    told = run("pytest", "-q", "-p", "no:cacheprovider", ".", cwd=elsewhere, site=site)
    assert told.returncode == 0, told.stdout
    assert "promises of the storage, by transport" in told.stdout
    assert "promises of the relay, by transport" in told.stdout
    assert told.stdout.count("  1 sqlite  ") == 2
    assert " NO" not in told.stdout


def test_a_transport_from_outside_is_listed_and_served(site: Path, tmp_path: Path) -> None:
    listed = run("aexp", "relay", "transports", "--json", cwd=tmp_path, site=site)
    found = {one["scheme"]: one for one in json.loads(listed.stdout)["transports"]}
    assert found["sqlite"] == {
        "scheme": "sqlite",
        "purpose": "A queue in one SQLite file",
        "origin": "aexp-sqlite 0.1",
        "usable": True,
        "remedy": "",
    }
    queue = f"sqlite://{tmp_path}/queue.db"
    served = run("aexp", "relay", "serve", "--once", "--queue", queue, cwd=tmp_path, site=site)
    assert served.returncode == 0, served.stderr
    asked = run("aexp", "relay", "ls", "--json", "--queue", queue, cwd=tmp_path, site=site)
    assert json.loads(asked.stdout) == {"schema": 1, "requests": []}
    without = run("aexp", "relay", "status", "--queue", queue, cwd=tmp_path)
    assert "unknown scheme, sqlite" in without.stderr


def test_the_page_on_transports_shows_the_sample_as_it_is() -> None:
    page = (ROOT / "docs/transports.md").read_text(encoding="utf-8")
    for name in ("pyproject.toml", "aexp_sqlite.py", "test_aexp_sqlite.py", "conftest.py"):
        kind = "toml" if name.endswith("toml") else "python"
        body = (SAMPLE / name).read_text(encoding="utf-8")
        assert f"`{name}`" in page
        assert f"```{kind}\n{body}```" in page, name


def test_the_wheel_ships_the_suites(tmp_path: Path) -> None:
    built = run(
        *("pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"),
        *("-w", str(tmp_path), str(ROOT)),
        cwd=tmp_path,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("aexp-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {f"aexp/testing/{path.name}" for path in (ROOT / "src/aexp/testing").glob("*.py")}
    assert ours <= names
    assert "aexp/py.typed" in names
