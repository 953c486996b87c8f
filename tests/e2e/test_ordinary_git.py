"""What people do with git every day, through a real daemon: their own git sees no difference."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aexp.adapters.executor import landlock
from tests.site import Site, stand_in


@pytest.fixture
def served(site: Site) -> Site:
    """A site with a daemon."""
    site.serve()
    return site


def clean(site: Site, repo: Path | None = None) -> bool:
    """Whether the researcher's own git finds nothing changed and nothing broken."""
    site.git("fsck", "--no-dangling", cwd=repo)
    return site.git("status", "--porcelain", cwd=repo) == ""


def tip(site: Site, what: str = "HEAD", repo: Path | None = None) -> str:
    """The commit that a name stands for."""
    return site.git("rev-parse", what, cwd=repo)


def test_pull_brings_executables_links_folders_and_deletions(served: Site) -> None:
    served.colleague("old")
    assert served.relay("pull").returncode == 0
    other = served.home / "colleague"
    (other / "old").unlink()
    (other / "src").mkdir()
    (other / "src/run.sh").write_text("#!/bin/sh\n")
    (other / "src/run.sh").chmod(0o755)
    (other / "link").symlink_to("src/run.sh")
    there = served.commit("news", cwd=other)
    served.git("push", "-q", cwd=other)
    assert served.relay("pull").returncode == 0
    assert tip(served) == there
    assert os.access(served.repo / "src/run.sh", os.X_OK)
    assert (served.repo / "link").readlink() == Path("src/run.sh")
    assert not (served.repo / "old").exists()
    assert clean(served)


def test_push_makes_a_new_branch(served: Site) -> None:
    served.git("switch", "-q", "-c", "feature/x-1")
    mine = served.commit("mine")
    done = served.relay("push")
    assert done.returncode == 0, done
    assert tip(served, "feature/x-1", served.origin) == mine
    assert tip(served, "origin/feature/x-1") == mine


@pytest.mark.parametrize("packed", [False, True])
def test_fetch_prunes_what_was_deleted(served: Site, packed: bool) -> None:
    served.git("push", "-q", "origin", "main:topic", "main:kept")
    served.git("fetch", "-q")
    if packed:
        served.git("pack-refs", "--all")
    served.git("branch", "-D", "topic", cwd=served.origin)
    assert served.relay("fetch").returncode == 0
    assert served.git("branch", "-r", "--format=%(refname:short)").split() == [
        "origin/kept",
        "origin/main",
    ]


def test_fetch_asks_every_remote_and_brings_tags(site: Site) -> None:
    fork = site.home / "fork.git"
    site.git("clone", "-q", "--bare", str(site.origin), str(fork))
    site.env["AEXP_RELAY_TRUST_REMOTES"] += f":{fork}"
    site.git("remote", "add", "fork", str(fork))
    site.serve()
    site.git("tag", "v1", cwd=fork)
    site.git("branch", "theirs", cwd=fork)
    assert site.relay("fetch").returncode == 0
    assert tip(site, "fork/theirs") == tip(site, "v1") == tip(site)


def test_fetch_head_can_be_used_afterwards(served: Site) -> None:
    there = served.colleague("theirs")
    assert served.relay("fetch").returncode == 0
    assert tip(served, "FETCH_HEAD") == there
    assert "theirs" in served.git("log", "--oneline", "FETCH_HEAD")


def test_reflogs_grow(served: Site) -> None:
    there = served.colleague("theirs")
    assert served.relay("pull").returncode == 0
    for name in ("HEAD", "main", "origin/main"):
        assert tip(served, f"{name}@{{0}}") == there, name
        assert tip(served, f"{name}@{{1}}") != there, name
    mine = served.commit("mine")
    served.colleague("more")
    assert served.relay("rebase").returncode == 0
    assert tip(served, "main@{1}") == mine
    assert "rebase" in served.git("reflog", "-1", "main")
    assert served.relay("push").returncode == 0
    assert tip(served, "origin/main@{0}") == tip(served)


