"""The wiring of the daemon and of the commands of the login node: which adapter stands behind which port.

Built by the command line alone, and not for a client's commands, which start fast (see
:mod:`aexp.cli.clients`). What only a daemon uses is imported when it is first asked for.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aexp.spared import spared

with spared("fast_depends", "fastapi", "ssl", "starlette", "werkzeug", "yaml"):
    # It hooks into what is there of these, and the asyncio that it loads takes ssl, for uses that are not
    # ours: 3 MB of each daemon.
    from dependency_injector import containers, providers

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.processes import ProcProcesses
from aexp.airgapped.defaults import cwd_names, cwd_policy, is_usual, open_queue, queue_flag
from aexp.airgapped.queue import RelayQueue
from aexp.domain.consent import Mode
from aexp.domain.validation import CwdPolicy
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.settings import Settings

if TYPE_CHECKING:
    from aexp.adapters.terminal_output import TerminalOutput
    from aexp.adapters.workshop.login import LoginWorkshop
    from aexp.adapters.workshop.trust import TrustBook
    from aexp.airgapped.audit import Audit
    from aexp.airgapped.daemon import RelayDaemon
    from aexp.ports.consent import Decisions
    from aexp.ports.grants import GrantMemory
    from aexp.ports.last_setup import LastSetup
    from aexp.ports.notifier import Notifier
    from aexp.ports.pins import Pins
    from aexp.ports.post import Post
    from aexp.ports.terminals import Terminals


def _policy(filesystem: Filesystem, storage: QueueStorage, settings: Settings) -> CwdPolicy:
    return cwd_policy(filesystem, storage.folder, cwd_names(settings.cwd_names))


def _queue(storage: QueueStorage, processes: Processes, clock: Clock) -> RelayQueue:
    return RelayQueue(storage, processes, clock)


def _state(environ: Mapping[str, str], policy: CwdPolicy) -> Path:
    from aexp.adapters.node_local import state_folder

    return state_folder(environ, policy.home)


def _pins(state: Path) -> "Pins":
    from aexp.adapters.pins.node import NodePins

    return NodePins(state)


def _grants(state: Path, storage: QueueStorage) -> "GrantMemory":
    from aexp.adapters.grants.node import NodeGrants

    return NodeGrants(state, storage.identity)


def _trust(state: Path, settings: Settings) -> "TrustBook":
    from aexp.adapters.workshop.trust import TrustBook

    return TrustBook(state, tuple(path for path in settings.trust_remotes.split(":") if path))


def _workshop(
    environ: Mapping[str, str],
    policy: CwdPolicy,
    state: Path,
    trust: "TrustBook",
    processes: Processes,
) -> "LoginWorkshop":
    from aexp.adapters.workshop.login import LoginWorkshop

    return LoginWorkshop(environ, policy.home, state, trust, processes)


def _decisions(
    storage: QueueStorage,
    settings: Settings,
    environ: Mapping[str, str],
    processes: Processes,
    clock: Clock,
) -> "Decisions":
    from aexp.adapters.consent.choose import choose_decisions

    mode, flag = Mode(settings.consent), queue_flag(storage.url)
    return choose_decisions(
        storage, mode, settings.allowed_signers, environ, processes.hostname, clock, flag
    )


def _terminal() -> "TerminalOutput | None":
    from aexp.adapters.terminal_output import TerminalOutput

    return TerminalOutput(2) if os.isatty(2) else None


def _notifier(
    storage: QueueStorage,
    settings: Settings,
    terminal: "TerminalOutput | None",
    environ: Mapping[str, str],
    policy: CwdPolicy,
    clock: Clock,
    audit: "Audit",
) -> "Notifier":
    from aexp.adapters.notifier.choose import choose_notifiers
    from aexp.domain.serving import session_name

    ways, hook = settings.notify, settings.notify_hook
    session = session_name(storage.identity, default=is_usual(storage.url))
    parts = (storage, ways, hook, terminal, environ, policy.home, clock, audit.warn)
    return choose_notifiers(*parts, session)


def _audit(
    environ: Mapping[str, str], policy: CwdPolicy, storage: QueueStorage, clock: Clock
) -> "Audit":
    from aexp.adapters.journal.chained import ChainedJournal, trail_path
    from aexp.airgapped.audit import Audit
    from aexp.domain.redaction import Redactor, secrets_of

    path = trail_path(environ, policy.home, storage.identity)
    return Audit(ChainedJournal(path, storage, clock), Redactor(secrets_of(environ)))


def _post_place(environ: Mapping[str, str], policy: CwdPolicy, storage: QueueStorage) -> Path:
    from aexp.adapters.post.node import post_path

    return post_path(environ, policy.home, storage.identity)


def _post(place: Path, processes: Processes) -> "Post":
    from aexp.adapters.post.node import NodePost

    return NodePost(place, processes)


def _last_setup(state: Path, place: Path) -> "LastSetup":
    from aexp.adapters.setups.node import NodeSetup

    # Named as its post is: a link in place of a queue must not lead to another one's settings.
    return NodeSetup(state / f"setup-{place.name}.json")


def _node_log(state: Path, place: Path) -> Path:
    """Where the daemon of a queue without a folder logs."""
    return state / "logs" / f"{place.name}.log"


def _terminals(environ: Mapping[str, str], state: Path) -> "Terminals":
    from aexp.adapters.terminals.tmux import TmuxTerminals

    return TmuxTerminals(environ, state / "jobs")


def _daemon(**parts: object) -> "RelayDaemon":
    from aexp.airgapped.daemon import RelayDaemon

    return RelayDaemon(**parts)  # type: ignore[arg-type]


class Container(containers.DeclarativeContainer):
    """Everything that such a command needs. A test overrides a provider to swap an adapter."""

    settings = providers.Dependency(instance_of=Settings)
    wake: providers.Object[int | None] = providers.Object(None)
    environ = providers.Object(os.environ)

    clock = providers.Singleton(SystemClock)
    processes = providers.Singleton(ProcProcesses)
    filesystem = providers.Singleton(LocalFilesystem)
    storage = providers.Singleton(
        open_queue, settings.provided.queue, clock, settings.provided.profile
    )
    queue = providers.Singleton(_queue, storage, processes, clock)
    policy = providers.Singleton(_policy, filesystem, storage, settings)

    state = providers.Singleton(_state, environ, policy)
    pins = providers.Singleton(_pins, state)
    grants = providers.Singleton(_grants, state, storage)
    trust = providers.Singleton(_trust, state, settings)
    workshop = providers.Singleton(_workshop, environ, policy, state, trust, processes)
    decisions = providers.Singleton(_decisions, storage, settings, environ, processes, clock)
    terminal = providers.Singleton(_terminal)
    audit = providers.Singleton(_audit, environ, policy, storage, clock)
    notifier = providers.Singleton(
        _notifier, storage, settings, terminal, environ, policy, clock, audit
    )
    post_place = providers.Singleton(_post_place, environ, policy, storage)
    post = providers.Singleton(_post, post_place, processes)
    last_setup = providers.Singleton(_last_setup, state, post_place)
    node_log = providers.Singleton(_node_log, state, post_place)
    terminals = providers.Singleton(_terminals, environ, state)
    daemon = providers.Factory(
        _daemon,
        storage=storage,
        executor=workshop,
        workshop=workshop,
        pins=pins,
        grants=grants,
        decisions=decisions,
        notifier=notifier,
        clock=clock,
        processes=processes,
        policy=policy,
        most_at_once=settings.provided.most_at_once,
        strict=settings.provided.strict,
        wake=wake,
        audit=audit,
        post=post,
    )
