"""``wandb sync`` for the offline runs of a project, in surroundings that the requester cannot furnish."""

import logging
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.executor.strays import end_strays
from aexp.adapters.remedies import reason
from aexp.adapters.workshop.programs import find_program, safe_path
from aexp.adapters.workshop.steps import Done, Step, StepsExecution
from aexp.adapters.workshop.wandb_runs import SYNCED, find_runs
from aexp.adapters.workshop.wandb_settings import furnish, pin_wandb_settings
from aexp.domain.destinations import Destination
from aexp.domain.errors import ProgramMissingError, RelayStartError, SettingsError
from aexp.domain.preview import preview_of_runs
from aexp.domain.text import visible
from aexp.domain.wandb import WandbRuns, sync_arguments, version_in
from aexp.ports.executor import Command, Execution
from aexp.ports.workshop import Order, Reach, Survey

PROGRAM_VARIABLE = "AEXP_RELAY_WANDB"
ASK_LIMIT_S = 120.0
"""For the version and for the check of the server: wandb's own patience is up to half a minute."""
NO_SUCH_OPTION = 2
_LOGGER = logging.getLogger(__name__)
_STALE_LOGIN = (
    b"aexp: nothing was sent. wandb was asked with the server and the key that were configured\n"
    b"when the daemon was started; after `wandb login` on the login node, start it again.\n"
)
_CUT_SHORT = b"aexp: wandb was ended before anything was sent.\n"


class WandbBench:
    """Surveys and runs ``wandb_sync``.

    Args:
        environ: the daemon's environment, at its start.
        home: the resolved home.
        folder: a node-local folder of this daemon, for the surroundings of each run.
        executor: starts the processes.

    Raises:
        RelayStartError: the user's settings cannot be read.
        SettingsError: the named program is none.
    """

    def __init__(
        self, environ: Mapping[str, str], home: str, folder: Path, executor: LocalExecutor
    ) -> None:
        self._home = home
        self._folder = folder
        self._executor = executor
        self._pinned = pin_wandb_settings(environ, home)
        self._program = find_wandb(environ, home)
        found = shutil.which("wandb", path=environ.get("PATH"))
        self._untrusted = found if self._program is None else None

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that were read at the start; a later change of them has no effect."""
        return self._pinned.sources

    def survey(self, order: Order) -> Survey:
        """What the order would send; see :class:`~aexp.ports.workshop.Workshop`."""
        found = find_runs(order.cwd, order.args, Path(self._home))
        if not found.runs:
            return Survey(root=order.cwd, done=_nothing(order.cwd, found))
        if self._program is None:
            raise _no_program(self._untrusted)
        return Survey(
            root=order.cwd,
            args=tuple(run.path for run in found.runs),
            destinations=(self._server,),
            inventory=found.inventory,
            preview=preview_of_runs(found),
        )

    def reach(self, cwd: Path) -> Reach:
        """The owner's server, whatever runs there are; see :class:`~aexp.ports.workshop.Workshop`."""
        if self._program is None:
            raise _no_program(self._untrusted)
        return Reach(cwd, (self._server,))

    @property
    def _server(self) -> Destination:
        return Destination("wandb", "sync", self._pinned.server)

    def start(self, command: Command) -> Execution:
        """Look once more, and upload exactly the runs that were surveyed.

        Raises:
            RelayStartError: a run has changed since the survey, or the surroundings cannot be made.
        """
        survey, program = command.survey, self._program
        if survey is None or program is None:
            raise RelayStartError(
                f"{command.op} was not surveyed; nothing was run.",
                "This is a defect of the relay; please report it.",
            )
        try:
            found = find_runs(command.cwd, survey.args, Path(self._home))
        except ProgramMissingError as exc:
            raise RelayStartError(exc.what, exc.hint) from exc
        if preview_of_runs(found) != survey.preview:
            raise RelayStartError(
                "A run has changed since it was looked at; nothing was sent.",
                "Wait until it has ended, and submit the request again.",
            )
        folder = self._fresh_folder()
        try:
            return self._run(command, program, found, folder)
        except BaseException:
            _remove(folder)
            raise

    def _run(self, command: Command, program: str, found: WandbRuns, folder: Path) -> Execution:
        try:
            environment = furnish(
                folder, self._pinned, program, self._home, trusts_home=is_below(program, self._home)
            )
        except OSError as exc:
            raise _no_folder(folder, exc) from exc
        cwd = str(folder / "work")
        again = partial(self._changed, command.cwd, found)
        steps = _Steps(program, partial(_step, cwd, environment), command.cwd, found, again)
        return StepsExecution(
            steps.first,
            partial(
                self._executor.spawn,
                request_id=command.request_id,
                writable=[str(command.cwd), str(folder), "/dev/shm"],  # noqa: S108
            ),
            steps.then,
            on_close=[partial(_remove, folder), partial(_end_rest, command.request_id)],
        )

    def _changed(self, cwd: Path, found: WandbRuns) -> str:
        """What has changed since the runs were looked at; empty for nothing."""
        try:
            now = find_runs(cwd, [run.path for run in found.runs], Path(self._home))
        except ProgramMissingError as exc:
            return str(exc)
        changed = preview_of_runs(now) != preview_of_runs(found)
        return "a run has changed since it was looked at; nothing was sent" if changed else ""

    def _fresh_folder(self) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix="sync-", dir=self._folder))
        except OSError as exc:
            raise _no_folder(self._folder, exc) from exc


