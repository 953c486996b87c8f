"""What the look at a push could be made to do, before a person is asked: it reads what nobody trusts."""

import os

from tests.vectors.model import vector
from tests.vectors.scene import Scene


def _object(scene: Scene, name: str) -> str:
    return scene.git("rev-parse", name)


def _asked_about(scene: Scene) -> None:
    """Lead the push to the attacker's host, so that a person is asked and the commits are looked at."""
    scene.replace("remote.origin.url", f"{scene.guards_beacon()}/x.git")


def _loose(scene: Scene, name: str) -> str:
    found = _object(scene, name)
    return str(scene.git_dir / f"objects/{found[:2]}/{found[2:]}")


@vector(
    "X93",
    "exfil",
    "push",
    "a partial clone whose missing files the look at the commits would fetch from the attacker's host",
    start="ahead",
    ours="asks",
    lands=False,
)
def _lazy_fetch(scene: Scene) -> None:
    _asked_about(scene)
    scene.config("remote.origin.promisor", "true")
    scene.config("remote.origin.partialclonefilter", "blob:none")
    scene.config("core.repositoryformatversion", "1")
    scene.config("extensions.partialClone", "origin")
    os.unlink(_loose(scene, "HEAD:data.txt"))


@vector(
    "X94",
    "hang",
    "push",
    "the commit that a person would be shown is a FIFO",
    start="ahead",
    lands=False,
)
def _fifo_commit(scene: Scene) -> None:
    _asked_about(scene)
    path = _loose(scene, "HEAD")
    os.unlink(path)
    os.mkfifo(path)


@vector(
    "X95",
    "exfil",
    "push",
    "the commit's file holds another commit than its name says",
    start="ahead",
    lands=False,
)
def _forged_commit(scene: Scene) -> None:
    _asked_about(scene)
    tree = _object(scene, "HEAD^{tree}")
    other = scene.git("commit-tree", "-m", "harmless", tree)
    os.replace(_loose(scene, other), _loose(scene, "HEAD"))
