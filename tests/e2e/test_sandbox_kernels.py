"""Sandboxes in real kernels, as Jupyter, VS Code and papermill start them."""

import os
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from aexp.sandbox import scaffold

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SETUP = "from aexp.sandbox import setup_sandbox_notebook\npaths = setup_sandbox_notebook()"
TELL = "from helpers import REPO_ROOT, SANDBOX_DIR\nprint(REPO_ROOT, SANDBOX_DIR, sep='\\n')"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "größe of 实验"
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def make(root: Path, slug: str) -> Path:
    return root / scaffold(slug, repo_root=root).dir_path


def run(notebook: nbformat.NotebookNode, cwd: Path, **said: str) -> list[list[dict[str, Any]]]:
    """The outputs of each cell of code; a failing one fails the test."""
    resources = {"metadata": {"path": str(cwd)}}
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources=resources)
    kept = {key: value for key, value in os.environ.items() if key != "JPY_SESSION_NAME"}
    ipython = {"IPYTHONDIR": str(cwd / ".ipython"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = client.execute(env={**kept, **ipython, **said})
    return [cell["outputs"] for cell in done["cells"] if cell["cell_type"] == "code"]


def cells(*sources: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def told(outputs: list[dict[str, Any]], stream: str = "stdout") -> list[str]:
    text = "".join(one["text"] for one in outputs if one.get("name") == stream)
    return text.splitlines()


def starter(sandbox: Path) -> nbformat.NotebookNode:
    text = (sandbox / "00_feasibility.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert nbformat.writes(notebook) == text.rstrip("\n")
    return notebook


def test_the_starter_notebook_runs_as_written_where_jupyter_starts_it(repo: Path) -> None:
    sandbox = make(repo, "probe")
    notebook = starter(sandbox)
    assert "parameters" in notebook["cells"][2]["metadata"]["tags"]
    notebook["cells"].append(nbformat.v4.new_code_cell(TELL + "\nprint(seed, repeats)"))

    *written, last = run(notebook, sandbox)

    assert [outputs for outputs in written if outputs] == []
    assert told(last) == [str(repo), str(sandbox), "0 5"]


def test_the_starter_notebook_runs_outside_every_repository(tmp_path: Path) -> None:
    made = scaffold("probe", repo_root=None, parent_dir=tmp_path / "scratch")
    notebook = starter(Path(made.dir_path))

    assert [one for one in run(notebook, Path(made.dir_path)) if one] == []


@pytest.mark.parametrize(
    "shape", ["{sandbox}/00_feasibility.ipynb", "{relative}/00_feasibility.ipynb"]
)
def test_a_kernel_at_the_repositorys_root_learns_from_jupyter_where_its_notebook_lies(
    repo: Path, shape: str
) -> None:
    make(repo, "another")
    sandbox = make(repo, "probe")
    session = shape.format(sandbox=sandbox, relative=sandbox.relative_to(repo))

    _, outputs = run(cells(SETUP, TELL), repo, JPY_SESSION_NAME=session)

    assert told(outputs) == [str(repo), str(sandbox)]


def test_a_kernel_of_vs_code_knows_its_notebook_by_a_variable(repo: Path) -> None:
    inherited, sandbox = make(repo, "another"), make(repo, "probe")
    told_by_vs_code = f"__vsc_ipynb_file__ = {str(sandbox / '00_feasibility.ipynb')!r}"

    _, _, outputs = run(
        cells(told_by_vs_code, SETUP, TELL), repo, JPY_SESSION_NAME=str(inherited / "x.ipynb")
    )

    assert told(outputs) == [str(repo), str(sandbox)]


def test_a_kernel_at_the_root_that_is_told_nothing_asks_for_a_name_and_takes_it(repo: Path) -> None:
    sandbox = make(repo, "probe")
    asking = f"try:\n    {SETUP.splitlines()[1]}\nexcept FileNotFoundError as exc:\n    print(exc)"
    named = f'setup_sandbox_notebook("{sandbox.name}")'

    _, asked, _, outputs = run(cells(SETUP.splitlines()[0], asking, named, TELL), repo)

    assert told(asked)[0].endswith(named)
    assert told(outputs) == [str(repo), str(sandbox)]


def test_in_a_worktree_the_worktrees_own_sandbox_is_meant(repo: Path, tmp_path: Path) -> None:
    make(repo, "probe")
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (
        ("add", "-A"),
        (*names, "commit", "-qm", "x"),
        ("worktree", "add", "-q", "../tree"),
    ):
        subprocess.run(["git", "-C", repo, *words], check=True, capture_output=True)
    tree = tmp_path / "tree"
    (sandbox,) = tree.glob("notebooks/_sandbox/*_probe")

    _, by_folder = run(cells(SETUP, TELL), sandbox)
    _, by_name = run(cells(SETUP.replace("()", '("probe")'), TELL), tree)

    assert told(by_folder) == told(by_name) == [str(tree), str(sandbox)]


def test_two_sandboxes_in_one_kernel_never_get_each_others_helpers(repo: Path) -> None:
    first, second = make(repo, "first"), make(repo, "second")
    (first / "plots.py").write_text("WHOSE = 'first'\n")
    enter = 'from aexp.sandbox import setup_sandbox_notebook\nsetup_sandbox_notebook("{}")'.format
    plots = "import importlib.util\nprint(importlib.util.find_spec('plots'))"

    _, in_first, _, switched, again, in_second, gone, back, in_first_again = run(
        cells(
            enter("first"), TELL, "import plots", enter("second") + "\nNone",
            enter("second") + "\nNone", TELL, plots, enter("first") + "\nNone", TELL,
        ),
        repo,
    )  # fmt: skip

    assert told(in_first)[1] == told(in_first_again)[1] == str(first)
    assert told(in_second)[1] == str(second)
    (notice,) = told(switched, "stderr")
    assert "helpers" in notice
    assert "plots" in notice
    assert second.name in notice
    assert again == []
    assert told(gone) == ["None"]
    assert first.name in told(back, "stderr")[0]
