"""Which offline runs are found, what is told of them, and what is refused."""

import os
from pathlib import Path

import pytest

from aexp.adapters.workshop import wandb_runs, wandb_tally
from aexp.adapters.workshop.wandb_runs import find_runs
from aexp.adapters.workshop.wandb_seal import SMALL, RunSeal
from aexp.airgapped import RelayValidationError
from aexp.domain.parcels import human
from aexp.domain.preview import preview_of_runs
from aexp.domain.wandb import MOST_IN_FULL, WandbRuns, sync_arguments, version_in
from tests import unprivileged

NAME = "offline-run-20260101_120000-ab12cd34"


class Project:
    """A project below a home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.cwd = home / "project"
        self.cwd.mkdir()

    def run(self, path: str = f"wandb/{NAME}", text: str = "0123456789") -> Path:
        """Make a run that looks like one of wandb's."""
        folder = self.cwd / path
        (folder / "files").mkdir(parents=True)
        (folder / "files/config.yaml").write_text("x: 1\n")
        (folder / f"run-{folder.name.rpartition('-')[2]}.wandb").write_text(text)
        return folder

    def find(self, *names: str) -> WandbRuns:
        return find_runs(self.cwd, names, self.home)

    def paths(self, *names: str) -> list[str]:
        return [run.path for run in self.find(*names).runs]

    def refusal(self, *names: str) -> RelayValidationError:
        with pytest.raises(RelayValidationError) as caught:
            self.find(*names)
        return caught.value


@pytest.fixture
def project(home: Path) -> Project:
    return Project(home.resolve())


def test_runs_are_found_at_the_top_in_subfolders_and_in_a_hidden_wandb_folder(
    project: Project,
) -> None:
    for path in (f"wandb/{NAME}", f"b/c/wandb/{NAME}", f"a/.wandb/{NAME}", f"x y/wandb/{NAME}"):
        project.run(path)
    assert project.paths() == [
        f"a/.wandb/{NAME}",
        f"b/c/wandb/{NAME}",
        f"wandb/{NAME}",
        f"x y/wandb/{NAME}",
    ]


def test_runs_are_found_when_the_folder_is_the_wandb_folder_itself(project: Project) -> None:
    project.run()
    found = find_runs(project.cwd / "wandb", (), project.home)
    assert [run.path for run in found.runs] == [NAME]


def test_what_is_no_offline_run_is_passed_over(project: Project, tmp_path: Path) -> None:
    project.run("wandb/run-20260101_120000-online00")
    project.run(f"elsewhere/{NAME}")
    project.run(f".git/wandb/{NAME}")
    project.run(f".hidden/wandb/{NAME}")
    (project.cwd / "wandb/offline-run-20260101_120000-empty000").mkdir()
    (project.cwd / "wandb/offline-run-20260101_120000-file0000").write_text("a file")
    outside = tmp_path / "outside/wandb"
    outside.mkdir(parents=True)
    (project.cwd / "linked").symlink_to(outside.parent)
    (project.cwd / "wandb/latest-run").symlink_to("run-20260101_120000-online00")
    (project.cwd / f"wandb/{NAME}").symlink_to(project.cwd / f"elsewhere/{NAME}")
    assert project.paths() == []


def test_a_folder_of_another_project_is_not_entered_by_a_link(project: Project) -> None:
    project.run(f"../other/wandb/{NAME}")
    (project.cwd / "wandb").symlink_to(project.home / "other/wandb")
    assert project.paths() == []


def test_synced_runs_are_left_out_and_counted_but_may_be_named(project: Project) -> None:
    folder = project.run()
    (folder / "run-ab12cd34.wandb.synced").touch()
    assert project.find() == WandbRuns((), synced=1)
    named = project.find(f"wandb/{NAME}")
    assert named.runs[0].synced
    assert named.inventory[0].endswith("(already synced)")


