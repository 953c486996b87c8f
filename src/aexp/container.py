"""The wiring: which adapter stands behind which port. Built by the command line alone."""

import os
from collections.abc import Mapping

from dependency_injector import containers, providers

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.consent.markers import MarkerDecisions
from aexp.adapters.executor.environment import operation_environment, users_ssh_command
from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.filesystem.local import LocalFilesystem
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.processes import ProcProcesses
from aexp.airgapped.client import RelayClient
from aexp.airgapped.daemon import RelayDaemon
from aexp.airgapped.defaults import cwd_names, cwd_policy, open_queue
from aexp.airgapped.queue import RelayQueue
from aexp.domain.validation import CwdPolicy
from aexp.ports.clock import Clock
from aexp.ports.filesystem import Filesystem
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage
from aexp.settings import Settings


def _executor(environ: Mapping[str, str]) -> LocalExecutor:
    return LocalExecutor(operation_environment(environ, users_ssh_command(environ)))


def _policy(filesystem: Filesystem, storage: QueueStorage, settings: Settings) -> CwdPolicy:
    return cwd_policy(filesystem, storage.folder, cwd_names(settings.cwd_names))


def _queue(storage: QueueStorage, processes: Processes, clock: Clock) -> RelayQueue:
    return RelayQueue(storage, processes, clock)


class Container(containers.DeclarativeContainer):
    """Everything that a command needs. A test overrides a provider to swap an adapter."""

    settings = providers.Dependency(instance_of=Settings)
    wake: providers.Object[int | None] = providers.Object(None)
    cwd: providers.Object[str | None] = providers.Object(None)
    environ = providers.Object(os.environ)

    clock = providers.Singleton(SystemClock)
    processes = providers.Singleton(ProcProcesses)
    filesystem = providers.Singleton(LocalFilesystem)
    storage = providers.Singleton(
        open_queue, settings.provided.queue, clock, settings.provided.profile
    )
    queue = providers.Singleton(_queue, storage, processes, clock)
    executor = providers.Singleton(_executor, environ)
    decisions = providers.Singleton(MarkerDecisions, storage)
    notifier = providers.Singleton(ConsentLogNotifier, storage, clock)
    policy = providers.Singleton(_policy, filesystem, storage, settings)

    client = providers.Factory(
        RelayClient,
        queue=storage,
        cwd=cwd,
        default_timeout=settings.provided.default_timeout,
        clock=clock,
        filesystem=filesystem,
        processes=processes,
    )
    daemon = providers.Factory(
        RelayDaemon,
        storage=storage,
        executor=executor,
        decisions=decisions,
        notifier=notifier,
        clock=clock,
        processes=processes,
        policy=policy,
        most_at_once=settings.provided.most_at_once,
        wake=wake,
    )
