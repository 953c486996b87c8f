"""Installing into a consumer's repository, with files of its own and an older installation in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aexp.domain.installation import digest
from aexp.domain.installed_texts import MARKERS

RELAY, PROMOTE, SANDBOX = (
    f".claude/skills/aexp-{name}/SKILL.md" for name in ("relay", "promote", "new-sandbox")
)
OWN_AGENTS = "# How we work\r\n\r\nBe kind.\r\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a Python of its own, an AGENTS.md with CRLF, and settings of Claude."""
    root = tmp_path / "con sumer"
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / "AGENTS.md").write_bytes(OWN_AGENTS.encode())
    (root / ".gitignore").write_text("*.ckpt")
    (root / ".claude").mkdir()
    (root / ".claude/settings.json").write_text("{}")
    venv = root / ".venv"
    (venv / "bin").mkdir(parents=True)
    real = Path(sys.executable).resolve()
    (venv / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
    (venv / "bin/python").symlink_to(real)
    site = venv / f"lib/python3.{sys.version_info.minor}/site-packages"
    (site / "aexp-0.dist-info").mkdir(parents=True)
    (site / "path.pth").write_text("\n".join(filter(None, sys.path)))
    return root


def aexp(repo: Path, *words: str, answer: str | None = None) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": os.environ["PATH"], "HOME": str(repo.parent), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "aexp", *words],
        cwd=repo,
        env=env,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(told: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    assert told.returncode == 0, told.stderr
    rows = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
    return {row[1]: row[0] for row in rows}


def snapshot(repo: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(repo)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(repo.rglob("*"))
        if path.is_file() and ".git/" not in f"{path}"
    }


def test_a_plan_writes_nothing_and_without_yes_nobody_is_asked_through_a_pipe(repo: Path) -> None:
    before = snapshot(repo)

    planned, refused = aexp(repo, "install", "--dry-run"), aexp(repo, "install", answer="y\n")

    assert set(lines(planned).values()) == {"create"}
    assert f"plan for {repo}, which calls {sys.executable}" in planned.stderr
    assert refused.returncode == 2
    assert "Nothing was written" in refused.stderr
    assert aexp(repo, "install", "--check").returncode == 1
    assert snapshot(repo) == before


def test_installing_is_whole_repeatable_and_can_be_taken_back(repo: Path) -> None:
    before = snapshot(repo)

    first = aexp(repo, "install", "--yes")
    assert set(lines(first).values()) == {"created"}
    assert "\033[" not in first.stderr
    assert (
        f"not this project's: that has {repo}/.venv; to use that one: --python-exe" in first.stderr
    )
    installed = snapshot(repo)
    agents = (repo / "AGENTS.md").read_bytes().decode()
    assert agents.startswith(OWN_AGENTS)
    assert agents.count("\n") == agents.count("\r\n")
    ignored = ["git", "-C", repo, "check-ignore", RELAY, ".aexp/installed.json"]
    assert subprocess.run(ignored, check=False, capture_output=True).returncode == 0

    again = aexp(repo, "install", "--yes")
    assert set(lines(again).values()) == {"identical"}
    assert aexp(repo, "install", "--check").returncode == 0
    assert snapshot(repo) == installed

    gone = aexp(repo, "uninstall", "--yes")
    assert set(lines(gone).values()) == {"removed"}
    after = snapshot(repo)
    assert {name: held for name, (held, _) in after.items()} == {
        name: held for name, (held, _) in before.items()
    }
    assert sorted(one.name for one in (repo / ".claude").iterdir()) == ["settings.json"]
    assert not (repo / ".aexp").exists()


def older_installation(repo: Path) -> None:
    """As a version before this one would have left it: other texts, their hashes recorded."""
    aexp(repo, "install", "--yes")
    record = json.loads((repo / ".aexp/installed.json").read_text())
    for path in (RELAY, PROMOTE, SANDBOX):
        (repo / path).write_text(f"older text of {path}\n")
        record["files"][path]["sha256"] = [digest(f"older text of {path}\n")]
    markers = MARKERS[".gitignore"]
    (repo / ".gitignore").write_text(f"*.ckpt\n\n{markers.around('/older')}*.pt\n")
    record["files"][".gitignore"]["sha256"] = [digest(markers.around("/older"))]
    record["version"] = "0.0.1"
    (repo / ".aexp/installed.json").write_text(json.dumps(record))


def test_an_older_installation_is_brought_up_to_date_and_edits_are_kept(repo: Path) -> None:
    older_installation(repo)
    edited = "my own way to promote\n"
    (repo / PROMOTE).write_text(edited)
    (repo / RELAY).write_bytes((repo / RELAY).read_bytes().replace(b"\n", b"\r\n"))
    (repo / SANDBOX).unlink()

    drift = aexp(repo, "install", "--check")
    told = aexp(repo, "install", "--yes")

    assert drift.returncode == 1
    assert lines(told) == {
        SANDBOX: "restored",
        PROMOTE: "preserved",
        RELAY: "refreshed",
        "AGENTS.md": "identical",
        ".gitignore": "refreshed",
        ".aexp/installed.json": "refreshed",
    }
    assert "aexp install --new" in told.stderr
    assert (repo / PROMOTE).read_text() == edited
    assert not (repo / f"{PROMOTE}.new").exists()
    ignore = (repo / ".gitignore").read_text()
    assert ignore.startswith("*.ckpt\n\n# aexp:begin")
    assert ignore.endswith("# aexp:end\n*.pt\n")

    assert lines(aexp(repo, "install", "--yes", "--new"))[f"{PROMOTE}.new"] == "created"
    assert "sandbox promote NOTEBOOK" in (repo / f"{PROMOTE}.new").read_text()
    (repo / PROMOTE).write_text((repo / f"{PROMOTE}.new").read_text())
    assert lines(aexp(repo, "install", "--yes"))[f"{PROMOTE}.new"] == "removed"
    assert aexp(repo, "install", "--check").returncode == 0

    (repo / PROMOTE).write_text(edited)
    gone = lines(aexp(repo, "uninstall", "--yes"))
    assert gone[PROMOTE] == "preserved"
    assert (repo / PROMOTE).read_text() == edited
    assert (repo / ".gitignore").read_text() == "*.ckpt\n*.pt\n"


def test_the_commands_call_the_interpreter_that_was_named_and_it_is_remembered(repo: Path) -> None:
    python = f"{repo}/.venv/bin/python"

    told = aexp(repo, "install", "--yes", "--python-exe", ".venv/bin/python")
    again = aexp(repo, "install", "--yes")

    [warning] = [line for line in told.stderr.splitlines() if line.startswith("warning")]
    assert "has a space in it" in warning
    assert set(lines(again).values()) == {"identical"}
    assert json.loads((repo / ".aexp/installed.json").read_text())["python_exe"] == python
    call = next(
        line.strip() for line in (repo / RELAY).read_text().splitlines() if "relay pull |" in line
    )
    assert call.startswith(f"'{python}' -P -m aexp relay")
    (repo / "aexp.py").write_text("print('not aexp')")
    command = f"{call.partition(' relay ')[0]} --version"
    ran = subprocess.run(command, shell=True, cwd=repo, capture_output=True, text=True, check=False)  # noqa: S602
    assert ran.stdout.startswith("aexp "), ran.stderr
    (repo / ".venv/bin/python").unlink()
    lost = aexp(repo, "install", "--yes")
    assert f"There is no interpreter {python}. It was recorded before" in lost.stderr
    assert lines(lost)[RELAY] == "refreshed"


def test_an_environment_of_conda_can_be_named_and_its_base_is_warned_of(repo: Path) -> None:
    conda = repo.parent / "conda"
    for prefix in (conda, conda / "envs/lab"):
        (prefix / "conda-meta").mkdir(parents=True)
        (prefix / "bin").mkdir()
        (prefix / "bin/python").symlink_to(sys.executable)
    (conda / "condabin").mkdir()
    (repo.parent / ".conda").mkdir()
    (repo.parent / ".conda/environments.txt").write_text(f"{conda}\n{conda}/envs/lab\n")

    named = aexp(repo, "install", "--yes", "--conda-env", "lab")
    base = aexp(repo, "install", "--dry-run", "--conda-env", "base")
    wrong = aexp(repo, "install", "--yes", "--conda-env", "lob")
    both = aexp(repo, "install", "--conda-env", "lab", "--python-exe", "x")

    assert named.returncode == 0
    assert f"{conda}/envs/lab/bin/python -P -m aexp" in (repo / RELAY).read_text()
    assert "is conda's base environment, which others use" in base.stderr
    assert wrong.returncode == 65
    assert "Known: base, lab." in wrong.stderr
    assert both.returncode == 2


def test_programs_are_told_in_json(repo: Path) -> None:
    planned = json.loads(aexp(repo, "install", "--dry-run", "--json").stdout)
    done = json.loads(aexp(repo, "install", "--yes", "--json").stdout)
    gone = json.loads(aexp(repo, "uninstall", "--yes", "--json").stdout)
    nothing = aexp(repo, "uninstall", "--yes")

    assert (planned["planned"], planned["drift"], planned["root"]) == (True, True, str(repo))
    assert done["python_exe"] == sys.executable
    assert {one["outcome"] for one in done["files"]} == {"created"}
    assert {one["outcome"] for one in gone["files"]} == {"removed"}
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing is installed" in nothing.stderr


def test_a_record_by_a_stranger_can_have_nothing_removed(repo: Path) -> None:
    (repo / ".aexp").mkdir()
    record = {"schema": 1, "version": "1", "python_exe": "", "folders": []}
    names = {"../precious": {"sha256": [digest("precious")]}}
    (repo / ".aexp/installed.json").write_text(json.dumps({**record, "files": names}))
    (repo.parent / "precious").write_text("precious")

    told = aexp(repo, "uninstall", "--yes")

    assert told.returncode == 65
    assert "is no record of an installation" in told.stderr
    assert (repo.parent / "precious").exists()


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_reader_who_goes_away_leaves_nothing_half_done(repo: Path, verb: str) -> None:
    if verb == "uninstall":
        aexp(repo, "install", "--yes")
    command = [sys.executable, "-P", "-m", "aexp", verb, "--yes"]
    reading, writing = os.pipe()
    os.close(reading)
    subprocess.run(command, cwd=repo, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    left = aexp(repo, "install", "--check")
    assert left.returncode == (0 if verb == "install" else 1)
    assert set(lines(aexp(repo, verb, "--yes")).values()) <= {"identical"}


def test_a_person_is_asked_on_a_terminal_and_may_say_no(repo: Path) -> None:
    import pty

    before = snapshot(repo)
    main, side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "aexp", "install"],
        cwd=repo, stdin=side, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as asked:  # fmt: skip
        os.write(main, b"n\n")
        out, err = asked.communicate(timeout=60)
    os.close(main)
    os.close(side)

    assert (asked.returncode, out) == (1, "")
    assert err.endswith("Nothing was written.\n")
    assert "create     AGENTS.md" in err
    assert "Go ahead?" in err
    assert snapshot(repo) == before