def test_what_a_pull_overwrote_can_be_found_again(served: Site) -> None:
    before = tip(served)
    served.colleague("theirs")
    assert served.relay("pull").returncode == 0
    assert tip(served, "ORIG_HEAD") == before


def test_a_conflicted_rebase_leaves_the_working_copy_as_it_was(served: Site) -> None:
    served.colleague("same", text="theirs\n")
    mine = served.commit("same", text="mine\n")
    done = served.relay("rebase")
    assert done.returncode not in (0, 65, 70, 75), done
    assert "CONFLICT" in done.stdout
    assert "as they were" in done.stdout + done.stderr
    assert tip(served) == mine
    assert served.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert (served.repo / "same").read_text() == "mine\n"
    assert not list((served.repo / ".git").glob("rebase-*"))
    assert clean(served)


def test_a_rebase_with_uncommitted_changes_is_refused_by_git_and_keeps_them(served: Site) -> None:
    served.colleague("theirs")
    served.commit("mine")
    (served.repo / "first").write_text("changed\n")
    done = served.relay("rebase")
    assert done.returncode not in (0, 65)
    assert "unstaged changes" in done.stdout
    assert (served.repo / "first").read_text() == "changed\n"


def test_a_pull_onto_uncommitted_changes_is_refused_by_git_and_keeps_them(served: Site) -> None:
    served.colleague("first", text="theirs\n")
    (served.repo / "first").write_text("changed\n")
    done = served.relay("pull")
    assert done.returncode == 1
    assert "would be overwritten" in done.stdout
    assert (served.repo / "first").read_text() == "changed\n"


def test_a_held_index_lock_is_told_as_git_tells_it(served: Site) -> None:
    served.colleague("theirs")
    lock = served.repo / ".git/index.lock"
    lock.touch()
    done = served.relay("pull")
    assert done.returncode not in (0, 65)
    assert f"Unable to create '{lock}': File exists" in done.stderr
    lock.unlink()
    assert served.relay("pull").returncode == 0
    assert clean(served)


def test_the_upstream_may_have_another_name(served: Site) -> None:
    served.git("switch", "-q", "-c", "mine", "--track", "origin/main")
    there = served.colleague("theirs")
    assert served.relay("pull").returncode == 0
    assert tip(served, "mine") == there


def test_status_shows_what_the_users_own_git_shows(served: Site) -> None:
    (served.repo / ".git/info/exclude").write_text("*.log\n")
    (served.repo / ".gitignore").write_text("*.tmp\n")
    for name in ("a.log", "b.tmp", "c.txt"):
        (served.repo / name).touch()
    served.git("add", "c.txt")
    own = served.git("status", "--porcelain=v2")
    for cwd in (served.repo, served.repo / "src"):
        cwd.mkdir(exist_ok=True)
        done = served.relay("git-status", cwd=cwd)
        assert done.returncode == 0
        assert sorted(line.split()[0] for line in done.stdout.splitlines()) == sorted(
            line.split()[0] for line in own.splitlines()
        )
        assert "c.txt" in done.stdout
        assert "a.log" not in done.stdout + done.stderr
        assert "b.tmp" not in done.stdout


def test_what_the_user_ignores_everywhere_is_ignored(site: Site) -> None:
    ignored = site.home / "ignored"
    ignored.write_text("*.swp\n")
    site.git("config", "--global", "core.excludesFile", str(ignored))
    site.serve()
    (site.repo / "x.swp").touch()
    assert site.relay("git-status").stdout == ""


