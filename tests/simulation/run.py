"""One run: set the stage for a seed, let the actors act, wait until all has settled, and judge."""

import logging
import os
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from aexp.airgapped.owners import Owners
from aexp.domain import layout
from tests.simulation.actors import Meddler, Person, Repeater, Server, files
from tests.simulation.clients import Client
from tests.simulation.invariants import MADE, broken, unswept
from tests.simulation.nodes import Host
from tests.simulation.stage import HOME, Stage

SETTLE_S = 2500.0
"""Seconds after the storm within which all must have settled: pauses, takeovers, the longest commands."""
KEPT_DAYS = 9.0
COARSE_S = 900.0
DYING_S = 400.0
"""Seconds for the last pauses and takeovers to end, before the daemon's steps grow coarse."""
FORGETTING_S = 700.0
"""Seconds on top of it in which daemons that serve together forget the beats of those that died."""


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    seed: int
    broken: list[str]
    stage: Stage
    days: bool
    crowd: bool = False

    def explain(self, steps: int = 60) -> str:
        """The broken promises, how to see the run again, and the end of its trace."""
        days = (" --days" if self.days else "") + (" --crowd" if self.crowd else "")
        lines = [f"seed {self.seed} broke:", *(f"  {one}" for one in self.broken)]
        lines += [f"replay: python -m tests.simulation --seed {self.seed}{days} --trace", "..."]
        return "\n".join([*lines, *(self.stage.trace.lines()[-steps:] if steps else [])])


def run(seed: int, *, days: bool = False, crowd: bool = False) -> Report:
    """Play one seed.

    Args:
        crowd: whether all hosts serve the queue at once.
        days: afterwards let nine quiet days pass and see that everything is swept.
    """
    with _controlled(seed):
        stage = Stage(seed, crowd=crowd)
        with _audited(stage):
            try:
                _cast(stage)
                _until_settled(stage)
                found = broken(stage)
                if days:
                    found += _swept(stage)
            except RuntimeError as exc:
                found = [*stage.violations, str(exc)]
            finally:
                stage.engine.close()
    return Report(seed, found, stage, days, crowd)


def _cast(stage: Stage) -> None:
    dice, engine, disk_files = stage.engine.random, stage.engine, files()
    hosts = [_host(stage, name) for name in stage.hosts]
    for position, host in enumerate(hosts):
        after = 0.0 if position == 0 else dice.uniform(0.0, 60.0)
        engine.spawn(host.name, Server(stage, host, disk_files).live, after)
    for number in range(1, dice.choice([2, 3, 3]) + 1):
        client = Client(stage, _host(stage, f"gpu{number}"), disk_files, dice.choice([2, 3, 4]))
        engine.spawn(f"gpu{number}", client.live, dice.uniform(0.1, 20.0))
    for number in range(1, dice.choice([1, 2]) + 1):
        person = Person(stage, dice.choice(hosts))
        engine.spawn(f"person{number}", person.live, dice.uniform(0.0, 5.0))
    if dice.random() < 0.3:
        engine.spawn("meddler", Meddler(stage).live)
    if stage.crowd and dice.random() < 0.4:
        engine.spawn("repeater", Repeater(stage).live)
    last = Person(stage, hosts[0], thorough=True)
    engine.spawn("lastperson", last.live, stage.faults.calm_at)


def _host(stage: Stage, name: str) -> Host:
    dice = stage.engine.random
    return Host(name, skew=dice.uniform(-600.0, 600.0), offset=dice.uniform(0.0, 1e6))


def _until_settled(stage: Stage) -> None:
    deadline = stage.faults.calm_at + SETTLE_S
    while stage.engine.now < deadline and not _settled(stage):
        stage.engine.sleep(1.0)
    stage.note("settled" if _settled(stage) else "NOT SETTLED")


def _settled(stage: Stage) -> bool:
    if stage.working or not stage.fates:
        return stage.calm and not stage.working
    busy = (layout.INBOX, layout.PROCESSING, layout.PENDING)
    if any(entry != MADE for folder in busy for entry in stage.disk.list(folder)):
        return False
    return all(fate.answers for fate in stage.fates.values())


def _swept(stage: Stage) -> list[str]:
    stage.resting = True
    stage.engine.sleep(DYING_S + (FORGETTING_S if stage.crowd else 0.0))
    stage.coarse = COARSE_S
    stage.engine.sleep(KEPT_DAYS * 86400.0)
    return unswept(stage)


class _SteadySet(frozenset[str]):
    """Iterates in one order; that of a set of names changes from one Python to the next."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__()))


def _steady(act: Callable[..., frozenset[str]]) -> Callable[..., frozenset[str]]:
    return lambda *given: _SteadySet(act(*given))


@contextmanager
def _controlled(seed: int) -> Iterator[None]:
    """Make the rest of the process as deterministic as the actors: ids, jitter, the environment."""
    ids = random.Random(seed)  # noqa: S311

    def new_bytes(count: int) -> bytes:
        return uuid.UUID(int=ids.getrandbits(128), version=4).bytes[:count]

    before = random.getstate()
    random.seed(seed)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AEXP_")}
    try:
        with (
            mock.patch.object(os, "urandom", new_bytes),
            mock.patch.object(Owners, "beating", _steady(Owners.beating)),
            mock.patch.dict(os.environ, {**environment, "HOME": HOME}, clear=True),
        ):
            yield
    finally:
        random.setstate(before)


class _IntoTrace(logging.Handler):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        self._stage.note("audit:", record.getMessage())


@contextmanager
def _audited(stage: Stage) -> Iterator[None]:
    """What clients and daemons log goes into the trace, and nowhere else."""
    logger = logging.getLogger("aexp")
    before = (logger.level, logger.propagate, logger.handlers)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [_IntoTrace(stage)]
    try:
        yield
    finally:
        logger.level, logger.propagate, logger.handlers = before
