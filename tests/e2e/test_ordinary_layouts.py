"""The kinds of repositories that people have, through a real daemon: worktrees, submodules and others."""

from pathlib import Path

import pytest

from tests.site import Site


def clone(site: Site, *options: str, name: str = "other", source: str = "") -> Path:
    """A working copy that is cloned with options, as if from a host."""
    repo = site.home / name
    site.git("clone", "-q", *options, source or f"file://{site.origin}", str(repo))
    site.git("remote", "set-url", "origin", str(site.origin), cwd=repo)
    return repo


def uses(site: Site, repo: Path, *, origin: Path | None = None) -> None:
    """Every operation works there, and the researcher's own git sees no difference."""
    theirs = site.colleague(f"theirs-{repo.name}")
    for op in ("git-status", "fetch", "pull"):
        done = site.relay(op, cwd=repo)
        assert done.returncode == 0, (op, done.stdout, done.stderr)
    assert site.git("rev-parse", "HEAD", cwd=repo) == theirs
    more = site.colleague(f"more-{repo.name}")
    site.commit(f"mine-{repo.name}", cwd=repo)
    for op in ("rebase", "push"):
        done = site.relay(op, cwd=repo)
        assert done.returncode == 0, (op, done.stdout, done.stderr)
    assert site.git("rev-parse", "HEAD~1", cwd=repo) == more
    head = site.git("rev-parse", "HEAD", cwd=repo)
    assert site.git("rev-parse", "main", cwd=origin or site.origin) == head
    assert site.git("status", "--porcelain", cwd=repo) == ""


def test_an_ordinary_clone(site: Site) -> None:
    site.serve()
    uses(site, clone(site))


def test_a_clone_with_packed_refs_and_objects(site: Site) -> None:
    site.serve()
    repo = clone(site)
    site.git("pack-refs", "--all", cwd=repo)
    site.git("gc", "-q", cwd=repo)
    site.git("commit-graph", "write", "--reachable", cwd=repo)
    uses(site, repo)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.splitIndex", "true"),
        ("index.version", "4"),
        ("core.untrackedCache", "true"),
        ("feature.manyFiles", "true"),
    ],
)
def test_a_clone_with_another_index(site: Site, key: str, value: str) -> None:
    site.serve()
    repo = clone(site)
    site.git("config", key, value, cwd=repo)
    site.git("update-index", "--refresh", cwd=repo)
    site.commit("rewritten", cwd=repo)
    site.git("push", "-q", cwd=repo)
    uses(site, repo)


def test_a_shallow_clone(site: Site) -> None:
    site.serve()
    site.commit("second")
    site.git("push", "-q")
    repo = clone(site, "--depth=1")
    uses(site, repo)
    assert site.git("rev-parse", "--is-shallow-repository", cwd=repo) == "true"


def test_a_partial_clone_gets_what_it_lacks(site: Site) -> None:
    site.git("config", "uploadpack.allowFilter", "true", cwd=site.origin)
    site.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=site.origin)
    site.serve()
    repo = clone(site, "--filter=blob:none")
    uses(site, repo)
    assert (repo / "theirs-other").read_text() == "theirs-other\n"


def test_a_sparse_checkout_stays_sparse(site: Site) -> None:
    for folder in ("in", "out"):
        (site.repo / folder).mkdir()
        (site.repo / folder / "file").write_text("x\n")
    site.commit("folders")
    site.git("push", "-q")
    site.serve()
    repo = clone(site)
    site.git("sparse-checkout", "set", "--cone", "in", cwd=repo)
    other = site.home / "colleague"
    site.git("clone", "-q", str(site.origin), str(other))
    (other / "out/new").write_text("x\n")
    (other / "in/new").write_text("x\n")
    uses(site, repo)
    assert (repo / "in/new").exists()
    assert not (repo / "out").exists()


def test_a_linked_worktree(site: Site) -> None:
    site.serve()
    repo = clone(site)
    site.git("switch", "-q", "-c", "parked", cwd=repo)
    tree = site.home / "tree"
    site.git("worktree", "add", "-q", str(tree), "main", cwd=repo)
    parked = site.git("rev-parse", "HEAD", cwd=repo)
    uses(site, tree)
    assert site.git("rev-parse", "HEAD", cwd=repo) == parked
    assert site.git("log", "-g", "-1", "--format=%gs", "main", cwd=tree) != ""
    assert site.relay("git-status", cwd=repo).returncode == 0


