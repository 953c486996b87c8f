"""The repository's own templates: what stands in their slots, and what is refused before anything is made."""

import json
from datetime import date
from pathlib import Path

import pytest

from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.domain.errors import SandboxScaffoldError
from aexp.domain.ipynb import read_notebook, written
from aexp.domain.sandbox_starter import STARTER, stages_in
from aexp.domain.sandbox_templates import SLOTS, TEMPLATES, built_in, slot_values
from aexp.domain.sandbox_texts import README
from aexp.sandbox import scaffold

FOLDER = "/repo/.aexp/templates/sandbox"
PROBE = "/repo/notebooks/_sandbox/2026-11-23_probe"
HELPERS = "REPO_ROOT = {{sandbox.repo_root}}\nSANDBOX_DIR = __file__\n"


@pytest.fixture
def disk() -> MemoryFilesystem:
    filesystem = MemoryFilesystem()
    filesystem.create_directory("/repo/.git", {})
    return filesystem


def make(disk: MemoryFilesystem, title: str | None = None) -> None:
    scaffold("probe", title=title, repo_root="/repo", today=date(2026, 11, 23), filesystem=disk)


def notebook(*sources: str, **more: object) -> str:
    cells = [
        {"cell_type": "code", "id": f"c{place}", "metadata": {}, "outputs": [], "source": source}
        | {"execution_count": None}
        for place, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more})


def test_every_slot_is_filled_in_every_file(disk: MemoryFilesystem) -> None:
    slots = "\n".join(f"{slot}=<{{{{ sandbox.{slot} }}}}>" for slot in SLOTS)
    disk.create_file(f"{FOLDER}/README.md", f"Ours\n{slots}\n")
    disk.create_file(f"{FOLDER}/helpers.py", f'"""Ours {{{{sandbox.slug}}}}."""\n{HELPERS}')
    disk.create_file(f"{FOLDER}/{STARTER}", notebook("{{sandbox.setup}}", "# {{sandbox.title}}"))

    make(disk, title='"Quoted" {x}')

    values = slot_values("2026-11-23_probe", '"Quoted" {x}', "/repo", inside=True)
    readme = disk.read_text(f"{PROBE}/README.md")
    assert readme == "Ours\n" + "".join(f"{slot}=<{values[slot]}>\n" for slot in SLOTS)
    assert disk.read_text(f"{PROBE}/helpers.py").startswith('"""Ours probe."""\nREPO_ROOT = None\n')
    setup, title = read_notebook(disk.read_text(f"{PROBE}/{STARTER}")).cells
    assert setup.source == values["setup"]
    assert title.source == '# "Quoted" {x}'


def test_what_only_looks_like_a_slot_stays(disk: MemoryFilesystem) -> None:
    text = r"$\frac{{a}}{{b}}$ {name} {{name}} {% x %} ${HOME} {{ cookiecutter.x }}"
    disk.create_file(f"{FOLDER}/README.md", text)

    make(disk)

    assert disk.read_text(f"{PROBE}/README.md") == text


def test_a_title_is_no_template(disk: MemoryFilesystem) -> None:
    make(disk, title="{{sandbox.nonsense}}")

    assert "— {{sandbox.nonsense}}\n" in disk.read_text(f"{PROBE}/README.md")


def test_one_template_of_ones_own_leaves_the_others_built_in(disk: MemoryFilesystem) -> None:
    disk.create_file(
        f"{FOLDER}/README.md", "## Stages\n- [ ] **0. Look:** at it\n- [x] **1. Think**\n"
    )
    disk.create_file(f"{FOLDER}/.gitkeep", "")

    make(disk)

    assert "SANDBOX_DIR" in disk.read_text(f"{PROBE}/helpers.py")
    texts = [cell.source for cell in read_notebook(disk.read_text(f"{PROBE}/{STARTER}")).cells]
    assert "## Stage 0: Look\n\nat it" in texts
    assert "## Stage 1: Think" in texts
    assert not any("Calibration" in text for text in texts)


def test_the_built_in_notebook_mirrors_the_stages_of_the_readme() -> None:
    read = read_notebook(built_in()[STARTER])

    headings = [cell.source for cell in read.cells if cell.source.startswith("## Stage")]
    stages = stages_in(README)
    assert [stage.name for stage in stages] == [
        "Sanity",
        "Calibration",
        "Pilot",
        "Attack",
        "Decision",
    ]
    assert headings == [f"## Stage {one.number}: {one.name}\n\n{one.text}" for one in stages]
    assert [cell.id for cell in read.cells if "parameters" in cell.tags] == ["parameters"]
    assert read.cells[0].source == "{{sandbox.setup}}"


