"""A real notebook in a real kernel: the magic, results as values, await, and nothing printed by itself."""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.site import Site

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def executed(site: Site, *cells: str) -> list[list[dict[str, Any]]]:
    """The outputs of each cell, in a kernel that was started in the working copy."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(site.repo)}},
    )
    env = {**site.env, "IPYTHONDIR": str(site.state / "ipython"), "PYTHONWARNINGS": "default"}
    done = client.execute(env=env)
    return [cell["outputs"] for cell in done["cells"]]


def text(outputs: list[dict[str, Any]]) -> str:
    """The plain text of a cell's one value."""
    (value,) = outputs
    assert value["output_type"] == "execute_result"
    assert "<script" not in value["data"]["text/html"]
    return str(value["data"]["text/plain"])


def test_a_day_in_a_notebook(site: Site) -> None:
    site.serve()
    theirs = site.colleague("theirs.txt")
    loaded, pulled, status, pushed, awaited, handle = executed(
        site,
        "%load_ext aexp",
        "%relay pull",
        "standing = %relay status\nprint(standing.up)",
        "%relay push -b nowhere",
        "from aexp.airgapped import RelayClient\nawait RelayClient().submit('git_status')",
        "%relay fetch --no-wait",
    )
    assert loaded == []
    assert text(pulled).startswith("ok git_pull in")
    assert site.git("rev-parse", "HEAD") == theirs
    assert status[0]["text"] == "True\n"
    assert text(pushed).startswith("failed git_push in")
    assert text(awaited).startswith("ok git_status in")
    assert text(handle).startswith("request ")


def test_errors_are_errors_and_say_what_to_do(site: Site) -> None:
    _, down, wrong, seen = executed(
        site,
        "%load_ext aexp",
        "%relay pull",
        "%relay pull --force",
        "from aexp.airgapped import RelayDownError\nRelayDownError('Down.', 'Start one.')",
    )
    assert [one["ename"] for one in (*down, *wrong)] == ["RelayDownError", "SettingsError"]
    assert "aexp relay serve" in down[0]["evalue"]
    assert "--branch" in wrong[0]["evalue"]
    # IPython prints exceptions in its own way; a browser shows ours.
    assert "Start one." in seen[0]["data"]["text/html"]


def test_verbs_and_options_are_completed(site: Site) -> None:
    lines = ("%relay pu", "%relay push --b")
    cells = ["%load_ext aexp\nimport warnings\nwarnings.simplefilter('ignore')"]
    cells += [f"print(get_ipython().complete('', {line!r}, {len(line)})[1])" for line in lines]
    _, verbs, options = executed(site, *cells)
    assert "push" in verbs[0]["text"]
    assert "pull" in verbs[0]["text"]
    assert "--branch" in options[0]["text"]