def test_a_linked_worktree_with_settings_of_its_own(site: Site) -> None:
    site.serve()
    repo = clone(site)
    site.git("switch", "-q", "-c", "parked", cwd=repo)
    tree = site.home / "tree"
    site.git("worktree", "add", "-q", str(tree), "main", cwd=repo)
    site.git("config", "extensions.worktreeConfig", "true", cwd=repo)
    site.git("sparse-checkout", "init", "--cone", cwd=tree)
    uses(site, tree)


def test_a_repository_with_sha256(site: Site) -> None:
    origin, repo = site.home / "sha256.git", site.home / "sha256"
    site.git("init", "-q", "--bare", "--object-format=sha256", str(origin), cwd=site.home)
    site.git("init", "-q", "--object-format=sha256", str(repo), cwd=site.home)
    site.git("remote", "add", "origin", str(origin), cwd=repo)
    first = site.commit("first", cwd=repo)
    assert len(first) == 64
    site.git("push", "-q", "-u", "origin", "HEAD:main", cwd=repo)
    site.env["AEXP_RELAY_TRUST_REMOTES"] += f":{origin}"
    site.serve()
    for op in ("git-status", "fetch", "pull"):
        assert site.relay(op, cwd=repo).returncode == 0, op
    mine = site.commit("mine", cwd=repo)
    assert site.relay("push", cwd=repo).returncode == 0
    assert site.git("rev-parse", "main", cwd=origin) == mine


@pytest.fixture
def superproject(site: Site) -> Path:
    """A clone with a submodule ``lib``, whose origin is that of the site."""
    outer, origin = site.home / "outer", site.home / "outer.git"
    always = ("-c", "protocol.file.allow=always")
    site.git("init", "-q", "--bare", str(origin), cwd=site.home)
    site.git("clone", "-q", str(origin), str(outer), cwd=site.home)
    site.git(
        *always, "submodule", "--quiet", "add", "-b", "main", str(site.origin), "lib", cwd=outer
    )
    site.commit("outer-first", cwd=outer)
    site.git("push", "-q", "-u", "origin", "main", cwd=outer)
    site.env["AEXP_RELAY_TRUST_REMOTES"] += f":{origin}"
    return outer


def test_a_repository_that_is_a_submodule(site: Site, superproject: Path) -> None:
    site.serve()
    assert (superproject / "lib/.git").is_file()
    uses(site, superproject / "lib")


def test_a_repository_with_submodules(site: Site, superproject: Path) -> None:
    site.serve()
    lib = superproject / "lib"
    before = site.git("rev-parse", "HEAD", cwd=lib)
    other, origin = site.home / "outer-colleague", site.home / "outer.git"
    always = ("-c", "protocol.file.allow=always")
    site.git(*always, "clone", "-q", "--recurse-submodules", str(origin), str(other))
    site.commit("inner", cwd=other / "lib")
    theirs = site.commit("newer", cwd=other)
    site.git("push", "-q", "origin", "HEAD:main", cwd=other / "lib")
    site.git("push", "-q", cwd=other)
    done = site.relay("pull", cwd=superproject)
    assert done.returncode == 0, done
    assert site.git("rev-parse", "HEAD", cwd=superproject) == theirs
    # The submodule itself is the business of `git submodule update`, or of a pull in it.
    assert site.git("rev-parse", "HEAD", cwd=lib) == before
    done = site.relay("git-status", cwd=superproject)
    assert done.returncode == 0
    assert "lib" in done.stdout
    assert (
        site.relay("pull", cwd=lib).returncode == 0
        or site.git("branch", "--show-current", cwd=lib) == ""
    )
    site.git("submodule", "--quiet", "update", cwd=superproject)
    mine = site.commit("mine", cwd=superproject)
    assert site.relay("push", cwd=superproject).returncode == 0
    assert site.git("rev-parse", "main", cwd=origin) == mine
