"""Family P: what ``git pull --ff-only`` can be led to."""

import hashlib

from tests.vectors.model import vector
from tests.vectors.scene import Scene

_POINTER = "version https://git-lfs.github.com/spec/v1\n"


@vector("P01", "exec", "pull", "hook post-merge", ours="ignored")
def _post_merge(scene: Scene) -> None:
    scene.hook("post-merge")


@vector("P02", "exec", "pull", "filter.x.smudge for a file of upstream, by .git/info/attributes")
def _smudge(scene: Scene) -> None:
    scene.attributes("*.dat filter=x\n")
    scene.config("filter.x.smudge", scene.script(then="cat"))


@vector("P03", "exec", "pull", "filter.x.process, likewise")
def _process(scene: Scene) -> None:
    scene.attributes("*.dat filter=x\n")
    scene.config("filter.x.process", scene.script())


@vector(
    "P04", "exec", "pull", "upstream's .gitattributes ask for lfs, and filter.lfs is not git-lfs"
)
def _hijacked_lfs(scene: Scene) -> None:
    scene.upstream({".gitattributes": "*.bin filter=lfs\n", "model.bin": "x\n"})
    scene.config("filter.lfs.process", scene.script())
    scene.config("filter.lfs.smudge", scene.script(then="cat"))


@vector("P06", "exec", "pull", "branch.main.mergeOptions=-s <strategy in ~/bin>", lands=False)
def _merge_options(scene: Scene) -> None:
    scene.config("branch.main.mergeOptions", f"-s {scene.helper('git-merge')}")


@vector(
    "P07",
    "exec",
    "pull",
    "branch.main.rebase=interactive and sequence.editor",
    lands=False,
    ours="ignored",
)
def _interactive(scene: Scene) -> None:
    scene.config("branch.main.rebase", "interactive")
    scene.config("sequence.editor", scene.script())


@vector(
    "P08",
    "exec",
    "pull",
    "submodule.recurse and submodule.sub.update=!<command>",
    start="ahead",
    lands=False,
)
def _update_command(scene: Scene) -> None:
    scene.superproject()
    scene.config("submodule.recurse", "true")
    scene.config("submodule.sub.update", f"!{scene.script()}")


@vector(
    "P08b",
    "exec",
    "pull",
    "submodule.recurse and a hook in .git/modules/sub",
    start="ahead",
    ours="ignored",
)
def _submodule_hook(scene: Scene) -> None:
    module = scene.superproject()
    scene.config("submodule.recurse", "true")
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        scene.hook(name, module)


@vector("P09", "exec", "pull", "core.hooksPath leads to a hook post-merge", ours="ignored")
def _hooks_path(scene: Scene) -> None:
    scene.hook("post-merge", scene.place)
    scene.config("core.hooksPath", scene.place / "hooks")


@vector("P10", "exec", "pull", "branch.main.remote=ext::<command>, and protocol.ext.allow=always")
def _branch_remote(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.replace("branch.main.remote", f"ext::{scene.script()}")


@vector("P11", "exec", "pull", "core.fsmonitor")
def _fsmonitor(scene: Scene) -> None:
    scene.config("core.fsmonitor", scene.script())


@vector(
    "P12", "write-local", "pull", "core.worktree is a folder of the login node: pull writes there"
)
def _worktree(scene: Scene) -> None:
    folder = scene.node_local / "work"
    scene.config("core.worktree", folder)
    folder.mkdir()
    for name in ("data.txt", "mine.txt", "filtered.dat"):
        (folder / name).write_bytes((scene.repo / name).read_bytes())
    scene.guards_file(folder / "data.txt", (scene.repo / "data.txt").read_text())


@vector("P13", "exec", "pull", "merge.x.driver, where nothing is to be merged", lands=False)
def _driver(scene: Scene) -> None:
    scene.attributes("* merge=x\n")
    scene.config("merge.x.driver", scene.script())


@vector("P16", "exec", "pull", "lfs.extension.x.smudge in the repository's configuration")
def _lfs_extension(scene: Scene) -> None:
    scene.needs_lfs()
    content = b"a large file\n"
    digest = hashlib.sha256(content).hexdigest()
    stored = scene.git_dir / f"lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    pointer = f"{_POINTER}ext-0-x sha256:{digest}\noid sha256:{digest}\nsize {len(content)}\n"
    scene.upstream({".gitattributes": "*.bin filter=lfs\n", "model.bin": pointer})
    scene.config("lfs.extension.x.clean", "cat")
    scene.config("lfs.extension.x.smudge", scene.script(then="cat"))
    scene.config("lfs.extension.x.priority", "0")


@vector(
    "P17",
    "exec",
    "pull",
    ".lfsconfig in the tree: a custom transfer program",
    lands=False,
    ours="fails",
)
def _lfsconfig(scene: Scene) -> None:
    _large_file_upstream(scene)
    (scene.repo / ".lfsconfig").write_text(
        "[lfs]\n\tstandalonetransferagent = x\n"
        f'[lfs "customtransfer.x"]\n\tpath = {scene.script()}\n'
    )


@vector("X20", "exec", "pull", "lfs.customtransfer.x.path in the repository's configuration")
def _custom_transfer(scene: Scene) -> None:
    _large_file_upstream(scene)
    scene.config("lfs.standalonetransferagent", "x")
    scene.config("lfs.customtransfer.x.path", scene.script())


def _large_file_upstream(scene: Scene) -> None:
    scene.needs_lfs()
    digest = hashlib.sha256(b"elsewhere").hexdigest()
    pointer = f"{_POINTER}oid sha256:{digest}\nsize 9\n"
    scene.upstream({".gitattributes": "*.bin filter=lfs\n", "model.bin": pointer})


@vector("X21", "exec", "pull", "a partial clone whose promisor remote is ext::<command>")
def _promisor(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.replace("core.repositoryformatversion", "1")
    scene.config("extensions.partialclone", "lazy")
    scene.config("remote.lazy.promisor", "true")
    scene.config("remote.lazy.url", f"ext::{scene.script()}")
    tree = scene.git("rev-parse", "HEAD^{tree}")
    (scene.git_dir / "objects" / tree[:2] / tree[2:]).unlink()


@vector("X22", "write-local", "pull", "logs/HEAD is a link to a file of the login node")
def _linked_log(scene: Scene) -> None:
    log = scene.git_dir / "logs/HEAD"
    log.unlink()
    log.symlink_to(scene.guards_file(scene.node_local / "precious"))


@vector(
    "X23",
    "write-local",
    "pull",
    "ORIG_HEAD is a link to a file of the login node",
    lands=False,
    ours="ignored",
)
def _linked_orig_head(scene: Scene) -> None:
    target = scene.guards_file(scene.node_local / "precious", f"{'0' * 40}\n")
    (scene.git_dir / "ORIG_HEAD").unlink(missing_ok=True)
    (scene.git_dir / "ORIG_HEAD").symlink_to(target)


@vector(
    "X24",
    "write-local",
    "pull",
    "a folder of the tree is a link to one of the login node",
    lands=False,
    ours="fails",
)
def _linked_tree(scene: Scene) -> None:
    scene.upstream({"out/data": "x\n"})
    (scene.repo / "out").symlink_to(scene.guards_folder(scene.node_local / "empty"))


@vector(
    "X25",
    "exec",
    "pull",
    "upstream has a hook's file in the tree, and core.hooksPath is relative to it",
    ours="ignored",
)
def _hooks_in_tree(scene: Scene) -> None:
    hook = scene.hook("post-merge", scene.repo)
    scene.git("add", "-A")
    assert hook.exists()
    scene.config("core.hooksPath", "hooks")
