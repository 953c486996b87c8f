"""The checks that try a promise of the storage on a file of their own."""

from collections.abc import Callable

from aexp.airgapped.checkup.ground import Check, Ground, late, moved, scratch
from aexp.domain.findings import Finding, fail, ok

_ELSEWHERE = (
    "The relay needs a filesystem that keeps this: name a queue on another one with --queue."
)


def _seen(ground: Ground, name: str) -> bool:
    folder, _, entry = name.rpartition("/")
    return entry in ground.storage.list(folder)


def _probe(act: Callable[[Ground, str], str | None], told: str) -> Check:
    """A check that tries one promise of the storage on a file of its own.

    Args:
        act: tries it on the name that it is given; gives what went wrong, None when nothing did.
        told: what is true when nothing did.
    """

    def look(ground: Ground, name: str) -> Finding | None:
        if not ground.there:
            return None
        with scratch(ground) as made:
            started = ground.clock.monotonic()
            wrong = act(ground, made)
            took_ms = (ground.clock.monotonic() - started) * 1000
        return fail(name, wrong, _ELSEWHERE) if wrong else ok(name, f"{told} ({took_ms:.1f} ms)")

    return Check(act.__name__.lstrip("_"), look)


def _create(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    if not _seen(ground, made):
        return "a file that was just made is not in the listing of its folder"
    return None


def _exclusive(ground: Ground, made: str) -> str | None:
    first = ground.storage.put_new(made, b"first")
    second = ground.storage.put_new(made, b"second")
    if not first or second or ground.storage.read(made) != b"first":
        return "two who make the same file are both told that they made it"
    return None


def _move(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    first = ground.storage.take(made, moved(made))
    # To another name: what lies at the first one would be taken for a move whose reply was lost.
    second = ground.storage.take(made, late(made))
    if not first or second or _seen(ground, made) or not _seen(ground, moved(made)):
        return "a file that is moved does not go from one name to the other in one step"
    return None


def _remove(ground: Ground, made: str) -> str | None:
    ground.storage.put_new(made, b"doctor")
    ground.storage.remove(made)
    return "a file that was removed is still listed" if _seen(ground, made) else None


PROBES = (
    _probe(_create, "a new file is in the listing at once"),
    _probe(_exclusive, "of two who make one file, one wins"),
    _probe(_move, "a move has one winner"),
    _probe(_remove, "what is removed is gone at once"),
)
