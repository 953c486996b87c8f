"""Family S: what a mere ``git status`` can be led to."""

from pathlib import Path

from tests.vectors.model import vector
from tests.vectors.scene import Scene


@vector("S01", "exec", "status", "core.fsmonitor names a program")
def _fsmonitor(scene: Scene) -> None:
    scene.config("core.fsmonitor", scene.script())


@vector("S02", "exec", "status", "filter.x.clean, by .gitattributes of the tree")
def _clean(scene: Scene) -> None:
    scene.config("filter.x.clean", scene.script(then="cat"))
    (scene.repo / ".gitattributes").write_text("* filter=x\n")
    scene.stale()


@vector("S03", "exec", "status", "filter.x.process, by .gitattributes of the tree")
def _process(scene: Scene) -> None:
    scene.config("filter.x.process", scene.script())
    (scene.repo / ".gitattributes").write_text("* filter=x\n")
    scene.stale()


@vector("S04", "exec", "status", "hook post-index-change", ours="ignored")
def _index_hook(scene: Scene) -> None:
    scene.hook("post-index-change")
    scene.stale()


@vector(
    "S05",
    "exec",
    "status",
    "core.fsmonitor in a submodule's own configuration",
    start="ahead",
    ours="ignored",
)
def _submodule(scene: Scene) -> None:
    module = scene.superproject()
    scene.config("core.fsmonitor", scene.script(), module / "config")


@vector("S06", "exec", "status", "include.path leads to a file with core.fsmonitor")
def _include(scene: Scene) -> None:
    included = scene.place / "included"
    scene.config("core.fsmonitor", scene.script(), included)
    scene.config("include.path", included)


@vector("S09", "leak", "status", "core.worktree is a folder of the login node: names leak")
def _worktree(scene: Scene) -> None:
    (scene.node_local / "secret-project").write_text("x")
    scene.config("core.worktree", scene.node_local)
    scene.guards_word("secret-project")


@vector(
    "S10", "exec", "status", "a partial clone lacks a tree: the lazy fetch runs core.sshCommand"
)
def _lazy_fetch(scene: Scene) -> None:
    scene.replace("remote.origin.url", "ssh://nowhere.invalid/x.git")
    scene.config("remote.origin.promisor", "true")
    scene.config("remote.origin.partialclonefilter", "tree:0")
    scene.replace("core.repositoryformatversion", "1")
    scene.config("extensions.partialclone", "origin")
    scene.config("core.sshCommand", scene.script())
    tree = scene.git("rev-parse", "HEAD^{tree}")
    (scene.git_dir / "objects" / tree[:2] / tree[2:]).unlink()
    (scene.git_dir / "index").unlink()


@vector("S11", "exec", "status", "pager.status and core.pager", lands=False, ours="ignored")
def _pager(scene: Scene) -> None:
    script = scene.script(then="cat")
    scene.config("pager.status", "true")
    scene.config("core.pager", script)


@vector("S12", "exec", "status", "alias.status=!<script>", lands=False, ours="ignored")
def _alias(scene: Scene) -> None:
    scene.config("alias.status", f"!{scene.script()}")


@vector("S13", "exec", "status", "hook.<name>.command for post-index-change", since=(2, 54))
def _config_hook(scene: Scene) -> None:
    scene.config("hook.x.event", "post-index-change")
    scene.config("hook.x.command", scene.script())
    scene.stale()


@vector(
    "S14", "exec", "status", "diff.external and diff.<driver>.textconv", lands=False, ours="ignored"
)
def _external_diff(scene: Scene) -> None:
    script = scene.script(then="cat")
    scene.config("diff.external", script)
    scene.config("diff.x.textconv", script)
    scene.attributes("* diff=x\n")
    (scene.repo / "data.txt").write_text("changed\n")


@vector(
    "X01", "exec", "status", "extensions.worktreeConfig and config.worktree with core.fsmonitor"
)
def _worktree_config(scene: Scene) -> None:
    scene.replace("core.repositoryformatversion", "1")
    scene.config("extensions.worktreeConfig", "true")
    scene.config("core.fsmonitor", scene.script(), scene.git_dir / "config.worktree")


@vector("X02", "exec", "status", "includeIf.gitdir: leads to a file with core.fsmonitor")
def _conditional_include(scene: Scene) -> None:
    included = scene.place / "included"
    scene.config("core.fsmonitor", scene.script(), included)
    scene.config(f"includeIf.gitdir:{scene.site.home}/.path", included)


@vector(
    "X03",
    "exec",
    "status",
    "status.submoduleSummary with a submodule's own core.fsmonitor",
    start="ahead",
    ours="ignored",
)
def _summary(scene: Scene) -> None:
    module = scene.superproject()
    scene.config("core.fsmonitor", scene.script(), module / "config")
    scene.config("status.submoduleSummary", "true")


@vector("X04", "exec", "status", ".git/config is a link to a file with core.fsmonitor")
def _linked_config(scene: Scene) -> None:
    config = scene.git_dir / "config"
    moved = scene.place / "config"
    config.rename(moved)
    config.symlink_to(moved)
    scene.config("core.fsmonitor", scene.script(), moved)


@vector(
    "X05", "exec", "status", "core.attributesFile in the home with a clean filter of the repository"
)
def _attributes_file(scene: Scene) -> None:
    attributes = scene.place / "attributes"
    attributes.write_text("* filter=x\n")
    scene.config("core.attributesFile", attributes)
    scene.config("filter.x.clean", scene.script(then="cat"))
    scene.stale()


@vector("X06", "exec", "status", "the filter is called lfs, as the user's own is")
def _named_like_lfs(scene: Scene) -> None:
    scene.config("filter.lfs.process", scene.script())
    scene.config("filter.lfs.clean", scene.script(then="cat"))
    (scene.repo / ".gitattributes").write_text("* filter=lfs\n")
    scene.stale()


def _fifo(path: Path) -> None:
    import os

    path.unlink(missing_ok=True)
    os.mkfifo(path)


@vector("X07", "hang", "status", ".git/HEAD is a FIFO")
def _head_fifo(scene: Scene) -> None:
    _fifo(scene.git_dir / "HEAD")


@vector("X08", "hang", "status", ".git/packed-refs is a FIFO")
def _packed_refs_fifo(scene: Scene) -> None:
    _fifo(scene.git_dir / "packed-refs")


@vector("X09", "hang", "status", ".git/index is a FIFO")
def _index_fifo(scene: Scene) -> None:
    _fifo(scene.git_dir / "index")


@vector("X10", "hang", "status", ".git/info/exclude is a FIFO")
def _exclude_fifo(scene: Scene) -> None:
    (scene.git_dir / "info").mkdir(exist_ok=True)
    _fifo(scene.git_dir / "info/exclude")


@vector("X11", "hang", "status", "the .git file is a FIFO", lands=False)
def _git_fifo(scene: Scene) -> None:
    scene.git_dir.rename(scene.place / "moved")
    _fifo(scene.git_dir)