def test_a_run_is_told_with_its_files_bytes_and_the_time_of_the_last_change(
    project: Project,
) -> None:
    folder = project.run(text="x" * 5000)
    os.utime(folder / "run-ab12cd34.wandb", (0, 0))
    (run,) = project.find().runs
    assert (run.files, run.size, run.file) == (2, 5005, "run-ab12cd34.wandb")
    changed = max(path.lstat().st_ctime for path in folder.rglob("*"))
    assert run.changed == changed
    assert run.lines()[0].startswith(f"wandb/{NAME}: 2 files, 4.9 KiB (5005 B), last change 20")
    assert run.lines()[0].endswith(" UTC")


def test_the_inventory_begins_with_a_total_when_there_are_several(project: Project) -> None:
    project.run()
    project.run("b/wandb/" + NAME)
    assert project.find().inventory[0] == "2 runs, 4 files, 30 B in all"
    assert len(project.find().inventory) == 7


def test_the_largest_files_of_a_run_are_named_with_their_bytes(project: Project) -> None:
    folder = project.run(text="x" * 3000)
    for size in range(1, 9):
        (folder / f"files/{size}.bin").write_bytes(b"b" * size * 1000)
    (run,) = project.find().runs
    assert [one.size for one in run.largest] == [8000, 7000, 6000, 5000, 4000]
    assert "largest file: 7.8 KiB (8000 B) files/8.bin" in project.find().inventory
    found = preview_of_runs(project.find())
    assert found.summary == "1 run, 10 files, 38.1 KiB"
    assert found.runs == (run,)


def test_of_very_many_runs_the_files_are_not_named(project: Project) -> None:
    for number in range(MOST_IN_FULL + 1):
        project.run(f"wandb/offline-run-20260101_120000-{number:08}")
    assert len(project.find().inventory) == MOST_IN_FULL + 2
    found = preview_of_runs(project.find())
    assert (len(found.runs), found.run_count) == (MOST_IN_FULL, MOST_IN_FULL + 1)


def test_a_change_of_a_run_that_is_not_shown_changes_the_seal(project: Project) -> None:
    for number in range(MOST_IN_FULL + 1):
        last = project.run(f"wandb/offline-run-20260101_120000-{number:08}")
    seen = preview_of_runs(project.find())
    (last / "files/config.yaml").rename(last / "files/other.yaml")
    assert preview_of_runs(project.find()).seal != seen.seal


@pytest.mark.parametrize(("size", "noticed"), [(SMALL, True), (SMALL + 1, False)])
def test_another_content_within_one_tick_of_the_clock_is_noticed_in_small_files(
    tmp_path: Path, size: int, noticed: bool
) -> None:
    file = tmp_path / "log"
    digests = []
    for letter in "ab":
        file.write_text(letter * size)
        seal = RunSeal()
        handle = os.open(tmp_path, os.O_RDONLY)
        seal.read(handle, "log", "log", file.stat(), 1 << 20)
        os.close(handle)
        digests.append(seal.digest)
    assert (digests[0] != digests[1]) is noticed


@pytest.mark.parametrize("what", ["same size and date", "another file", "a file less", "a link"])
def test_a_change_of_a_run_changes_its_inventory(project: Project, what: str) -> None:
    folder = project.run()
    log = folder / "run-ab12cd34.wandb"
    before = log.stat()
    seen = project.find().inventory
    if what == "same size and date":
        # Within the clock tick of the file system nothing could be seen: wait for the next one.
        while log.stat().st_ctime_ns // 10**6 == before.st_ctime_ns // 10**6:
            log.write_text("9876543210")
            os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert log.stat().st_mtime_ns == before.st_mtime_ns
    elif what == "another file":
        (folder / "files/new").touch()
    elif what == "a file less":
        (folder / "files/config.yaml").unlink()
    else:
        (folder / "files/out").symlink_to("/etc/hostname")
    assert project.find().inventory != seen


