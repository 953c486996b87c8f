"""``wandb sync`` for the offline runs of a project, in surroundings that the requester cannot furnish."""

import logging
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.executor.strays import end_strays
from aexp.adapters.remedies import reason
from aexp.adapters.workshop.steps import StepsExecution
from aexp.adapters.workshop.wandb_program import find_wandb, is_below, no_program
from aexp.adapters.workshop.wandb_runs import find_runs
from aexp.adapters.workshop.wandb_settings import furnish, pin_wandb_settings
from aexp.adapters.workshop.wandb_steps import WandbSteps
from aexp.domain.destinations import Destination
from aexp.domain.errors import ProgramMissingError, RelayStartError
from aexp.domain.preview import preview_of_runs
from aexp.domain.wandb import WandbRuns
from aexp.ports.executor import Command, Execution
from aexp.ports.workshop import Order, Reach, Survey

_LOGGER = logging.getLogger(__name__)


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
            raise no_program(self._untrusted)
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
            raise no_program(self._untrusted)
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
        steps = WandbSteps(program, cwd, environment, command.cwd, found, again)
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