def test_a_path_with_spaces_quotes_and_other_letters_will_do(site: Site) -> None:
    origin = site.home / "my 'remote' ü.git"
    repo = site.home / 'a "new" folder ü $HOME'
    site.git("clone", "-q", "--bare", str(site.origin), str(origin))
    site.env["AEXP_RELAY_TRUST_REMOTES"] += f":{origin}"
    site.git("clone", "-q", str(origin), str(repo))
    site.serve()
    mine = site.commit("mine ü", cwd=repo)
    assert site.relay("push", cwd=repo).returncode == 0
    assert tip(site, "main", origin) == mine
    assert site.relay("pull", cwd=repo).returncode == 0
    assert site.relay("git-status", cwd=repo).stdout == ""


def test_the_repositorys_own_identity_signs_a_rebase(site: Site) -> None:
    for name in [name for name in site.env if name.startswith("GIT_COMMITTER_")]:
        del site.env[name]
    site.git("config", "user.name", "Local Name")
    site.git("config", "user.email", "local@example.org")
    site.serve()
    site.env.update({"GIT_COMMITTER_NAME": "X", "GIT_COMMITTER_EMAIL": "x@example.org"})
    site.colleague("theirs")
    site.commit("mine")
    assert site.relay("rebase").returncode == 0
    assert site.git("log", "-1", "--format=%cn %ce") == "Local Name local@example.org"


def test_line_ends_are_converted_as_the_repository_says(served: Site) -> None:
    served.git("config", "core.autocrlf", "true")
    served.colleague("text", text="one\ntwo\n")
    assert served.relay("pull").returncode == 0
    assert (served.repo / "text").read_bytes() == b"one\r\ntwo\r\n"
    assert clean(served)


def test_a_repository_with_hooks_is_pushed_and_the_user_is_told(served: Site) -> None:
    hook = served.repo / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    mine = served.commit("mine")
    done = served.relay("push")
    assert done.returncode == 0
    assert "hooks" in done.stderr
    assert tip(served, "main", served.origin) == mine


def test_a_detached_head_is_not_pushed_and_the_answer_says_so(served: Site) -> None:
    served.git("checkout", "-q", "--detach")
    done = served.relay("push")
    assert done.returncode == 65
    assert "detached" in done.stderr
    assert served.relay("git-status").returncode == 0
    assert served.relay("fetch").returncode == 0


def test_a_lock_is_not_left_behind(served: Site) -> None:
    served.colleague("theirs")
    for op in ("git-status", "fetch", "pull", "rebase", "push"):
        assert served.relay(op).returncode == 0, op
    assert not list((served.repo / ".git").rglob("*.lock"))
    assert subprocess.run(["git", "diff", "--quiet"], cwd=served.repo, check=False).returncode == 0


def test_each_status_tells_what_is_there_now(served: Site) -> None:
    def told() -> list[str]:
        return [line for line in served.relay("git-status").stdout.splitlines() if line]

    assert told() == []
    (served.repo / "new.txt").write_text("x")
    assert told() == ["? new.txt"]
    (served.repo / ".git/info/exclude").write_text("*.txt\n")
    assert told() == []
    served.git("add", "-f", "new.txt")
    assert told()[0].startswith("1 A. ")
    served.git("commit", "-q", "-m", "new")
    served.git("checkout", "-q", "-b", "topic")
    served.git("config", "status.showUntrackedFiles", "no")
    (served.repo / "other.md").write_text("x")
    assert told() == ([] if served.git("status", "--porcelain") == "" else ["? other.md"])
    (served.repo / "new.txt").unlink()
    assert told()[0].startswith("1 .D ")


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock (5.19)")
def test_what_serves_again_cannot_be_written_into(site: Site) -> None:
    real = shutil.which("git")
    stand_in(
        site,
        f'#!/bin/sh\ncase "$*" in *status*) echo "$GIT_DIR"; echo harm > "$GIT_DIR/harm" || echo refused;; '
        f'*) exec {real} "$@";; esac\n',
    )
    site.serve()
    first, second = (site.relay("git-status").stdout.split() for _ in range(2))
    assert first[0] == second[0], "the same directory"
    assert "refused" in first