def test_links_that_lead_out_of_the_project_are_listed_however_they_are_written(
    project: Project,
) -> None:
    folder = project.run()
    (project.home / "secret").write_text("s" * 100)
    (project.cwd / "inside.txt").write_text("i" * 20)
    (project.cwd / "hop").symlink_to(project.home / "secret")
    (folder / "files/absolute").symlink_to(project.home / "secret")
    (folder / "files/relative").symlink_to("../../../../secret")
    (folder / "files/by-a-hop").symlink_to(project.cwd / "hop")
    (folder / "files/inside").symlink_to(project.cwd / "inside.txt")
    (folder / "files/nowhere").symlink_to(project.cwd / "gone")
    (folder / "files/nowhere-else").symlink_to(project.cwd / "inside.txt/gone")
    (run,) = project.find().runs
    secret = project.home / "secret"
    assert run.links == (
        f"files/absolute -> {secret}",
        f"files/by-a-hop -> {secret}",
        f"files/relative -> {secret}",
    )
    assert run.size == 15 + 20
    assert f"outside the folder: files/absolute -> {secret}" in run.lines()


def test_a_folder_whose_name_only_begins_like_the_project_is_outside(project: Project) -> None:
    folder = project.run()
    (project.home / "project-2").mkdir()
    (project.home / "project-2/x").write_text("x")
    (folder / "files/x").symlink_to(project.home / "project-2/x")
    assert project.find().runs[0].links == (f"files/x -> {project.home}/project-2/x",)


def test_named_runs_come_once_each_and_in_order(project: Project) -> None:
    project.run()
    project.run(f"b/wandb/{NAME}")
    assert project.paths(f"wandb/{NAME}/", f"b/wandb/{NAME}", f"wandb/{NAME}") == [
        f"b/wandb/{NAME}",
        f"wandb/{NAME}",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "wandb",
        "wandb/latest-run",
        "wandb/offline-run-20260101_120000-missing0",
        "wandb/offline-run-20260101_120000-empty000",
        "wandb/offline-run-20260101_120000-two00000",
        "wandb/offline-run-20260101_120000-link0000",
        "wandb/offline-run-20260101_120000-fifo0000",
        "wandb/offline-run-20260101_120000-odd.wandb",
        f"linked/{NAME}",
        f"../other/wandb/{NAME}",
        f"/{NAME}",
        ".",
        "",
        "wandb/run-20260101_120000-ab12cd34",
    ],
)
def test_a_name_that_is_no_plain_run_of_the_project_is_refused(project: Project, name: str) -> None:
    begin = "wandb/offline-run-20260101_120000-"
    project.run()
    project.run(f"../other/wandb/{NAME}")
    project.run("wandb/run-20260101_120000-ab12cd34")
    project.run(f"{begin}odd.wandb")
    (project.run(f"{begin}two00000") / "run-more.wandb").touch()
    (project.cwd / f"{begin}empty000").mkdir()
    (project.cwd / f"{begin}link0000").mkdir()
    (project.cwd / f"{begin}link0000/run-x.wandb").symlink_to(project.cwd / f"wandb/{NAME}")
    (project.cwd / f"{begin}fifo0000").mkdir()
    os.mkfifo(project.cwd / f"{begin}fifo0000/run-x.wandb")
    (project.cwd / "linked").symlink_to(project.home / "other/wandb")
    (project.cwd / "wandb/latest-run").symlink_to(NAME)
    error = project.refusal(name)
    assert error.field == "args[0] (run)"
    assert "wandb/offline-run-" in error.allowed


def test_a_fifo_in_a_run_is_refused_and_never_opened(project: Project) -> None:
    os.mkfifo(project.run() / "files/pipe")
    assert f"wandb/{NAME}/files/pipe" in project.refusal().problem
    assert "neither a file nor a folder" in project.refusal(f"wandb/{NAME}").problem


def test_a_link_to_a_fifo_of_the_project_is_refused(project: Project) -> None:
    os.mkfifo(project.cwd / "pipe")
    (project.run() / "files/x").symlink_to(project.cwd / "pipe")
    assert "neither a file nor a folder" in project.refusal().problem