def test_the_built_in_templates_are_templates(disk: MemoryFilesystem) -> None:
    make(disk)
    first = {name: disk.read_text(f"{PROBE}/{name}") for name in TEMPLATES}
    again = MemoryFilesystem()
    again.create_directory("/repo/.git", {})
    again.create_directory(FOLDER, built_in())

    make(again)

    assert {name: again.read_text(f"{PROBE}/{name}") for name in TEMPLATES} == first


SETS_UP = "setup_sandbox_notebook()"
BAD = [
    ("README.md", " \n", "is empty"),
    (
        "README.md",
        "{{sandbox.tilte}}",
        r"not known: \{\{sandbox.tilte\}\}.*Did you mean \{\{sandbox.title\}\}",
    ),
    ("README.md", "x" * ((1 << 20) + 1), "larger than 1 MB"),
    ("helpers.py", f"{HELPERS}def broken(:\n", r"is not Python.*line 3"),
    ("helpers.py", f"{HELPERS}x = '{{{{sandbox.title}}}}'\n", r"is not Python"),
    ("helpers.py", "REPO_ROOT = 1\n", "does not define SANDBOX_DIR"),
    ("helpers.py", HELPERS + "x = " + "(" * 100_000, "is not Python"),
    (STARTER, "not json", "line 1 is not JSON"),
    (STARTER, "[" * 100_000, "cannot be read"),
    (STARTER, "[]", "not a JSON object"),
    (STARTER, notebook(SETS_UP, nbformat=3), "not in notebook format 4"),
    (STARTER, notebook(SETS_UP).replace('"c0"', '"a b"'), "has no id, or one that"),
    (STARTER, notebook(SETS_UP, "x").replace('"c1"', '"c0"'), "have the same id"),
    (STARTER, notebook(SETS_UP, "\ud800"), "half a character"),
    (STARTER, notebook("print(1)", SETS_UP), "does not set the sandbox up in its first cell"),
    (STARTER, notebook(SETS_UP, "{{sandbox.x}}"), "not known"),
    ("readme.md", "Ours", r"is not a template.*Did you mean README.md\?"),
    ("notes.txt", "Ours", r"is not a template\. Templates are called"),
    ("README.md/deeper", "x", "is not a file"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD)
def test_a_bad_template_is_refused_and_nothing_is_made(
    disk: MemoryFilesystem, name: str, text: str, message: str
) -> None:
    disk.create_file(f"{FOLDER}/{name}", text)
    before = disk.everything()

    with pytest.raises(SandboxScaffoldError, match=message) as caught:
        make(disk, title="it's")

    assert ".aexp/templates/sandbox/" in caught.value.what
    assert caught.value.hint
    assert disk.everything() == before


@pytest.mark.parametrize("link", ["README.md", "folder"])
def test_a_template_that_leads_out_of_the_repository_is_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    folder = tmp_path / "repo" / ".aexp" / "templates" / "sandbox"
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "README.md").write_text("a private key")
    if link == "folder":
        folder.parent.mkdir(parents=True)
        folder.symlink_to(tmp_path / "secret")
    else:
        folder.mkdir(parents=True)
        (folder / "README.md").symlink_to(tmp_path / "secret" / "README.md")

    with pytest.raises(SandboxScaffoldError, match="leads out of the repository"):
        scaffold("probe", repo_root=tmp_path / "repo")

    assert not (tmp_path / "repo" / "notebooks").exists()


def test_a_template_may_be_a_link_inside_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / ".aexp" / "templates" / "sandbox"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "form.md").write_text("Ours {{sandbox.slug}}")
    (folder / "README.md").symlink_to("../../../form.md")

    made = scaffold("probe", repo_root=tmp_path)

    assert (tmp_path / made.dir_path / "README.md").read_text() == "Ours probe"


def test_a_sandbox_outside_the_repository_uses_its_templates_and_knows_where_it_is(
    disk: MemoryFilesystem,
) -> None:
    disk.create_file(f"{FOLDER}/helpers.py", f"from pathlib import Path\n{HELPERS}")

    scaffold(
        "probe", repo_root="/repo", parent_dir="/far", today=date(2026, 11, 23), filesystem=disk
    )

    assert "REPO_ROOT = Path('/repo')\n" in disk.read_text("/far/2026-11-23_probe/helpers.py")
    first = read_notebook(disk.read_text(f"/far/2026-11-23_probe/{STARTER}")).cells[0]
    assert first.source == "from helpers import REPO_ROOT, SANDBOX_DIR"


def test_what_is_written_is_what_nbformat_writes() -> None:
    import nbformat

    text = built_in()[STARTER]
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text
    assert written(json.loads(text)) == text
