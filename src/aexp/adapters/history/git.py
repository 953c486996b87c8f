"""The user's own git, in the user's own working copy, with the user's own settings.

This has nothing to do with the relay: nobody else's request is behind it, and nothing leaves the machine.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from aexp.domain.errors import HistoryError
from aexp.domain.text import visible
from aexp.ports.history import Commit, History, Standing

LIMIT_S = 60.0
# No text of a commit is printed, so that the byte can only be ours.
_COMMIT = "\x01"
# What a user's settings would change about this list is said in so many words.
_LOG = (
    *("-c", "log.showRoot=true", "log", "--no-renames", "--no-show-signature", "--name-only", "-z"),
    f"--format={_COMMIT}%H %ct",
)


class GitHistory(History):
    """The port over ``git`` on the path.

    Args:
        limit_s: seconds that one call of git may take.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s

    def look(self, root: str, folder: str) -> Standing:
        tracked = self._ask(root, "ls-files", "-z", "--", folder).split("\0")
        status = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
        states = self._ask(root, *status, "--", folder).split("\0")
        changed = [state[3:] for state in states if state and not state.startswith("??")]
        untracked = [state[3:] for state in states if state.startswith("??")]
        return Standing(
            tracked=frozenset(f"{root}/{path}" for path in tracked if path),
            changed=frozenset(f"{root}/{path}" for path in changed),
            untracked=frozenset(f"{root}/{path}" for path in untracked),
            commits=self._commits(root, folder),
        )

    def move(self, root: str, source: str, target: str) -> None:
        # git would move a folder into one that exists.
        if os.path.lexists(target):
            raise HistoryError(f"{visible(target)} exists already.", "Move it away first.")
        self._ask(root, "mv", "--", source, target)

    def _commits(self, root: str, folder: str) -> Mapping[str, Commit]:
        if self._run(root, "rev-parse", "--quiet", "--verify", "HEAD").returncode:
            return {}
        told = self._ask(root, *_LOG, "--", folder)
        newest: dict[str, Commit] = {}
        for path, commit in _touched(told):
            newest.setdefault(f"{root}/{path}", commit)
        return newest

    def _ask(self, root: str, *words: str) -> str:
        done = self._run(root, *words)
        if done.returncode:
            # What git advises below its first line is on its own files, and long.
            said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0].rstrip(".")
            raise HistoryError(
                f"git did not work in {visible(root, limit=500)}: {visible(said, limit=500)}.",
                f"Try `git {words[0]}` by hand there.",
            )
        return os.fsdecode(done.stdout)

    def _run(self, root: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(
                ["git", "-C", root, "--literal-pathspecs", *words],  # noqa: S607
                env=_environment(root),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise HistoryError(
                f"git took more than {self._limit_s:.0f} s in {visible(root, limit=500)}.",
                "Try `git status` by hand there.",
            ) from exc
        except OSError as exc:
            raise HistoryError(
                f"git could not be started: {exc.strerror}.", "Install git, or put it on the PATH."
            ) from exc


def _touched(told: str) -> Iterator[tuple[str, Commit]]:
    """Path and commit of all that ``git log --name-only -z`` told, the newest first."""
    commit = None
    for word in told.split("\0"):
        # The first name after a commit stands on a line of its own.
        if word.startswith(_COMMIT):
            head, _, word = word[1:].partition("\n")  # noqa: PLW2901
            made, when = head.split(" ")
            commit = Commit(made, int(when))
        path = word.removeprefix("\n")
        if path and commit:
            yield path, commit


def _environment(root: str) -> dict[str, str]:
    return {
        **os.environ,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        # A folder called .git that is none must not lead to a working copy around this one.
        "GIT_CEILING_DIRECTORIES": str(Path(root).parent),
    }