@dataclass
class _Steps:
    """Which version is it; does the server know us; upload; has wandb marked every run?

    The server is asked first because ``wandb sync`` itself ends with 0 (and, up to 0.28, marks the run
    as synced) when the server cannot be reached, and newer ones try for as long as they are let.
    """

    program: str
    step: Callable[..., Step]
    cwd: Path
    found: WandbRuns
    look_again: Callable[[], str]
    version: tuple[int, int] | None = field(default=None)

    @property
    def first(self) -> Step:
        return self.step(self.program, "--version", visible=False, limit_s=ASK_LIMIT_S)

    def then(self, number: int, status: int, output: bytes) -> Step | Done | None:
        if number == 0:
            if status != 0:
                return Done(status, output)
            self.version = version_in(output.decode("utf-8", "replace"))
            return self.step(self.program, "login", "--verify", visible=False, limit_s=ASK_LIMIT_S)
        if number == 1:
            if status not in (0, NO_SUCH_OPTION):
                return Done(status, output + (_STALE_LOGIN if status > 0 else _CUT_SHORT))
            changed = self.look_again()
            if changed:
                return Done(1, f"aexp: {changed}\n".encode())
            runs = [str(self.cwd / run.path) for run in self.found.runs]
            return self.step(self.program, *sync_arguments(self.version, runs))
        unmarked = [] if status else self._unmarked()
        return Done(1, _told(unmarked)) if unmarked else Done(status)

    def _unmarked(self) -> list[str]:
        return [
            run.path
            for run in self.found.runs
            if not os.path.lexists(self.cwd / run.path / (run.file + SYNCED))
        ]


def _step(
    cwd: str,
    environment: Mapping[str, str],
    *argv: str,
    visible: bool = True,
    limit_s: float | None = None,
) -> Step:
    return Step(argv, cwd, environment, visible=visible, limit_s=limit_s)


def _told(unmarked: Sequence[str]) -> bytes:
    listed = "".join(f"  {visible(path)}\n" for path in unmarked)
    return (
        "aexp: wandb ended without an error but has not marked these runs as synced. They may be\n"
        f"missing on the server, in part or as a whole, or were interrupted (see above):\n{listed}"
    ).encode()


def find_wandb(environ: Mapping[str, str], home: str) -> str | None:
    """The wandb that runs: ``AEXP_RELAY_WANDB``, else the first one on ``PATH`` outside the home, if any.

    Raises:
        SettingsError: the variable names no program.
    """
    named = environ.get(PROGRAM_VARIABLE)
    if not named:
        return find_program("wandb", safe_path(environ, home), home)
    if not os.path.isabs(named) or not os.access(named, os.X_OK):
        raise SettingsError(
            f"{PROGRAM_VARIABLE} names {named!r}, which is no program.",
            "Give the absolute path of one that is there and executable.",
        )
    return named


def _no_program(untrusted: str | None) -> ProgramMissingError:
    if untrusted is None:
        why = "wandb is not installed on the login node"
        do = "On the login node: install wandb there, or name it:"
    else:
        why = f"the only wandb is {untrusted}, which every program with this home can change"
        do = "On the login node, to use it all the same:"
    named = f"{PROGRAM_VARIABLE}={shlex.quote(untrusted or '/path/to/wandb')} aexp relay restart"
    return ProgramMissingError("op", f"is wandb_sync, and {why}", do=f"{do} {named}")


def _nothing(cwd: Path, found: WandbRuns) -> str:
    also = f" ({found.synced} synced already)" if found.synced else ""
    return f"Nothing to sync: no offline runs below {cwd}{also}.\n"


def _no_folder(folder: Path, exc: OSError) -> RelayStartError:
    return RelayStartError(
        f"The surroundings of wandb in {folder} cannot be made: {reason(exc)}.",
        "Free space there, or name another folder with AEXP_RELAY_STATE.",
    )


def _end_rest(request_id: str) -> None:
    """End what wandb has left: its service has a session of its own, where no signal to the group arrives."""
    if request_id:
        end_strays(request_id, force=True)


def _remove(folder: Path) -> None:
    def told(_function: object, path: str, about: tuple[object, BaseException, object]) -> None:
        _LOGGER.warning("wandb.leftover path=%s reason=%s", path, about[1])

    shutil.rmtree(folder, onerror=told)


def is_below(program: str, home: str) -> bool:
    """Whether a program really lies below the home."""
    return os.path.realpath(program).startswith(home.rstrip("/") + "/")
