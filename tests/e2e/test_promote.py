"""Promoted scripts run and give what the cells gave: a real kernel, real processes, a real repository."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from aexp.sandbox import scaffold
from tests.told import Screen

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

HELPERS = '''

import math

SCALE = 3


def scaled(x):
    """Größe."""
    return _twice(x) * SCALE + math.floor(0.5)


def _twice(x):
    return 2 * x


def unused():
    raise RuntimeError
'''
CELLS = [
    "import random, json; import statistics as st\nfrom helpers import scaled as grow\n"
    "%precision 3\n!true\nrandom.seed(seed)",
    "#| export\nvalues = [grow(random.random()) for _ in range(repeats)]\n"
    "note = '''\n%not magic\n!größe\n'''",
    "%%time\nresult = {\n    'mean': st.mean(values),\n    'note': note,\n    'from': SANDBOX_DIR.name,\n"
    "    'in': paths['repo_root'].name,\n}",
    "%time result['n'] = len(values)\nif True:\n    !true\n    print(json.dumps(result, ensure_ascii=False))",
]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "größe of 实验"
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.fixture
def notebook(repo: Path) -> Path:
    """A sandbox's notebook with four cells more, which is cell 14 to 17."""
    sandbox = repo / scaffold("lr-warmup", repo_root=repo).dir_path
    helpers = sandbox / "helpers.py"
    helpers.write_text(helpers.read_text("utf-8") + HELPERS, "utf-8")
    held = nbformat.read(sandbox / "00_feasibility.ipynb", as_version=4)
    held.cells += [
        nbformat.v4.new_code_cell(source, id=f"mine-{at}") for at, source in enumerate(CELLS)
    ]
    nbformat.write(held, sandbox / "00_feasibility.ipynb")
    return sandbox / "00_feasibility.ipynb"


