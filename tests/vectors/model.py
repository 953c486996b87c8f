"""What a vector is, and the table of all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.vectors.scene import Scene

EFFECTS = {
    "exec": "a command runs on the login node",
    "exec-githost": "a command runs on the git host",
    "destroy": "branches of the remote are overwritten or deleted",
    "destroy-local": "local branches are lost",
    "exfil": "data, or a connection, reaches a place that nobody approved",
    "token": "a credential reaches the requester",
    "write-local": "a file on the login node's own disk is written",
    "write-home": "a file of the home is written that a requester confined to its project cannot write",
    "leak": "names on the login node's own disk are shown",
    "hang": "the operation never ends",
}
TRIED = (2, 39)
"""The git with which the vectors were tried that are not of the design."""
ANSWERS = {
    "refused": "refused, with what to do",
    "asks": "waits for a person",
    "ignored": "not used; the operation succeeds",
    "fails": "not used; git itself says no",
}
Plant = Callable[["Scene"], None]


@dataclass(frozen=True)
class Vector:
    """One way in.

    Attributes:
        id: as in the design's matrix; ``O``: its other surfaces; ``X``: found while this was written.
        effect: a key of :data:`EFFECTS`.
        op: the operation that is asked for.
        what: what is planted, in one line.
        plant: plants it; also says what is asked and how success shows.
        start: how the working copy stands to its origin: ``behind``, ``ahead`` or ``diverged``.
        ground: where it is tried: ``path``, ``ssh`` or ``https`` remotes on a daemon that many
            vectors share, or ``own`` (see :mod:`tests.vectors.grounds`).
        lands: whether there is an original command line that gives way to it with some git.
        since: the first version of git with which it lands; None for all.
        until: the first version of git with which it does not land any more; None for none.
        ours: what the relay answers; a key of :data:`ANSWERS`, or the answer in words where there is
            not one request.
        before: planted before the daemon starts, and not after the working copy was used once.
        original: what the original design made of it, where that is not simply the effect.
    """

    id: str
    effect: str
    op: str
    what: str
    plant: Plant
    start: str = "behind"
    ground: str = "path"
    lands: bool = True
    since: tuple[int, int] | None = None
    until: tuple[int, int] | None = None
    ours: str = "refused"
    before: bool = False
    original: str = ""

    def lands_with(self, version: tuple[int, int]) -> bool:
        """Whether the original command line is known to give way with this git."""
        if not self.lands or (self.since is not None and version < self.since):
            return False
        if self.family == "X":
            # The design's own vectors were tried with git 2.34, 2.39 and 2.55, these with one alone.
            return version == TRIED
        return self.until is None or version < self.until

    @property
    def family(self) -> str:
        """The letter of the family."""
        return self.id[0]


VECTORS: dict[str, Vector] = {}


def vector(
    name: str,
    effect: str,
    op: str,
    what: str,
    *,
    start: str = "behind",
    ground: str = "path",
    lands: bool = True,
    since: tuple[int, int] | None = None,
    until: tuple[int, int] | None = None,
    ours: str = "refused",
    before: bool = False,
    original: str = "",
) -> Callable[[Plant], Plant]:
    """Enter a function that plants something in the table; see :class:`Vector`."""
    assert effect in EFFECTS, effect
    assert name not in VECTORS, name

    def enter(plant: Plant) -> Plant:
        VECTORS[name] = Vector(
            name,
            effect,
            f"git_{op}" if op in ("pull", "push", "fetch", "status", "rebase") else op,
            what,
            plant,
            start,
            ground,
            lands,
            since,
            until,
            ours,
            before,
            original,
        )
        return plant

    return enter
