"""Clients: they submit, wait, give up, come back, cancel their own and each other's requests, and die."""

from pathlib import Path

from aexp.adapters.filesystem.memory import MemoryFilesystem
from aexp.airgapped import RelayClient, RelayHandle
from aexp.domain import layout
from aexp.domain.errors import (
    RelayAnswerError,
    RelayDownError,
    RelayError,
    RelayExpiredError,
    RelayNotFoundError,
    RelayStorageError,
    RelayTimeLimitError,
    RelayTimeoutError,
)
from aexp.domain.identity import new_request_id
from tests.simulation.commands import any_plan
from tests.simulation.disk import NodeStorage
from tests.simulation.nodes import Crash, Host, SimProcess
from tests.simulation.stage import Fate, Stage

OPS = ("git_pull", "git_fetch", "git_status", "git_push", "wandb_sync", "wandb_sync")
ARGS = {"git_push": ["origin", "main"]}
TRIES = 6


class Client:
    """One script on a compute node, with a few requests one after the other or at once."""

    def __init__(self, stage: Stage, host: Host, files: MemoryFilesystem, requests: int) -> None:
        self._stage = stage
        self._dice = stage.engine.random
        self._process = SimProcess(stage, host, "client")
        self._storage = NodeStorage(stage.disk, self._process)
        self._files = files
        self._requests = requests
        stage.working += 1

    def live(self) -> None:
        """Work until every request has its outcome."""
        mine: list[RelayHandle] = []
        try:
            self._work(mine)
        except Crash:
            for handle in mine:
                self._stage.fate(handle.id).followed = False
        finally:
            self._stage.working -= 1

    def _work(self, mine: list[RelayHandle]) -> None:
        left = self._requests
        while left > 0:
            batch = min(left, self._dice.choice([1, 2, 3]))
            left -= batch
            handles = [handle for _ in range(batch) if (handle := self._submit(mine)) is not None]
            self._meddle()
            for handle in handles:
                if self._dice.random() < 0.25:
                    self._process.sleep(
                        self._dice.choice([0.0, 0.1, self._dice.uniform(0.0, 20.0)])
                    )
                    self._cancel(handle)
            for handle in handles:
                self._follow(handle)
            self._process.sleep(self._dice.uniform(0.0, 10.0))

    def _submit(self, mine: list[RelayHandle]) -> RelayHandle | None:
        if self._dice.random() < 0.06:
            return self._leave_nonsense(mine)
        op = self._dice.choice(OPS)
        for _ in range(TRIES):
            client = self._client()
            try:
                handle = client.submit(op, ARGS.get(op, []))
            except RelayError as exc:
                self._stage.note("submit fails", type(exc).__name__, exc)
                self._process.sleep(self._dice.uniform(1.0, 20.0))
                continue
            return self._accepted(handle, mine)
        return None

    def _accepted(self, handle: RelayHandle, mine: list[RelayHandle]) -> RelayHandle:
        fate = self._stage.fate(handle.id)
        fate.accepted = fate.followed = True
        mine.append(handle)
        return handle

    def _client(self) -> RelayClient:
        number = len(self._stage.plans)
        cwd = Path.home() / f"repo{self._dice.choice([1, 2])}" / f"w{number}"
        self._stage.plans[str(cwd)] = any_plan(self._dice)
        return RelayClient(
            queue=self._storage,
            cwd=cwd,
            clock=self._process,
            filesystem=self._files,
            processes=self._process,
        )

    def _leave_nonsense(self, mine: list[RelayHandle]) -> RelayHandle | None:
        request_id = new_request_id()
        try:
            self._storage.put_new(layout.inbox(request_id), b'{"op": "rm", "args": ["-rf"]}\n')
        except RelayStorageError:
            return None
        return self._accepted(self._client().handle(request_id), mine)

    def _meddle(self) -> None:
        """Cancel what somebody else has submitted."""
        known = [*self._stage.fates]
        if known and self._dice.random() < 0.1:
            self._cancel(self._client().handle(self._dice.choice(known)))

    def _cancel(self, handle: RelayHandle) -> None:
        try:
            won = handle.cancel()
        except (RelayStorageError, RelayNotFoundError) as exc:
            self._stage.note("cancel fails", handle.id, type(exc).__name__, exc)
            return
        self._stage.note("cancel ->", won, handle.id)
        self._stage.fate(handle.id).withdrawn |= won

    def _follow(self, handle: RelayHandle) -> None:
        fate = self._stage.fate(handle.id)
        while (outcome := self._wait(handle)) is None:
            self._process.sleep(self._dice.uniform(0.5, 10.0))
        fate.outcome = outcome
        self._stage.note("OUTCOME", handle.id, outcome)

    def _wait(self, handle: RelayHandle) -> str | None:
        patience = self._dice.choice([5.0, 60.0, 600.0])
        try:
            return f"returncode {handle.result(patience).returncode}"
        except (RelayExpiredError, RelayTimeLimitError) as exc:
            return type(exc).__name__
        except (RelayTimeoutError, RelayDownError, RelayStorageError) as exc:
            self._stage.note("waits on", handle.id, type(exc).__name__, exc)
            return None
        except RelayAnswerError as exc:
            self._stage.violate(f"{handle.id}: the answer cannot be read: {exc}")
            return type(exc).__name__
        except RelayError as exc:
            return type(exc).__name__


def outcome_of(fate: Fate) -> str:
    """What a client must have got, by the answer on the disk."""
    from aexp.airgapped.outcome import error_of

    answer = fate.answer
    assert answer is not None
    error = error_of(answer)
    return type(error).__name__ if error else f"returncode {answer.returncode}"