def test_links_that_lead_in_a_circle_and_folders_without_end_are_refused(project: Project) -> None:
    files = project.run() / "files"
    (files / "circle").symlink_to("circle")
    assert "neither a file nor a folder" in project.refusal().problem
    (files / "circle").unlink()
    (files / "/".join("d" * 40)).mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))
    assert "lies too deep" in project.refusal().problem
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_outside_the_home_or_reached_by_a_link_is_refused(
    project: Project, tmp_path: Path
) -> None:
    with pytest.raises(RelayValidationError, match="does not lie below the home"):
        find_runs(tmp_path, (), project.home)
    (project.home / "link").symlink_to(project.cwd)
    with pytest.raises(RelayValidationError, match="cannot be opened"):
        find_runs(project.home / "link", (), project.home)


def test_too_many_files_and_too_many_runs_are_an_error_that_says_what_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        project.run(f"wandb/offline-run-20260101_120000-run{number}")
    monkeypatch.setattr(wandb_runs, "MOST_RUNS", 3)
    assert "more than 3 offline runs" in project.refusal().problem
    monkeypatch.setattr(wandb_tally, "MOST_ENTRIES", 5)
    assert "more than 5 files" in project.refusal().problem
    assert "Name the runs" in project.refusal().hint


def test_runs_deeper_than_the_limit_are_not_looked_for(project: Project) -> None:
    deep = "/".join("d" * wandb_runs.DEEPEST)
    project.run(f"{deep}/wandb/{NAME}")
    project.run(f"{deep[2:]}/wandb/{NAME}")
    assert project.paths() == [f"{deep[2:]}/wandb/{NAME}"]


_UNPRIVILEGED = """
import sys
from pathlib import Path
from aexp.adapters.workshop.wandb_runs import find_runs
home = Path(sys.argv[1])
cwd = home / "project"
find_runs(cwd, (), home)
give_up_rights()
(cwd / "closed").mkdir(mode=0)
print(*(run.path for run in find_runs(cwd, (), home).runs))
"""


def test_a_folder_that_may_not_be_entered_does_not_keep_other_runs_from_being_found() -> None:
    with unprivileged.folder() as home:
        Project(home).run()
        for path in home.rglob("*"):
            os.chown(path, unprivileged.USER, -1)
        done = unprivileged.run(_UNPRIVILEGED, home)
        assert (done.stdout, done.stderr) == (f"wandb/{NAME}\n", "")


def test_the_version_is_read_from_what_wandb_says() -> None:
    assert version_in("wandb, version 0.19.11\n") == (0, 19)
    assert version_in("wandb: WARNING something\nwandb, version 0.31.0.dev1\n") == (0, 31)
    assert version_in("wandb, version 1.0") == (1, 0)
    assert version_in("hello") is None


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ((0, 19), ["sync", "/r"]),
        ((0, 28), ["sync", "/r"]),
        ((0, 29), ["sync", "--yes", "/r"]),
        ((0, 30), ["sync", "--yes", "/r"]),
        ((1, 0), ["sync", "--yes", "/r"]),
        (None, ["sync", "--yes", "/r"]),
    ],
)
def test_each_version_is_called_in_the_form_that_asks_nothing(
    version: tuple[int, int] | None, form: list[str]
) -> None:
    assert sync_arguments(version, ["/r"]) == form


def test_bytes_are_told_in_units_and_to_the_byte() -> None:
    assert human(0) == "0 B"
    assert human(1023) == "1023 B"
    assert human(1024) == "1.0 KiB (1024 B)"
    assert human(5 * 1024**3) == "5.0 GiB (5368709120 B)"
    assert human(3000 * 1024**4) == "3000.0 TiB (3298534883328000 B)"


def test_a_link_to_a_folder_is_refused_because_what_is_in_it_is_not_shown(tmp_path: Path) -> None:
    project = tmp_path.resolve() / "home/project"
    run = project / "wandb/offline-run-20260101_120000-ab12cd34"
    (run / "files").mkdir(parents=True)
    (run / "run-ab12cd34.wandb").write_text("log")
    (project / "stuff").mkdir()
    (run / "files/d").symlink_to(project / "stuff")
    with pytest.raises(RelayValidationError, match="leads to a folder"):
        find_runs(project, (), project.parent)
