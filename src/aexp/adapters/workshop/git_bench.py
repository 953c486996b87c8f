"""Git on the login node: read the working copy, settle where it leads, run in a private git directory."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from aexp.adapters.executor.local import LocalExecution, LocalExecutor
from aexp.adapters.workshop.environment import git_environment, ssh_options
from aexp.adapters.workshop.git_configuration import GitConfiguration
from aexp.adapters.workshop.git_fitness import MOVES, require_fit, settled
from aexp.adapters.workshop.git_house import GitHouse, Needs, build_house, cannot_be_made
from aexp.adapters.workshop.git_kept_houses import KeptHouses
from aexp.adapters.workshop.git_layout import GitLayout, bad_copy, find_layout
from aexp.adapters.workshop.git_links import refuse_links
from aexp.adapters.workshop.git_readings import Readings
from aexp.adapters.workshop.git_remotes import GitRemotes
from aexp.adapters.workshop.git_run import run_git
from aexp.adapters.workshop.git_settings import read_configuration
from aexp.adapters.workshop.git_study import GitReader, GitStudy
from aexp.adapters.workshop.git_tools import GitTools
from aexp.adapters.workshop.ssh_settings import SshSettings
from aexp.adapters.workshop.steps import Spawn
from aexp.adapters.workshop.trust import TrustBook
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayStartError, RelayValidationError
from aexp.domain.git_config import LFS_FILTER
from aexp.domain.git_setting import Setting
from aexp.domain.operations import ALLOWED
from aexp.ports.executor import Command, Execution
from aexp.ports.workshop import Order, Survey

if TYPE_CHECKING:
    from aexp.adapters.workshop.git_previews import GitPreviews

_WRITES = frozenset({"git_pull", "git_rebase", "git_fetch", "git_push"})
_READS = Needs(lfs=False, writes=False, index=False)


class GitBench:
    """Surveys and runs the git operations."""

    def __init__(self, tools: GitTools, trust: TrustBook, executor: LocalExecutor) -> None:
        self._tools = tools
        self._trust = trust
        self._executor = executor
        self._kept = KeptHouses()
        self._readings = Readings()
        self._reader = GitReader(GitConfiguration(self._parse, self._trusts))
        self._ssh_options = ssh_options(str(tools.ssh.config), _paths(tools.ssh))
        ssh = f"{tools.settings.ssh or tools.ssh_program} {self._ssh_options}"
        self._environment = partial(
            git_environment,
            tools.base,
            str(tools.settings.file),
            str(tools.settings.config_home),
            ssh,
        )

    @cached_property
    def _previews(self) -> "GitPreviews":
        # Most daemons never preview a push.
        from aexp.adapters.workshop.git_previews import GitPreviews

        tools = self._tools
        return GitPreviews(tools.git, tools.houses, self._environment(str(tools.hooks)))

    def survey(self, order: Order) -> Survey:
        """What the order would do; see :class:`~aexp.ports.workshop.Workshop`."""
        layout, study = self._study(order.op, order.cwd)
        self._readings.keep(order.request_id, (layout, study))
        rewrites = self._tools.settings.rewrites
        remotes = GitRemotes(study, rewrites, self._trust.trusts_remote, lfs=self._uses_lfs(study))
        args = settled(order, study)
        return Survey(
            root=layout.root,
            args=args,
            destinations=remotes.wanted(order.op, args),
            configured=remotes.configured(),
            notices=study.notices,
        )

    def preview(self, order: Order, survey: Survey, *, moved: bool) -> Survey:
        """What a push would send; see :class:`~aexp.ports.workshop.Workshop`."""
        layout, study = self._study(order.op, order.cwd)
        if layout.root != survey.root:
            raise bad_copy(order.cwd, "lies in another working copy than a moment ago")
        lfs = self._uses_lfs(study) and study.uses_lfs
        found = self._previews.of_push(study, survey.args, lfs=lfs, moved=moved)
        return replace(survey, inventory=found.inventory, preview=found, commit=found.commit)

    def settings_of(self, cwd: Path) -> tuple[Path, list[tuple[str, str]]]:
        """The working copy that a folder lies in, and (key, value) of all that its repository sets."""
        layout = find_layout(cwd, self._tools.home)
        return layout.root, [(one.key, one.value or "") for one in self._reader.read(layout)]

    def start(self, command: Command) -> Execution:
        """Build the private directory from a fresh reading, and start git in it.

        Raises:
            RelayStartError: the working copy has changed into one that cannot be used, or the
                directory cannot be made; nothing runs.
        """
        survey = command.survey
        if survey is None:
            raise RelayStartError(
                f"{command.op} was not surveyed; nothing was run.",
                "This is a defect of the relay; please report it.",
            )
        try:
            with cannot_be_made(self._tools.houses):
                layout, study = self._readings.pop(command.request_id) or self._study(
                    command.op, command.cwd
                )
                if layout.root != survey.root:
                    raise bad_copy(command.cwd, "lies in another working copy than before")
                lfs = self._uses_lfs(study)
                house = self._house(command.op, study, survey.destinations, lfs=lfs)
        except RelayValidationError as exc:
            raise RelayStartError(exc.what, exc.hint) from exc
        try:
            return self._run(command, house, study, survey, lfs=lfs)
        except BaseException:
            house.close()
            raise

    def _house(
        self, op: str, study: GitStudy, destinations: Sequence[Destination], *, lfs: bool
    ) -> GitHouse:
        needs = Needs(lfs, op in _WRITES, op in MOVES)
        build = partial(build_house, self._tools.houses, study, destinations, needs)
        return self._kept.take(study, destinations, build) if _only_reads(op, study) else build()

    def _run(
        self, command: Command, house: GitHouse, study: GitStudy, survey: Survey, *, lfs: bool
    ) -> Execution:
        uploads = lfs and study.uses_lfs and command.op == "git_push"
        below = command.cwd.relative_to(survey.root).parts if command.op == "git_status" else ()
        return run_git(
            (self._tools.git, *ALLOWED[command.op].argv(survey.settled)[1:]),
            below,
            survey.destinations,
            house,
            self._surroundings(study, self._tools.lfs_hooks if uploads else self._tools.hooks),
            self._spawner(command.request_id, house, survey.destinations),
        )

    def ask(self, cwd: Path, destination: Destination) -> Execution:
        """See :meth:`~aexp.adapters.workshop.login.LoginWorkshop.ask`."""
        there = (destination,)
        with cannot_be_made(self._tools.houses):
            _, study = self._study("", cwd)
            house = build_house(self._tools.houses, study, there, _READS)
        try:
            return run_git(
                (self._tools.git, "ls-remote", "--quiet", destination.remote, "HEAD"),
                (),
                there,
                house,
                self._surroundings(study, self._tools.hooks),
                self._spawner("", house, there),
            )
        except BaseException:
            house.close()
            raise

    def _surroundings(self, study: GitStudy, hooks: Path) -> Mapping[str, str]:
        environment = self._environment(str(hooks))
        trusted = [one.value for one in study.kept if one.key == "core.sshcommand" and one.value]
        if trusted:
            environment["GIT_SSH_COMMAND"] = f"{trusted[-1]} {self._ssh_options}"
        return environment

    def _spawner(
        self, request_id: str, house: GitHouse, destinations: Sequence[Destination]
    ) -> Spawn:
        return partial(self._spawn, request_id, self._writable(house, destinations))

    def _writable(self, house: GitHouse, destinations: Sequence[Destination]) -> list[str]:
        """Where git may write: the working copy and its repository, and what is made for this request."""
        layout = house.layout
        remotes = [one.url for one in destinations if one.url.startswith("/")]
        tickets = self._tools.base.get("KRB5CCNAME", f"/tmp/krb5cc_{os.geteuid()}")  # noqa: S108
        own = [layout.root, layout.git_dir, layout.common, self._tools.settings.secrets]
        if house.leave is None:
            # One that is left to the next operation is only read.
            own.append(house.path)
        return [*map(str, own), *remotes, tickets.removeprefix("FILE:")]

    def _spawn(
        self,
        request_id: str,
        writable: Sequence[str],
        argv: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
    ) -> LocalExecution:
        return self._executor.spawn(argv, cwd, environment, request_id, writable)

    def _study(self, op: str, cwd: Path) -> tuple[GitLayout, GitStudy]:
        layout = find_layout(cwd, self._tools.home)
        study = self._reader.study(layout)
        if op in _WRITES:
            refuse_links(layout)
        require_fit(op, layout.root, study, lfs=self._tools.lfs)
        return layout, study

    def _uses_lfs(self, study: GitStudy) -> bool:
        if not self._tools.lfs:
            return False
        here = any(one.key in LFS_FILTER for one in study.settings)
        return here or self._tools.settings.lfs

    def _trusts(self, layout: GitLayout, setting: Setting) -> bool:
        return self._trust.trusts_key(layout.root, setting.key, setting.value or "")

    def _parse(self, data: bytes) -> list[Setting]:
        environment = self._environment(str(self._tools.hooks))
        return read_configuration(self._tools.git, data, environment, self._tools.houses)


def _only_reads(op: str, study: GitStudy) -> bool:
    """Whether the private directory of an operation is only read, and can serve again.

    A clean filter of git-lfs writes into it, and the parts of a split index come and go.
    """
    return op not in _WRITES and not study.uses_lfs and not study.value("core.splitindex")


def _paths(ssh: SshSettings) -> list[str]:
    return [str(path) for path in ssh.known_hosts] or ["/dev/null"]
