"""The workshop of a login node: what is settled at the daemon's start, and a bench for each program."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aexp.adapters.executor import landlock
from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.executor.strays import end_strays, is_used
from aexp.adapters.node_local import private_folder
from aexp.adapters.plain_files import inode_of, write_private
from aexp.adapters.workshop.environment import base_environment
from aexp.adapters.workshop.git_bench import GitBench
from aexp.adapters.workshop.git_house import discard_house
from aexp.adapters.workshop.git_settings import check_version, pin_git_settings
from aexp.adapters.workshop.git_tools import GitTools
from aexp.adapters.workshop.programs import find_git, find_program, safe_path
from aexp.adapters.workshop.ssh_settings import pin_ssh_settings
from aexp.adapters.workshop.trust import TrustBook
from aexp.adapters.workshop.wandb_sync import WandbBench
from aexp.adapters.workshop.watched import WatchedFiles
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStartError
from aexp.domain.git_doubts import doubts_of_environment
from aexp.domain.identity import ProcessId
from aexp.domain.preview import Preview
from aexp.ports.executor import Command, Execution, Executor
from aexp.ports.processes import Processes
from aexp.ports.workshop import Order, Reach, Survey, Workshop

_HOOK = '#!/bin/sh\nexec git-lfs pre-push "$@"\n'


class LoginWorkshop(Workshop, Executor):
    """Surveys orders and runs them, each with the bench of its program.

    Args:
        environ: the daemon's environment, at its start.
        home: the resolved home.
        state: the node-local folder (see :mod:`aexp.adapters.node_local`).
        trust: what the login node's owner accepted.

    Raises:
        RelayStartError: git is missing or too old, or its configuration cannot be read.
        SettingsError: the node-local folder cannot be used.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        home: str,
        state: Path,
        trust: TrustBook,
        processes: Processes,
    ) -> None:
        self._executor = LocalExecutor({})
        self._trust = trust
        self._processes = processes
        self._folder = _own_folder(state, processes)
        path = safe_path(environ, home)
        base = base_environment({**environ, "HOME": home}, path)
        git = find_git(environ, path, home)
        check_version(git, base)
        settings = pin_git_settings(git, environ, base, home, self._folder)
        ssh = pin_ssh_settings(home, self._folder / "ssh")
        lfs = find_program("git-lfs", path, home) is not None
        tools = GitTools(
            git=git,
            lfs=lfs,
            base=base,
            home=Path(home),
            houses=_made(self._folder / "houses"),
            hooks=_made(self._folder / "hooks"),
            lfs_hooks=_lfs_hooks(self._folder / "lfs-hooks"),
            settings=settings,
            ssh=ssh,
            ssh_program=find_program("ssh", path, home) or "/usr/bin/ssh",
        )
        self._git = GitBench(tools, trust, self._executor)
        self._wandb = WandbBench(environ, home, _made(self._folder / "wandb"), self._executor)
        self._left_out = settings.left_out
        self._doubts = settings.doubts
        self._watched = WatchedFiles([*settings.sources, *ssh.sources, *self._wandb.sources])
        self._environ = environ

    def survey(self, order: Order) -> Survey:
        bench = self._git if order.op.startswith("git_") else self._wandb
        return bench.survey(order)

    def reach(self, op: str, cwd: Path) -> Reach:
        if not op.startswith("git_"):
            return self._wandb.reach(cwd)
        root, configured = self.destinations_of(cwd)
        verb = "push" if op == "git_push" else "fetch"
        return Reach(root, tuple(one for one in configured if one.verb == verb))

    def identity(self, root: Path) -> str:
        return inode_of(root)

    def preview(self, order: Order, survey: Survey, *, moved: bool) -> Survey:
        if survey.preview is not None:
            # That of wandb, which does not run itself before a person was asked.
            return survey
        if order.op == "git_push":
            return self._git.preview(order, survey, moved=moved)
        return replace(survey, inventory=Preview().inventory, preview=Preview())

    def start(self, command: Command) -> Execution:
        bench = self._git if command.op.startswith("git_") else self._wandb
        return bench.start(command)

    def end_strays(self, request_id: str, *, force: bool) -> int:
        return end_strays(request_id, force=force)

    def descriptors(self) -> Sequence[int]:
        return self._executor.descriptors()

    def decisions(self) -> Sequence[str]:
        return self._trust.untold()

    def concerns(self) -> Sequence[str]:
        told = [
            f"{path} has changed since the daemon was started; it goes on with what it read then. "
            "Start it again to use the new one."
            for path in self._watched.changed()
        ]
        told += self._doubts
        if self._left_out:
            told.append(
                f"your own git configuration runs programs that the relay leaves out: "
                f"{', '.join(self._left_out)}"
            )
        if not landlock.version():
            told.append(
                "this kernel cannot confine git to your home (Landlock, Linux 5.19): a requester that swaps "
                "folders for links in the right moment can make git write elsewhere on this node"
            )
        told += [str(doubt) for doubt in doubts_of_environment(self._environ)]
        return told

    def tidy(self) -> None:
        """Remove what dead daemons left, but for what a git of theirs that still runs works in."""
        above = self._folder.parent
        for entry in os.listdir(above):
            process = ProcessId.parse(entry)
            if process is not None and self._processes.alive(process) is not True:
                _discard(above / entry)

    def settings_of(self, cwd: Path) -> tuple[Path, list[tuple[str, str]]]:
        """The working copy that a folder lies in, and (key, value) of all that its repository sets.

        Raises:
            RelayValidationError: there is none, or it is not of a kind that the relay uses.
        """
        return self._git.settings_of(cwd)

    def destinations_of(self, cwd: Path) -> tuple[Path, Sequence[Destination]]:
        """The working copy that a folder lies in, and where its remotes lead.

        Raises:
            RelayValidationError: the same, or a setting of it is refused.
        """
        survey = self._git.survey(Order("", "git_fetch", (), cwd))
        return survey.root, survey.configured

    def ask(self, cwd: Path, destination: Destination) -> Execution:
        """Start asking a remote whether it lets this user read, in the surroundings of a fetch.

        It goes to the destination's URL, whatever the working copy says by now, and changes nothing.

        Raises:
            RelayValidationError: the working copy cannot be used.
            RelayStartError: it could not be started.
        """
        return self._git.ask(cwd, destination)

    def close(self) -> None:
        """Remove what was kept for this daemon."""
        _discard(self._folder)


def _own_folder(state: Path, processes: Processes) -> Path:
    """A fresh folder for this process."""
    return private_folder(private_folder(state / "daemons") / str(processes.me))


def _discard(folder: Path) -> None:
    """Remove what a daemon kept; an index that it had borrowed is free again."""
    houses = folder / "houses"
    left = [*houses.iterdir()] if houses.is_dir() else []
    running = [house for house in left if is_used(f"GIT_DIR={house}")]
    for house in left:
        if house not in running:
            discard_house(house)
    if not running:
        shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _lfs_hooks(folder: Path) -> Path:
    try:
        write_private(_made(folder) / "pre-push", _HOOK.encode(), 0o700)
    except OSError as exc:
        raise RelayStartError(
            f"{folder} cannot be written: {exc.strerror}.", "Name another folder: AEXP_RELAY_STATE."
        ) from exc
    return folder
