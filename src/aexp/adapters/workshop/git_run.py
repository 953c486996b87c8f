"""One git command in its private directory, and what has to happen after it."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from aexp.adapters.linkless import open_folder
from aexp.adapters.remedies import reason
from aexp.adapters.workshop.environment import house_environment
from aexp.adapters.workshop.git_house import GitHouse
from aexp.adapters.workshop.steps import Done, Spawn, Step, StepsExecution
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStartError, RelayValidationError
from aexp.domain.text import visible
from aexp.ports.executor import Execution

_ABORTED = b"aexp: the rebase was aborted; branch and working copy are as they were before.\n"
_REBASES = "--rebase=true"
_ADVICE = b"hint:"
"""How git tells to go on with a rebase that stopped. It is aborted, so that this would mislead."""
_NOT_ABORTED = (
    b"aexp: the rebase stopped and could not be aborted. The branch is as it was before; look at the working "
    b"copy with `git status`.\n"
)


def run_git(
    argv: Sequence[str],
    below: Sequence[str],
    destinations: Sequence[Destination],
    house: GitHouse,
    environment: Mapping[str, str],
    spawn: Spawn,
) -> Execution:
    """Start git; what it leaves in the private directory is given back when it has ended.

    Args:
        argv: git and its arguments.
        below: the way from the working copy down to the folder that it starts in.
        destinations: the only places that it may connect to.

    Raises:
        RelayStartError: it could not be started.
    """
    root = house.layout.root
    work_tree = "/".join([".."] * len(below)) or "."
    whole = {
        **environment,
        **house_environment(str(house.path), work_tree, _protocols(destinations)),
    }
    handle = _open(root.joinpath(*below))
    try:
        # The folder is used through its descriptor: what its path leads to by now does not matter.
        cwd = f"/proc/self/fd/{handle}"
        abort = Step((argv[0], "rebase", "--abort"), cwd, whole, always=True)
        return StepsExecution(
            Step(argv, cwd, whole, leaves_out=_ADVICE if _REBASES in argv else b""),
            spawn,
            _Ending(house, abort),
            on_close=[partial(os.close, handle), house.close],
        )
    except BaseException:
        os.close(handle)
        raise


class _Ending:
    """Sees to it that no rebase stays half done, and that the working copy gets what is its own."""

    def __init__(self, house: GitHouse, abort: Step) -> None:
        self._house = house
        self._abort = abort
        self._status = 0

    def __call__(self, number: int, status: int, output: bytes) -> Step | Done | None:
        if number == 0:
            self._status = status
            return self._abort if self._house.is_rebasing else self._end(b"")
        return self._end(_ABORTED if status == 0 else _NOT_ABORTED)

    def _end(self, words: bytes) -> Done:
        try:
            self._house.give_back()
        except (OSError, RelayValidationError) as exc:
            why = f"{reason(exc)} ({exc.strerror})" if isinstance(exc, OSError) else str(exc)
            told = f"aexp: what git has left could not be written to {self._house.layout.git_dir}: {why}\n"
            return Done(self._status or 1, words + told.encode())
        return Done(self._status, words)


def _open(path: Path) -> int:
    try:
        return open_folder(path)
    except OSError as exc:
        raise RelayStartError(
            f"{visible(str(path), limit=200)} is no folder any more, or reached by a link: {exc.strerror}.",
            "Submit the request again once the working copy stands still.",
        ) from exc


def _protocols(destinations: Sequence[Destination]) -> tuple[str, ...]:
    if not destinations:
        return ()
    paths = any(one.url.startswith("/") for one in destinations)
    return ("https", "ssh", "file") if paths else ("https", "ssh")
