"""What changes between the look and the use, and what git finds in the tree itself and waits for."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aexp.adapters.executor import landlock
from tests.vectors.model import vector
from tests.vectors.scene import Scene

TRIES = 25


def _asked_while(scene: Scene, turn: Callable[[int], None]) -> None:
    """Ask again and again, while a thread of the requester keeps changing something."""

    def race() -> str:
        over = threading.Event()
        thread = threading.Thread(target=_keep_turning, args=(turn, over))
        thread.start()
        try:
            asked = [scene.ground.ask(scene.op, (), scene.cwd) for _ in range(TRIES)]
        finally:
            over.set()
            thread.join()
        assert all(one.status != "silent" for one in asked)
        return "\n".join(one.said for one in asked)

    scene.instead = race


def _keep_turning(turn: Callable[[int], None], over: threading.Event) -> None:
    number = 0
    while not over.wait(0.0005):
        number += 1
        turn(number)


def _put_link(path: Path, target: Path | str, number: int) -> None:
    draft = path.with_name(f"draft{number}")
    draft.symlink_to(target)
    os.replace(draft, path)


@vector(
    "O07",
    "exec",
    "status",
    "the folder is swapped for another repository between the look and the use",
    ours="never ran",
    lands=False,
    original="ran in up to a third of the tries",
)
def _swapped_folder(scene: Scene) -> None:
    evil = scene.place / "other"
    scene.git("clone", "-q", str(scene.origin), str(evil))
    scene.config("core.fsmonitor", scene.script(), evil / ".git/config")
    way = scene.place / "way"
    for name, target in (("good", scene.repo), ("bad", evil)):
        (scene.place / name).mkdir()
        (scene.place / name / "repo").symlink_to(target)
    way.symlink_to("good")
    scene.cwd = way / "repo"
    _asked_while(scene, lambda number: _put_link(way, "bad" if number % 2 else "good", number))


@vector(
    "X80",
    "exec",
    "status",
    ".git/config is swapped for one with core.fsmonitor between the look and the use",
    ours="never ran",
    lands=False,
    original="ran: a check of the file before git starts lost the race in 29 of 150 tries",
)
def _swapped_config(scene: Scene) -> None:
    config = scene.git_dir / "config"
    good = config.read_bytes()
    scene.config("core.fsmonitor", scene.script())
    texts = (good, config.read_bytes())

    def turn(number: int) -> None:
        draft = scene.place / f"draft{number}"
        draft.write_bytes(texts[number % 2])
        os.replace(draft, config)

    _asked_while(scene, turn)


@vector(
    "X81",
    "exec",
    "status",
    ".git is swapped for a prepared git directory between the look and the use",
    ours="never ran",
    lands=False,
    original="ran",
)
def _swapped_repository(scene: Scene) -> None:
    evil = scene.place / "evil.git"
    scene.git("clone", "-q", "--mirror", str(scene.origin), str(evil))
    scene.git("config", "--file", str(evil / "config"), "core.bare", "false")
    scene.hook("reference-transaction", evil)
    scene.config("core.fsmonitor", scene.script(), evil / "config")
    good = scene.place / "good.git"
    moves = (
        (scene.git_dir, good),
        (evil, scene.git_dir),
        (scene.git_dir, evil),
        (good, scene.git_dir),
    )
    _asked_while(scene, lambda number: os.rename(*moves[(number - 1) % 4]))


@vector(
    "X82",
    "write-local",
    "rebase",
    ".git/index is swapped for a link to a file of the login node between the look and the use",
    start="ahead",
    ours="never followed",
    lands=False,
    original="overwritten",
)
def _swapped_index(scene: Scene) -> None:
    index = scene.git_dir / "index"
    good = index.read_bytes()
    target = scene.guards_file(scene.node_local / "precious", "")
    target.write_bytes(good)
    scene.alarms.pop()
    scene.alarms.append(
        lambda output: (
            "" if target.read_bytes() == good else "a file of the login node was overwritten"
        )
    )

    def turn(number: int) -> None:
        os.utime(scene.repo / "data.txt", (number, number))
        if number % 2:
            _put_link(index, target, number)
        else:
            draft = index.with_name(f"draft{number}")
            draft.write_bytes(good)
            os.replace(draft, index)

    _asked_while(scene, turn)


def _meanwhile(scene: Scene, op: str) -> None:
    """The operation may wait for ever; others must not, and it must be possible to end it."""

    def both() -> str:
        request_id = scene.ground.leave(op, (), scene.cwd)
        other = scene.ground.ask("git_status", (), scene.site.repo)
        scene.ground.cancel(request_id)
        ended = scene.ground.wait(request_id)
        assert other.ok, other
        assert ended.status != "silent", "it could not be ended"
        return ended.said

    scene.instead = both


@vector(
    "X85",
    "hang",
    "status",
    "a .gitignore of the tree is a FIFO: git waits, and nobody else does",
    ours="ends by its time limit or by a cancel; others are served",
    lands=False,
    original="the whole daemon waited",
)
def _ignore_fifo(scene: Scene) -> None:
    os.mkfifo(scene.repo / ".gitignore")
    _meanwhile(scene, "git_status")


@vector(
    "X86",
    "hang",
    "status",
    "HEAD of a submodule's repository is a FIFO: git waits, and nobody else does",
    start="ahead",
    ours="ends by its time limit or by a cancel; others are served",
    lands=False,
    original="the whole daemon waited",
)
def _module_fifo(scene: Scene) -> None:
    head = scene.superproject() / "HEAD"
    head.unlink()
    os.mkfifo(head)
    _meanwhile(scene, "git_status")


@vector(
    "X90",
    "write-local",
    "pull",
    "a folder of the tree is swapped for a link while git writes upstream's files into it",
    lands=False,
    ours="never written",
    original="written: any name and content",
)
def _swapped_tree(scene: Scene) -> None:
    _swap_while_pulling(scene, scene.guards_folder(scene.node_local / "empty"))


@vector(
    "X92",
    "write-home",
    "pull",
    "the same, and the link leads to another folder of the home, such as ~/.ssh",
    lands=False,
    ours="never written",
    original="written: any name and content",
)
def _swapped_tree_to_home(scene: Scene) -> None:
    _swap_while_pulling(scene, scene.guards_folder(scene.site.home / ".config/autostart"))


def _swap_while_pulling(scene: Scene, target: Path) -> None:
    if not landlock.version():
        pytest.skip("this kernel has no Landlock, without which the race is not closed")
    scene.upstream({f"out/file{number}": "of the requester\n" for number in range(2000)})
    out = scene.repo / "out"
    over = threading.Event()

    def swap() -> None:
        # The swapper looks without a pause: it is here that the requester must be quick.
        while not (out / "file0").exists() and not over.is_set():
            pass
        for number in range(1000):
            if over.is_set():
                return
            # Git may make the folder anew between the two: then once more.
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                out.rename(scene.place / f"aside{number}")
                out.symlink_to(target)
                return

    def race() -> str:
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            return scene.ground.ask("git_pull", (), scene.cwd).said
        finally:
            over.set()
            thread.join()

    scene.instead = race
