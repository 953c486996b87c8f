"""Family L: where git looks for a repository."""

import shutil
from pathlib import Path

from tests.vectors.model import vector
from tests.vectors.scene import Scene


def _evil(scene: Scene, git_dir: Path) -> None:
    scene.config("core.fsmonitor", scene.script(), git_dir / "config")


@vector(
    "L01", "exec", "status", "a .git file that leads to a repository elsewhere, with core.fsmonitor"
)
def _git_file(scene: Scene) -> None:
    elsewhere = scene.place / "elsewhere"
    scene.git_dir.rename(elsewhere)
    _evil(scene, elsewhere)
    scene.git_dir.write_text(f"gitdir: {elsewhere}\n")


@vector(
    "L02",
    "exec",
    "status",
    "the folder is a bare repository that was committed in the tree",
    ours="ignored",
)
def _bare(scene: Scene) -> None:
    bare = scene.repo / "assets"
    shutil.copytree(scene.git_dir, bare)
    _evil(scene, bare)
    scene.config("core.worktree", scene.repo, bare / "config")
    scene.git("config", "--file", str(bare / "config"), "core.bare", "false")
    scene.cwd = bare


@vector("L03", "exec", "status", "the folder has no .git: git climbs to ~/.git", ground="own")
def _home(scene: Scene) -> None:
    scene.git_dir.rename(scene.site.home / ".git")
    _evil(scene, scene.site.home / ".git")


@vector("L04", "exec", "status", ".git is a link to a prepared git directory")
def _linked(scene: Scene) -> None:
    elsewhere = scene.place / "elsewhere"
    scene.git_dir.rename(elsewhere)
    _evil(scene, elsewhere)
    scene.git_dir.symlink_to(elsewhere)


@vector("L06", "exec", "status", "a subfolder was replaced by a nested repository")
def _nested(scene: Scene) -> None:
    nested = scene.repo / "src"
    nested.mkdir()
    shutil.copytree(scene.git_dir, nested / ".git")
    _evil(scene, nested / ".git")
    scene.cwd = nested


@vector("X50", "exec", "status", ".git/commondir leads to a repository with core.fsmonitor")
def _commondir(scene: Scene) -> None:
    elsewhere = scene.place / "elsewhere"
    shutil.copytree(scene.git_dir, elsewhere)
    _evil(scene, elsewhere)
    (scene.git_dir / "commondir").write_text(f"{elsewhere}\n")


@vector("X51", "exec", "status", "a .git file as of a worktree, whose repository does not know it")
def _foreign_worktree(scene: Scene) -> None:
    elsewhere = scene.place / "elsewhere"
    scene.git_dir.rename(elsewhere)
    _evil(scene, elsewhere)
    admin = elsewhere / "worktrees/x"
    admin.mkdir(parents=True)
    (admin / "HEAD").write_text("ref: refs/heads/main\n")
    (admin / "commondir").write_text("../..\n")
    (admin / "gitdir").write_text("/nowhere/.git\n")
    scene.git_dir.write_text(f"gitdir: {admin}\n")


@vector("X52", "exec", "status", "a worktree whose config.worktree has core.fsmonitor")
def _worktree(scene: Scene) -> None:
    tree = scene.repo.parent / f"{scene.repo.name}-tree"
    scene.git("worktree", "add", "-q", str(tree))
    scene.replace("core.repositoryformatversion", "1")
    scene.config("extensions.worktreeConfig", "true")
    admin = scene.git_dir / "worktrees" / tree.name
    scene.config("core.fsmonitor", scene.script(), admin / "config.worktree")
    scene.cwd = tree


@vector("X53", "exec", "status", "the .git folder itself as the folder of the request")
def _inside(scene: Scene) -> None:
    _evil(scene, scene.git_dir)
    scene.config("core.worktree", scene.repo)
    scene.cwd = scene.git_dir


@vector(
    "X54",
    "exec",
    "status",
    "a .git file as of a submodule, inside another repository's folder modules",
)
def _fake_module(scene: Scene) -> None:
    module = scene.place / ".git/modules/x"
    module.parent.mkdir(parents=True)
    scene.git_dir.rename(module)
    _evil(scene, module)
    scene.git_dir.write_text(f"gitdir: {module}\n")


@vector(
    "X55", "leak", "status", "a folder of the way to the working copy is a link out of the home"
)
def _outside(scene: Scene) -> None:
    shutil.copytree(scene.repo, scene.node_local / "clone")
    (scene.node_local / "clone/secret-project").write_text("x")
    scene.guards_word("secret-project")
    (scene.place / "way").symlink_to(scene.node_local)
    scene.cwd = scene.place / "way/clone"
