"""Trying a vector: through the relay, or with the original command line."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.vectors.grounds import Ground, Outcome
from tests.vectors.matrix import GROUNDS
from tests.vectors.model import Vector
from tests.vectors.original import run_original
from tests.vectors.scene import Scene


@dataclass
class Trial:
    """What came of a vector.

    Attributes:
        fired: what went wrong; empty when nothing did.
        outcomes: what became of each request.
    """

    fired: str
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def told(self) -> str:
        """Everything, for the message of a failed test."""
        said = "\n".join(f"{one.status} {one.returncode}: {one.said}" for one in self.outcomes)
        return f"{self.fired or 'nothing happened'}\n{said}"


class Grounds:
    """Makes grounds when they are asked for, and keeps those that vectors share.

    Args:
        folder: where they are made.
        serve: whether each gets a daemon.
    """

    def __init__(self, folder: Path, *, serve: bool) -> None:
        self._folder = folder
        self._serve = serve
        self._shared: dict[str, Ground] = {}
        self._own: list[Ground] = []

    def of(self, vector: Vector) -> Ground:
        """Where the vector is tried."""
        kind = vector.ground
        if kind in self._shared:
            return self._shared[kind]
        own = kind.startswith("own")
        ground = GROUNDS[kind](self._folder / (vector.id.lower() if own else kind))
        if own:
            self._own.append(ground)
        else:
            self._shared[kind] = ground
        if self._serve and not vector.before:
            ground.start()
        return ground

    def close_own(self) -> None:
        """End those that are for one vector alone."""
        for ground in self._own:
            ground.close()
        self._own.clear()

    def close(self) -> None:
        """End all."""
        self.close_own()
        for ground in self._shared.values():
            ground.close()


def try_relay(ground: Ground, vector: Vector) -> Trial:
    """Use the working copy once through the relay, plant, and ask."""
    scene = ground.scene(vector)
    if vector.before:
        ground.advance(scene)
        vector.plant(scene)
        ground.start(scene.environment)
    else:
        used = ground.ask("git_fetch", (), scene.repo)
        assert used.ok, f"the working copy could not be used before anything was planted: {used}"
        ground.advance(scene)
        vector.plant(scene)
    if scene.instead is not None:
        return Trial(scene.fired(scene.instead()))
    return _asked(ground, scene)


def _asked(ground: Ground, scene: Scene) -> Trial:
    outcomes = [ground.ask(scene.op, args, scene.cwd, scene.request_id) for args in scene.attempts]
    fired = scene.fired("\n".join(one.said for one in outcomes))
    silent = any(one.status == "silent" for one in outcomes)
    return Trial("; ".join(filter(None, [fired, "no answer came" if silent else ""])), outcomes)


def try_original(ground: Ground, vector: Vector) -> Trial:
    """Plant, and run the original command line."""
    scene = ground.scene(vector)
    scene.git("fetch", "-q")
    ground.advance(scene)
    vector.plant(scene)
    if scene.instead is not None:
        return Trial(scene.fired(scene.instead()))
    said = [run_original(scene, args) for args in scene.attempts]
    if None in said:
        return Trial("it does not end")
    told = "\n".join(one for one in said if one)
    return Trial(scene.fired(told), [Outcome("original", None, told)])


def try_ordinary(ground: Ground) -> Outcome:
    """Use the ordinary repository of the same home."""
    return ground.ask("git_fetch", (), ground.site.repo)