def aexp(cwd: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return python(cwd, "-m", "aexp", "sandbox", "promote", *words)


def python(cwd: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def git(repo: Path, *words: str) -> str:
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", repo, *names, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def executed(notebook: Path, **values: int) -> dict[str, object]:
    """What the last cell prints in a real kernel, with these parameters."""
    held = nbformat.read(notebook, as_version=4)
    for name, value in values.items():
        cell = next(one for one in held.cells if one.id == "parameters")
        cell.source += f"\n{name} = {value}"
    resources = {"metadata": {"path": str(notebook.parent)}}
    client = NotebookClient(held, timeout=60, kernel_name="python3", resources=resources)
    kept = {key: value for key, value in os.environ.items() if key != "JPY_SESSION_NAME"}
    home = {"IPYTHONDIR": str(notebook.parents[3] / ".ipython"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = client.execute(env={**kept, **home})
    texts = [one["text"] for one in done.cells[-1].outputs if one.get("name") == "stdout"]
    return last_line("".join(texts))


def last_line(text: str) -> dict[str, object]:
    (line,) = [line for line in text.splitlines() if line.startswith("{")]
    read: dict[str, object] = json.loads(line)
    return read


def test_a_promoted_script_gives_what_the_cells_gave(repo: Path, notebook: Path) -> None:
    before = notebook.read_bytes()

    told = aexp(repo, str(notebook), "--cells", "14-17", "--to", "scripts/", "--experiment", "E012")

    assert told.returncode == 0, told.stderr
    script = repo / "scripts" / "E012_lr_warmup.py"
    assert notebook.read_bytes() == before
    gave = executed(notebook)
    for cwd in (repo, notebook.parent, script.parent):
        ran = python(cwd, str(script))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert last_line(ran.stdout) == gave
    varied = python(repo, str(script), "--seed", "7", "--repeats", "2")
    assert last_line(varied.stdout) == executed(notebook, seed=7, repeats=2) != gave
    assert [
        line.split(" does not")[0] for line in told.stderr.splitlines() if "does not" in line
    ] == [
        "note: cell 14 (mine-0), line 3",
        "note: cell 14 (mine-0), line 4",
        "note: cell 17 (mine-3), line 3",
    ]
    assert "- Promoted: " in (notebook.parent / "README.md").read_text("utf-8")


def test_a_promoted_script_outlives_its_sandbox(repo: Path, notebook: Path) -> None:
    aexp(repo, str(notebook), "--cells", "14-17", "--to", "scripts/x.py")
    gave = executed(notebook)
    notebook.parent.rename(repo / "gone")

    assert last_line(python(repo, "scripts/x.py").stdout) == gave


def test_a_promoted_script_can_be_imported_and_has_its_defaults(repo: Path, notebook: Path) -> None:
    aexp(repo, str(notebook), "--cells", "14-17", "--to", "study.py")

    ran = python(repo, "-c", "import study; print(study.seed, study.repeats)", "--seed", "9")

    assert ran.stdout.splitlines()[-1] == "0 5"


def test_a_dry_run_shows_the_diff_and_leaves_everything_as_it_is(
    repo: Path, notebook: Path
) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")

    told = aexp(
        notebook.parent, notebook.name, "--cells", "mine-0,15-", "--to", "../../../", "--dry-run"
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("--- /dev/null\n+++ b/lr_warmup.py\n")
    assert "\n+- Promoted: " in told.stdout
    head = git(repo, "rev-parse", "HEAD").strip()
    assert f"\n+# Commit:     {head}\n" in told.stdout
    assert git(repo, "status", "--porcelain") == ""


def test_json_has_the_result_and_notes_are_in_it(repo: Path, notebook: Path) -> None:
    told = aexp(repo, str(notebook), "--to", "x.py", "--param", "seed", "--json")

    # Cell 15 alone begins with the mark; what it needs of cell 14 is imported there.
    assert told.returncode == 0, told.stderr
    made = json.loads(told.stdout)
    assert (made["script"], made["cells"], made["along"], made["options"]) == (
        *("x.py", ["parameters", "mine-1"], ["parameters"]),
        ["--seed"],
    )
    assert made["as_committed"] is False
    assert (made["written"], made["undefined"]) == (True, [])
    assert told.stderr == ""


def test_a_tag_chooses_cells(repo: Path, notebook: Path) -> None:
    held = nbformat.read(notebook, as_version=4)
    held.cells[-2].metadata["tags"] = ["promote"]
    nbformat.write(held, notebook)

    told = aexp(repo, str(notebook), "--tag", "promote", "--to", "x.py")

    assert told.returncode == 65
    assert (
        "`values` in cell 16 (mine-2) is not defined here; cell 15 (mine-1) defines it"
        in told.stderr
    )
    assert "--allow-undefined" in told.stderr
    assert not (repo / "x.py").exists()


def test_nothing_is_written_through_a_link_or_over_anything(repo: Path, notebook: Path) -> None:
    outside = repo.parent / "outside"
    outside.mkdir()
    (repo / "out").symlink_to(outside)
    (repo / "dangling.py").symlink_to(outside / "x.py")
    (repo / "inner.py").symlink_to(repo / "not-there.py")
    (repo / "mine.py").write_text("mine\n")
    (repo / "hooks").symlink_to(repo / ".git" / "hooks")

    for place in (
        "out/x.py",
        "out/",
        "dangling.py",
        "inner.py",
        "mine.py",
        "hooks/x.py",
        "../x.py",
    ):
        told = aexp(repo, str(notebook), "--cells", "14-17", "--to", place)
        assert (told.returncode, told.stdout) == (65, ""), place

    assert [*outside.iterdir()] == []
    assert (repo / "mine.py").read_text() == "mine\n"
    assert not (repo / "not-there.py").exists()
    assert "Promoted: 2" not in (notebook.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("answer", "written"), [(b"n\n", False), (b"y\n", True)])
def test_on_a_terminal_a_script_that_no_commit_can_be_found_for_is_asked_about_first(
    repo: Path, notebook: Path, answer: bytes, written: bool
) -> None:
    screen = Screen()
    command = [sys.executable, "-m", "aexp", "sandbox", "promote", notebook, "--cells", "14-17"]
    with subprocess.Popen(
        [*command, "--to", "x.py"],
        cwd=repo,
        stdin=screen.slave,
        stdout=screen.slave,
        stderr=screen.slave,
    ) as running:
        while b"Promote it all the same?" not in screen.seen():
            assert select.select([screen.master], [], [], 60)[0], screen.seen()
        assert not (repo / "x.py").exists()
        screen.press(answer)
        ended = running.wait(timeout=60)

    assert (ended, (repo / "x.py").exists()) == ((0, True) if written else (1, False))
    assert b"save and commit the notebook, then promote" in screen.seen()
    assert (b"Nothing was written." in screen.seen()) != written
    screen.close()


def test_on_a_terminal_nobody_is_asked_about_what_is_committed(repo: Path, notebook: Path) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    screen = Screen()
    command = [sys.executable, "-m", "aexp", "sandbox", "promote", notebook, "--cells", "14-17"]

    ran = subprocess.run(
        [*command, "--to", "x.py"],
        cwd=repo,
        check=False,
        timeout=60,
        stdin=screen.slave,
        stdout=screen.slave,
        stderr=screen.slave,
    )

    assert (ran.returncode, (repo / "x.py").exists()) == (0, True)
    screen.close()


def test_wrong_usage_is_told_as_such(repo: Path, notebook: Path) -> None:
    for words in (("--cells", "1", "--tag", "x"), ("--param", ",")):
        assert aexp(repo, str(notebook), "--to", "x.py", *words).returncode == 2
    assert aexp(repo, str(notebook)).returncode == 2


def test_the_list_of_sandboxes_knows_of_the_promotion(repo: Path, notebook: Path) -> None:
    aexp(repo, str(notebook), "--cells", "14-17", "--to", "x.py", "--experiment", "E3")

    listed = json.loads(python(repo, "-m", "aexp", "sandbox", "ls", "--json").stdout)

    (promoted,) = listed["sandboxes"][0]["promoted"]
    assert (promoted["notebook"], promoted["script"], promoted["experiment"]) == (
        *("00_feasibility.ipynb", "E3_x.py", "E3"),
    )
