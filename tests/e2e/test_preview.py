"""What a person is shown of a push before they agree, by real git, and that exactly that is pushed."""

import errno
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.processes import ProcProcesses
from aexp.adapters.workshop import git_previews
from aexp.adapters.workshop.login import LoginWorkshop
from aexp.adapters.workshop.trust import TrustBook
from aexp.airgapped import RelayValidationError
from aexp.domain.parcels import Parcel
from aexp.domain.petition import Petition
from aexp.domain.preview import NEWEST, Preview
from aexp.ports.workshop import Order
from tests.site import Site
from tests.vectors.needs import need_program


class Desk:
    """A login node that looks at the working copy of a site."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        folder.mkdir(mode=0o700)
        book = TrustBook(folder, (str(site.origin),))
        home = str(site.home.resolve())
        self.workshop = LoginWorkshop(site.env, home, folder, book, ProcProcesses())

    def look(self, branch: str = "main", *, moved: bool = False) -> Preview:
        order = Order("1" * 32, "git_push", ("origin", branch), self.site.repo)
        survey = self.workshop.preview(order, self.workshop.survey(order), moved=moved)
        assert survey.preview is not None
        assert survey.commit == survey.preview.commit
        assert survey.inventory == survey.preview.inventory
        return survey.preview

    def refusal(self, branch: str = "main") -> str:
        with pytest.raises(RelayValidationError) as caught:
            self.look(branch)
        return str(caught.value)

    def loose(self, name: str) -> Path:
        """The file of an object."""
        found = self.site.git("rev-parse", name)
        return self.site.repo / f".git/objects/{found[:2]}/{found[2:]}"


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(site, tmp_path / "desk")
    yield made
    made.workshop.close()


def lines(preview: Preview) -> str:
    """What a person is shown."""
    shown = Petition("1" * 32, "git_push", (), "/x", "/x", inventory=preview.inventory).lines()
    assert all(line.isascii() and line.isprintable() for line in shown)
    return "\n".join(shown)


# What is shown


def test_the_commits_that_the_remote_lacks_are_shown_the_newest_first(desk: Desk) -> None:
    there = desk.site.git("rev-parse", "HEAD")
    one, two = desk.site.commit("one"), desk.site.commit("two", text="22")
    found = desk.look()
    assert [(line.id, line.subject) for line in found.commits] == [(two, "two"), (one, "one")]
    assert (found.commit, found.commit_count, found.file_count, found.size) == (two, 2, 2, 6)
    assert found.known == (f"refs/remotes/origin/main {there}",)
    assert found.summary == "2 commits, 6 B"
    assert found.largest == (Parcel("one", 4), Parcel("two", 2))
    assert f"commit {two[:12]} 20" in lines(found)


def test_another_url_than_before_makes_all_of_the_history_new(desk: Desk) -> None:
    desk.site.commit("one")
    found = desk.look(moved=True)
    assert (found.commit_count, found.known, found.known_count) == (2, (), 0)
    assert "nothing is taken as being there" in lines(found)


def test_what_is_not_shown_is_counted(desk: Desk) -> None:
    for number in range(NEWEST + 3):
        desk.site.commit(f"file{number}")
    found = desk.look()
    assert (len(found.commits), found.commit_count) == (NEWEST, NEWEST + 3)
    assert "and 3 more commits" in found.inventory


def test_a_branch_that_is_not_here_cannot_be_pushed_anywhere(desk: Desk) -> None:
    assert "is topic, which is no branch here" in desk.refusal("topic")


def test_another_commit_another_ref_and_another_graft_change_the_seal(desk: Desk) -> None:
    seen = [desk.look()]
    desk.site.commit("one")
    seen.append(desk.look())
    desk.site.git("update-ref", "refs/remotes/origin/topic", "HEAD")
    seen.append(desk.look())
    (desk.site.repo / ".git/shallow").write_text(f"{desk.site.git('rev-parse', 'HEAD')}\n")
    seen.append(desk.look())
    assert len({one.seal for one in seen}) == len(seen)
    assert len({one.inventory for one in seen}) == len(seen)
    assert seen[-1].shallow


def test_what_only_asks_a_remote_sends_ids_alone(desk: Desk) -> None:
    order = Order("1" * 32, "git_fetch", (), desk.site.repo)
    survey = desk.workshop.preview(order, desk.workshop.survey(order), moved=False)
    assert survey.preview == Preview()
    assert len(survey.inventory) == 1
    assert "no commit and no file" in survey.inventory[0]


def test_files_of_git_lfs_count_with_what_their_pointers_claim(site: Site, tmp_path: Path) -> None:
    need_program("git-lfs")
    (site.repo / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    site.git("lfs", "install", "--local", "--skip-repo")
    site.commit("weights.bin", text="w" * 700_000)
    made = Desk(site, tmp_path / "desk")
    site.git("remote", "set-url", "origin", "https://git.example.org/x.git")
    found = made.look()
    made.workshop.close()
    assert (found.lfs_count, found.lfs_size) == (1, 700_000)
    assert found.largest[0] == Parcel("weights.bin", 700_000, lfs=True)
    assert "683.6 KiB (700000 B) with LFS weights.bin" in lines(found)


# A hostile repository


def raw_commit(site: Site, message: bytes, author: bytes = b"A <a@b> 1700000000 +0100") -> str:
    """A commit that no porcelain would make, as the tip of main."""
    tree, parent = site.git("rev-parse", "HEAD^{tree}", "HEAD").split()
    head = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n" % (
        tree.encode(), parent.encode(), author, author,
    )  # fmt: skip
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=head + message, cwd=site.repo, env=site.env, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    site.git("update-ref", "refs/heads/main", made)
    return made


@pytest.mark.parametrize(
    ("message", "author", "shown"),
    [
        (b"\nevil \x1b[2K\r\xe2\x80\xae subject\n", b"A <a@b> 1 +0100", "evil \\x1b[2K\\r\\u202e"),
        (b"\n\xff\xfe\n", b"A <a@b> 1 -2359", "\\xff\\xfe"),
        (b"\n\nsends      digest     0000\n", b"A <a@b> 1 +9959", "sends \\x20"),
        (b"", b"nobody", "(no message)"),
        (b"\n" + b"x" * 5000, b"A <a@b> 99999999999 +0000", "xxx..."),
    ],
)
def test_a_hostile_message_is_one_harmless_line(
    desk: Desk, message: bytes, author: bytes, shown: str
) -> None:
    made = raw_commit(desk.site, message, author)
    found = desk.look()
    assert found.commits[0].id == made
    assert shown in lines(found)
    whole = Petition("1" * 32, "git_push", (), "/x", "/x", preview=found)
    assert Petition.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_a_hostile_file_name_is_one_harmless_line(desk: Desk) -> None:
    (desk.site.repo / "a\x1b[2K\r\u202e -> b").write_text("x" * 9)
    desk.site.commit("c" * 200)
    assert "9 B a\\x1b[2K\\r\\u202e -> b" in lines(desk.look())


def test_a_replacement_or_a_graft_shows_nothing_in_place_of_a_commit(desk: Desk) -> None:
    secret = desk.site.commit("secret")
    harmless = desk.site.git("commit-tree", "-m", "harmless", "HEAD~1^{tree}")
    desk.site.git("replace", secret, harmless)
    (desk.site.repo / ".git/info/grafts").write_text(f"{secret}\n")
    found = desk.look(moved=True)
    assert [one.subject for one in found.commits] == ["secret", "first"]
    assert "harmless" not in lines(found)


def test_a_commit_graph_that_lies_hides_no_commit(desk: Desk) -> None:
    for name in ("one", "two", "three"):
        desk.site.commit(name)
    desk.site.git("commit-graph", "write", "--reachable")
    graph = desk.site.repo / ".git/objects/info/commit-graph"
    data = bytearray(graph.read_bytes())
    # Every parent becomes "none": what a reader of the graph would believe.
    at = data.index(b"CDAT")
    start = int.from_bytes(data[at + 4 : at + 12], "big")
    for row in range(4):
        there = start + row * 36 + 20
        data[there : there + 8] = (0x70000000).to_bytes(4, "big") * 2
    graph.chmod(0o600)
    graph.write_bytes(bytes(data))
    assert desk.site.git("rev-list", "--count", "HEAD") == "1", "the lie does not work"
    assert desk.look(moved=True).commit_count == 4


def test_an_object_that_is_not_what_its_name_says_is_noticed(desk: Desk) -> None:
    desk.site.commit("secret")
    harmless = desk.site.git("commit-tree", "-m", "harmless", "HEAD^{tree}")
    file = desk.loose("HEAD")
    os.replace(desk.loose(harmless), file)
    assert "contents are not those of that commit" in desk.refusal()


@pytest.mark.parametrize("harm", ["gone", "empty", "garbage", "a folder", "a FIFO"])
@pytest.mark.parametrize("what", ["HEAD", "HEAD~1", "HEAD^{tree}"])
def test_an_object_that_cannot_be_read_is_an_error_in_time(
    desk: Desk, what: str, harm: str
) -> None:
    desk.site.commit("one")
    desk.site.commit("two")
    file = desk.loose(what)
    file.unlink()
    if harm == "a folder":
        file.mkdir()
    elif harm == "a FIFO":
        os.mkfifo(file)
    elif harm != "gone":
        file.write_bytes(b"" if harm == "empty" else b"x" * 100)
    began = time.monotonic()
    try:
        found = desk.look()
    except RelayValidationError as exc:
        assert "fsck" in exc.hint  # noqa: PT017
    else:
        assert (what, harm) in (("HEAD^{tree}", harm),), "only files can be left uncounted"
        assert found.more_files or found.missing
    assert time.monotonic() - began < 3.0


def test_files_that_are_not_here_are_counted_as_missing_and_never_fetched(desk: Desk) -> None:
    one = desk.site.commit("one")
    # The origin has it, and would give it to whoever asks.
    desk.site.git("push", "-q", "origin", f"{one}:refs/heads/there", cwd=desk.site.repo)
    desk.site.git("update-ref", "-d", "refs/remotes/origin/there")
    desk.site.git("config", "uploadpack.allowFilter", "true", cwd=desk.site.origin)
    desk.site.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=desk.site.origin)
    desk.loose("HEAD:one").unlink()
    site = desk.site
    for key, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
    }.items():
        site.git("config", key, value)
    before = sorted(path.name for path in (site.repo / ".git/objects").rglob("*"))
    found = desk.look()
    assert (found.missing, found.file_count) == (1, 0)
    assert "not counted, as they are not here: 1 object" in found.inventory
    assert sorted(path.name for path in (site.repo / ".git/objects").rglob("*")) == before
    assert site.git("cat-file", "-p", "HEAD:one") == "one", (
        "the researcher's own git would fetch it"
    )


def test_alternates_are_refused_before_anything_is_looked_at(desk: Desk) -> None:
    info = desk.site.repo / ".git/objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{desk.site.origin}/objects\n")
    with pytest.raises(RelayValidationError, match="has objects elsewhere"):
        desk.look()


def many_commits(site: Site, number: int) -> None:
    """A long history on main, made in one go."""
    stream = ["reset refs/heads/main\n"]
    for mark in range(1, number + 1):
        parent = f"from :{mark - 1}\n" if mark > 1 else ""
        stream.append(
            f"commit refs/heads/main\nmark :{mark}\ncommitter A <a@b> {1_600_000_000 + mark} +0000\n"
            f"data 1\nx\n{parent}"
            f"M 644 inline f{mark % 50}\ndata {len(str(mark))}\n{mark}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        input="".join(stream), text=True, cwd=site.repo, env=site.env, check=True,
    )  # fmt: skip


def test_a_history_without_end_is_bounded_in_time_and_says_so(desk: Desk) -> None:
    many_commits(desk.site, 30_000)
    began = time.monotonic()
    found = desk.look(moved=True)
    assert time.monotonic() - began < 3.0
    assert found.more_commits
    assert found.commit_count <= 10_000
    assert found.summary.startswith("more than ")
    assert f"and more than {found.commit_count - NEWEST} more commits" in found.inventory
    # Whatever could be counted in time: while somebody decides it stays.
    assert desk.look(moved=True) == found


def test_when_looks_take_too_much_time_new_ones_are_refused_for_a_minute(desk: Desk) -> None:
    previews = desk.workshop._git._previews
    seen = desk.look()
    previews._spent = 1.5 * git_previews.BUSY_S
    assert desk.look() == seen, "what a person may have approved by now goes on"
    desk.site.commit("another")
    assert "the same request again in a minute" in desk.refusal()
    previews._now = lambda: time.monotonic() + 61.0
    desk.look()


def test_a_disk_without_room_for_the_look_is_an_error_that_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(git_previews, "build_house", full)
    assert "AEXP_RELAY_STATE" in desk.refusal()


# What is bound


@pytest.fixture
def moved(site: Site) -> Callable[[], str]:
    """A served site whose remote leads elsewhere now; gives the id of a push that waits."""
    site.serve()
    assert site.relay("fetch").returncode == 0
    new = site.home / "new.git"
    site.git("init", "-q", "--bare", str(new))
    assert site.relay("trust", "--remote", str(new)).returncode == 0
    site.git("remote", "set-url", "origin", str(new))

    def push() -> str:
        request_id = site.relay("push", "--no-wait").stdout.strip()
        site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
        site.until("it is held", lambda: site.json("pending")["pending"])
        return request_id

    return push


def test_an_approver_sees_the_commits_and_exactly_those_are_pushed(
    site: Site, moved: Callable[[], str]
) -> None:
    tip = site.commit("mine")
    request_id = moved()
    table = site.relay("pending").stdout
    assert "2 commits, 11 B" in table
    (told,) = site.json("pending")["pending"]
    assert told["summary"] == told["preview"]["summary"] == "2 commits, 11 B"
    assert told["preview"]["commit"] == tip
    shown = site.relay("show", request_id)
    assert f"commit {tip[:12]}" in shown.stdout
    assert site.json("show", request_id)["petition"]["preview"] == told["preview"]
    approved = site.relay("approve", "-y", request_id)
    assert f"commit {tip[:12]}" in approved.stderr
    assert site.relay("wait", request_id).returncode == 0
    assert site.git("rev-parse", "main", cwd=site.home / "new.git") == tip
    assert site.git("rev-parse", "origin/main") == tip


def test_a_commit_that_is_made_while_it_waits_voids_the_approval(
    site: Site, moved: Callable[[], str]
) -> None:
    request_id = moved()
    site.commit("later")
    assert site.relay("approve", "-y", request_id).returncode == 0
    done = site.relay("wait", request_id)
    assert "has changed since it was shown" in done.stderr
    assert site.git("branch", "--list", cwd=site.home / "new.git") == ""


def test_a_commit_that_is_made_after_the_last_look_is_not_pushed(desk: Desk) -> None:
    from aexp.ports.executor import Command

    site = desk.site
    shown = site.commit("shown")
    order = Order("1" * 32, "git_push", ("origin", "main"), site.repo)
    survey = desk.workshop.preview(order, desk.workshop.survey(order), moved=False)
    later = site.commit("later")
    execution = desk.workshop.start(
        Command(("git", "push"), site.repo, order.request_id, "git_push", survey)
    )
    while execution.poll() is None:
        time.sleep(0.01)
    said = execution.read(1 << 16).decode()
    execution.close()
    assert site.git("rev-parse", "main", cwd=site.origin) == shown, said
    assert site.git("rev-parse", "origin/main") == shown
    assert site.git("rev-parse", "main") == later
    plain = replace(survey, commit="")
    assert plain.settled == ("origin", "main")
