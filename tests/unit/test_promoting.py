"""Promoting in memory: what is written and where, and all that is refused before anything is."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
import pytest

from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.adapters.history.memory import MemoryHistory
from aexp.domain.errors import AexpError, FilesystemError, HistoryError, SandboxError
from aexp.domain.sandbox_promoted import Promotion, promotions
from aexp.ports.history import History, Standing
from aexp.sandbox import PromotedScript, promote_notebook, scaffold

SANDBOX = "/repo/notebooks/_sandbox/2026-11-23_lr-warmup"
NOTEBOOK = f"{SANDBOX}/00_feasibility.ipynb"
README = f"{SANDBOX}/README.md"
DAY = date(2026, 11, 25)
NEEDS_SANDBOX = (
    "cell 15 (more-14) uses SANDBOX_DIR: what is read or written there is found only while the sandbox "
    "stays where it is"
)


class Desk:
    """A repository in memory with one sandbox, whose notebook has two more cells."""

    def __init__(self, disk: MemoryFilesystem | None = None) -> None:
        self.disk = disk or MemoryFilesystem()
        self.disk.create_directory("/repo/.git", {})
        self.git: History = MemoryHistory(self.disk)
        scaffold("lr-warmup", repo_root="/repo", today=date(2026, 11, 23), filesystem=self.disk)
        self.add("x = seed + 1", "y = x * repeats\nprint(y, SANDBOX_DIR)")

    def add(self, *sources: str, **metadata: Any) -> None:
        held = nbformat.reads(self.disk.read_text(NOTEBOOK), as_version=4)
        for source in sources:
            cell = nbformat.v4.new_code_cell(source, id=f"more-{len(held.cells)}")
            held.cells.append(cell)
        held.metadata.update(metadata)
        self.disk.write(NOTEBOOK, nbformat.writes(held))

    def promote(self, **words: Any) -> PromotedScript:
        given = {"notebook": NOTEBOOK, "to": "/repo/scripts/", "cells": "14-15", "today": DAY}
        return promote_notebook(**{**given, **words}, filesystem=self.disk, history=self.git)

    def refused(self, words: str, **arguments: Any) -> None:
        before = {path: self.text(path) for path in self.disk.everything()}
        with pytest.raises(SandboxError, match=words):
            self.promote(**arguments)
        assert {path: self.text(path) for path in self.disk.everything()} == before

    def text(self, path: str) -> str:
        return "" if path.endswith("/") else self.disk.read_text(path)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_script_and_a_line_in_the_readme_are_all_that_is_written(desk: Desk) -> None:
    assert isinstance(desk.git, MemoryHistory)
    desk.git.commit("/repo", 7)
    before = {path: desk.text(path) for path in desk.disk.everything()}

    made = desk.promote(experiment="E012")

    after = {path: desk.text(path) for path in desk.disk.everything()}
    script = "/repo/scripts/E012_lr_warmup.py"
    assert {*after} - {*before} == {script, "/repo/scripts/"}
    assert [path for path in before if after[path] != before[path]] == [README]
    told = Promotion(DAY, "00_feasibility.ipynb", "scripts/E012_lr_warmup.py", "E012")
    assert promotions(after[README]) == (told,)
    commit = desk.git.look("/repo", SANDBOX).commits[NOTEBOOK].id
    digest = sha256(before[NOTEBOOK].encode()).hexdigest()
    for fact in (
        commit,
        digest,
        "3 (parameters), 14 (more-13), 15 (more-14)",
        "E012",
        "2026-11-25",
    ):
        assert f" {fact}\n" in after[script].split("\n\n")[0] + "\n"
    assert asdict(made) == {
        "script": "scripts/E012_lr_warmup.py",
        "notebook": "notebooks/_sandbox/2026-11-23_lr-warmup/00_feasibility.ipynb",
        "sandbox": "notebooks/_sandbox/2026-11-23_lr-warmup",
        "cells": ("parameters", "more-13", "more-14"),
        "along": ("parameters",),
        "notebook_sha256": digest,
        "commit": commit,
        "as_committed": True,
        "experiment": "E012",
        "options": ("--seed", "--repeats"),
        "undefined": (),
        "warnings": (NEEDS_SANDBOX,),
        "written": True,
        "diff": made.diff,
    }


def test_a_dry_run_shows_what_it_would_do_and_does_nothing(desk: Desk) -> None:
    before = desk.disk.everything(), desk.disk.read_text(README)

    made = desk.promote(dry_run=True)

    assert (desk.disk.everything(), desk.disk.read_text(README)) == before
    assert made.written is False
    assert made.diff.startswith("--- /dev/null\n+++ b/scripts/lr_warmup.py\n@@ ")
    assert (
        "\n+- Promoted: 2026-11-25 · `00_feasibility.ipynb` → `scripts/lr_warmup.py`\n" in made.diff
    )
    assert made.diff == desk.promote().diff


def test_twice_the_same_but_for_the_name_gives_the_same_script(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.promote(to=f"/repo/{name}.py")

    assert desk.text("/repo/one.py") == desk.text("/repo/two.py")
    assert len(promotions(desk.text(README))) == 2


def test_the_header_says_when_no_commit_has_the_notebook_as_it_is(desk: Desk) -> None:
    assert isinstance(desk.git, MemoryHistory)
    none = desk.promote(dry_run=True)
    desk.git.commit("/repo", 7)
    desk.add("z = 1")
    changed = desk.promote(dry_run=True)

    assert none.commit is None
    assert "+# Commit:     none, the notebook is in no commit\n" in none.diff
    assert f"+# Commit:     {changed.commit}, and the notebook has changed since\n" in changed.diff
    for made in (none, changed):
        assert made.as_committed is False
        assert "save and commit the notebook, then promote" in made.warnings[0]
        assert "delete it and its line in the README before that" in made.warnings[0]


def test_without_git_the_script_is_made_and_says_so(desk: Desk) -> None:
    class NoGit(MemoryHistory):
        def look(self, root: str, folder: str) -> Standing:
            raise HistoryError("git could not be started.", "Install git.")

    desk.git = NoGit(desk.disk)

    assert desk.promote().warnings[0] == "git could not be started. Install git."
    assert "git could not be asked" in desk.text("/repo/scripts/lr_warmup.py")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to": "/repo/notebooks/x.txt"}, "neither a folder nor does it end in .py"),
        ({"to": "/repo/scripts"}, "neither a folder nor does it end in .py"),
        ({"to": "/elsewhere/x.py"}, "outside the repository"),
        ({"to": "/repo/scripts/../../x.py"}, "outside the repository"),
        ({"to": "/repo-2/x.py"}, "outside the repository"),
        ({"to": "/repo/.git/hooks/x.py"}, "git's own folder"),
        ({"to": "/repo/.GIT/x.py"}, "git's own folder"),
        ({"to": "/repo/vendored/src/x.py"}, "another repository"),
        ({"to": f"{SANDBOX}/x.py"}, "lies in a sandbox"),
        ({"to": f"{SANDBOX}/deep/x.py"}, "lies in a sandbox"),
        ({"to": "/repo/taken.py"}, "exists already"),
        ({"to": "/repo/taken.py", "dry_run": True}, "exists already"),
        ({"to": "/repo/a`b.py"}, "Rename the file"),
        ({"notebook": f"{SANDBOX}/missing.ipynb"}, "There is no notebook"),
        ({"notebook": "/repo/notebooks"}, "There is no notebook /repo/notebooks"),
        ({"notebook": README}, "is no notebook"),
        ({"notebook": "/repo/loose.ipynb"}, "lies in no sandbox"),
        ({"notebook": "/2026-11-23_stray/a.ipynb"}, "no git repository"),
        ({"cells": "99"}, "has 15"),
        ({"cells": None}, "No cell begins"),
        ({"tag": "x"}, "chosen twice"),
        ({"experiment": "H012"}, "such as E012"),
        ({"parameters": ("lr",)}, r"could be options: seed, repeats\."),
        (
            {"cells": "15"},
            r"`x` in cell 15 .* cell 14 \(more-13\) defines it.* Choose cell 14 as well",
        ),
    ],
)
def test_what_may_not_be_is_refused_and_nothing_is_changed(
    desk: Desk, arguments: dict[str, Any], words: str
) -> None:
    desk.disk.create_directory("/repo/vendored/.git", {})
    for path in ("/repo/taken.py", "/repo/loose.ipynb", "/2026-11-23_stray/a.ipynb"):
        desk.disk.write(path, "{}")
    desk.refused(words, **arguments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<<<<<<<", "line 1 is not JSON"),
        ('{"nbformat": 3, "worksheets": []}', "not in notebook format 4"),
        ('{"nbformat": 5, "cells": []}', "not in notebook format 4"),
        ('{"nbformat": 4, "cells": []}', "No cell of code|There are no cells"),
    ],
)
def test_what_is_no_notebook_of_format_4_is_refused(desk: Desk, text: str, words: str) -> None:
    desk.disk.write(NOTEBOOK, text)
    desk.refused(words)


def test_a_sandbox_with_one_notebook_is_as_good_as_its_path(desk: Desk) -> None:
    assert desk.promote(notebook=SANDBOX, dry_run=True) == desk.promote(dry_run=True)

    desk.disk.write(f"{SANDBOX}/deep/more.ipynb", desk.text(NOTEBOOK))
    desk.refused(
        r"holds 2 notebooks\. Give one of: .*00_feas.*, .*deep/more\.ipynb", notebook=SANDBOX
    )
    assert desk.promote(notebook=f"{SANDBOX}/deep", dry_run=True).notebook.endswith("more.ipynb")


def test_a_slug_will_do_and_a_name_that_is_none_is_told_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote = promoter(tmp_path, "x = 1")
    monkeypatch.chdir(tmp_path / "repo")
    notebook = "notebooks/_sandbox/2026-11-25_probe/a.ipynb"

    assert promote("1", notebook="probe").notebook == notebook
    for typed in ("a.ipynb", "notebooks/a.ipynb", "notebooks/b.ipynb"):
        with pytest.raises(SandboxError, match=rf"There is no notebook .*one of: {notebook}\."):
            promote("1", notebook=typed)
    with pytest.raises(SandboxError, match=r"Did you mean probe\?"):
        promote("1", notebook="prob")


def test_a_notebook_of_another_language_is_refused(desk: Desk) -> None:
    desk.add(language_info={"name": "R"})
    desk.refused("language is R")


def test_a_script_that_lacks_names_is_written_when_that_is_wanted(desk: Desk) -> None:
    made = desk.promote(cells="15", allow_undefined=True)

    assert made.undefined == ("x",)
    assert "`x` in cell 15 (more-14) is not defined here" in made.warnings[1]
    assert "y = x * repeats" in desk.text("/repo/scripts/lr_warmup.py")


def test_a_repository_that_is_called_like_a_sandbox_is_none() -> None:
    disk = MemoryFilesystem()
    disk.create_directory("/2026-01-01_thesis/.git", {})
    made = scaffold("probe", repo_root="/2026-01-01_thesis", today=DAY, filesystem=disk)
    notebook = f"/2026-01-01_thesis/{made.dir_path}/00_feasibility.ipynb"

    promoted = promote_notebook(
        notebook,
        to="/2026-01-01_thesis/x.py",
        cells="3",
        filesystem=disk,
        history=MemoryHistory(disk),
    )

    assert promoted.script == "x.py"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("experiments/E012_lr/notes.bin", ""),
        ("experiments/E012.md", ""),
        ("chain.yaml", "- id: E012\n"),
        ("deep/er/chain.md", "| E012 | running |"),
    ],
)
def test_an_experiment_that_the_chain_knows_is_taken(desk: Desk, path: str, text: str) -> None:
    desk.disk.write(f"/repo/kb/research/{path}", text)
    desk.disk.write("/repo/kb/research/E001.md", "")

    assert desk.promote(experiment="E012").script == "scripts/E012_lr_warmup.py"


@pytest.mark.parametrize("text", ["", "E0123 and xE012 and H012", "E013"])
def test_an_experiment_that_the_chain_does_not_know_is_refused(desk: Desk, text: str) -> None:
    desk.disk.write("/repo/kb/research/chain.md", text)
    desk.refused("kb/research knows no experiment E012", experiment="E012")


def test_code_of_the_sandboxs_helpers_is_copied(desk: Desk) -> None:
    helpers = f"{SANDBOX}/helpers.py"
    desk.disk.write(helpers, desk.text(helpers) + "\ndef twice(x):\n    return 2 * x\n")
    desk.add("from helpers import twice\nz = twice(1)")

    desk.promote(cells="16")

    script = desk.text("/repo/scripts/lr_warmup.py")
    assert "def twice(x):" in script
    assert "helpers import" not in script


def promoter(tmp_path: Path, *cells: str) -> Callable[..., PromotedScript]:
    """Promotes cells, from 1 on, of a notebook on the disk."""
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    files = LocalFilesystem()
    made = scaffold("probe", repo_root=root, today=DAY, notebook=False, filesystem=files)
    notebook = root / made.dir_path / "a.ipynb"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.write_text(nbformat.writes(book))

    def promote(chosen: str, notebook: str | Path = notebook) -> PromotedScript:
        return promote_notebook(
            *(notebook,),
            **{"to": root / f"scripts/s{chosen}.py", "cells": chosen, "today": DAY},
            **{"filesystem": files, "history": MemoryHistory(MemoryFilesystem())},
        )

    return promote


def test_a_module_that_no_chosen_cell_takes_from_need_not_be_text(tmp_path: Path) -> None:
    promote = promoter(tmp_path, "x = 1", "from notes import y")
    (tmp_path / "repo/notebooks/_sandbox/2026-11-25_probe/notes.py").write_bytes(b"y = '\xe4'")

    assert promote("1").written
    with pytest.raises(FilesystemError, match=r"notes\.py: the text is not UTF-8"):
        promote("2")


def test_a_module_may_be_a_link_inside_the_repository_and_not_out_of_it(tmp_path: Path) -> None:
    promote = promoter(tmp_path, "from shared import TWO", "from strange import TWO")
    for name, place in (("shared", tmp_path / "repo/lib.py"), ("strange", tmp_path / "out.py")):
        place.write_text("TWO = 2\n")
        sandbox = tmp_path / "repo/notebooks/_sandbox/2026-11-25_probe"
        (sandbox / f"{name}.py").symlink_to(place)

    assert "TWO = 2" in promote("1").diff
    with pytest.raises(SandboxError, match="leads out of the repository"):
        promote("2")


def test_a_script_that_would_import_itself_is_refused_and_one_like_pythons_own_warned_of(
    desk: Desk,
) -> None:
    desk.add("import numpy as np\nnp.pi")

    desk.refused("would import itself instead of numpy", cells="16", to="/repo/scripts/numpy.py")
    made = desk.promote(cells="16", to="/repo/scripts/random.py")
    assert any("Python's own module random" in warning for warning in made.warnings)
    assert desk.promote(cells="16", to="/repo/scripts/numpy.py", experiment="E1").written


def test_the_day_of_a_promotion_is_that_of_the_zone_that_is_set(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a day lies between these two.
    days = set()
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        monkeypatch.setenv("AEXP_SANDBOX_TIMEZONE", zone)
        made = desk.promote(today=None, dry_run=True)
        days |= {line for line in made.diff.splitlines() if "Date:" in line}
    assert len(days) == 2


def test_a_package_in_the_sandbox_is_refused(desk: Desk) -> None:
    desk.disk.write(f"{SANDBOX}/mine/__init__.py", "")
    desk.add("from mine import x")
    desk.refused("out of the package mine in the sandbox", cells="16")


def test_a_sandbox_without_a_readme_is_told_the_line() -> None:
    class NoReadme(MemoryFilesystem):
        def kind(self, path: str) -> Any:
            return None if path == README else super().kind(path)

    made = Desk(NoReadme()).promote()

    assert made.warnings[-1].endswith(
        "- Promoted: 2026-11-25 · `00_feasibility.ipynb` → `scripts/lr_warmup.py`"
    )


class Busy(MemoryFilesystem):
    """Somebody writes into the README between reading and replacing it, ``times`` times."""

    times = 2

    def replace_file(self, path: str, before: str, text: str) -> bool:
        if self.times:
            self.times -= 1
            self.write(path, self.read_text(path) + "mine\n")
        return super().replace_file(path, before, text)


def test_what_somebody_writes_into_the_readme_meanwhile_is_kept() -> None:
    desk = Desk(Busy())

    desk.promote()

    text = desk.text(README)
    assert text.endswith("mine\nmine\n")
    assert len(promotions(text)) == 1


@pytest.mark.parametrize("times", [99, None])
def test_a_readme_that_cannot_be_written_is_an_error_with_the_line_to_add(
    times: int | None,
) -> None:
    class Stuck(Busy):
        def replace_file(self, path: str, before: str, text: str) -> bool:
            if times is None:
                raise FilesystemError("README.md: no permission.", "Ask for it.")
            return super().replace_file(path, before, text)

    disk = Stuck()
    disk.times = times or 0
    desk = Desk(disk)

    with pytest.raises(AexpError, match=r"is written, but .* Add the line yourself: - Promoted:"):
        desk.promote()
    assert desk.disk.kind("/repo/scripts/lr_warmup.py") == "file"


def test_of_two_who_promote_to_one_place_the_second_is_refused() -> None:
    class Late(MemoryFilesystem):
        def create_file(self, path: str, text: str) -> bool:
            if path.endswith("lr_warmup.py"):
                self.write(path, "theirs")
            return super().create_file(path, text)

    desk = Desk(Late())

    with pytest.raises(SandboxError, match="never overwritten"):
        desk.promote()
    assert desk.text("/repo/scripts/lr_warmup.py") == "theirs"
    assert promotions(desk.text(README)) == ()


class Interrupted(MemoryFilesystem):
    """Ctrl-C comes in one call: before it has done anything, or right after."""

    call = ""
    late = False

    def create_file(self, path: str, text: str) -> bool:
        return self._interrupted(
            "create_file", lambda: MemoryFilesystem.create_file(self, path, text)
        )

    def replace_file(self, path: str, before: str, text: str) -> bool:
        return self._interrupted(
            "replace_file", lambda: MemoryFilesystem.replace_file(self, path, before, text)
        )

    def _interrupted(self, call: str, do: Callable[[], bool]) -> bool:
        if call != self.call:
            return do()
        self.call = ""
        if self.late:
            do()
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("call", "late", "written"),
    [
        ("create_file", False, False),
        ("create_file", True, True),
        ("replace_file", False, True),
        ("replace_file", True, True),
    ],
)
def test_an_interruption_leaves_the_script_with_its_line_or_nothing_and_says_which(
    call: str, late: bool, written: bool
) -> None:
    disk = Interrupted()
    desk = Desk(disk)
    disk.call, disk.late = call, late

    with pytest.raises(KeyboardInterrupt) as stop:
        desk.promote()

    script = "/repo/scripts/lr_warmup.py"
    assert (disk.kind(script) == "file", len(promotions(desk.text(README)))) == (
        written,
        int(written),
    )
    (note,) = stop.value.__notes__
    assert note == (
        "scripts/lr_warmup.py was written, and the line in "
        "notebooks/_sandbox/2026-11-23_lr-warmup/README.md."
        if written
        else "Nothing was promoted: scripts/lr_warmup.py was not written."
    )


def test_after_an_interruption_a_readme_that_cannot_be_written_is_told_with_the_line() -> None:
    class Stuck(Interrupted):
        def replace_file(self, path: str, before: str, text: str) -> bool:
            if self.call:
                return super().replace_file(path, before, text)
            raise FilesystemError("README.md: no permission.", "Ask for it.")

    disk = Stuck()
    desk = Desk(disk)
    disk.call = "replace_file"

    with pytest.raises(KeyboardInterrupt) as stop:
        desk.promote()
    assert "Add the line yourself: - Promoted: 2026-11-25" in stop.value.__notes__[0]
