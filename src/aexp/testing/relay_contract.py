"""What a client sees of a served queue, whatever the queue is made of."""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from aexp.adapters.clock.system import SystemClock
from aexp.adapters.executor.recording import Plan
from aexp.airgapped import (
    RelayCancelledError,
    RelayDownError,
    RelayHandle,
    RelayNotFoundError,
    RelayRejectedError,
    RelayTimeoutError,
    RelayValidationError,
    State,
)
from aexp.airgapped.approval import approve, reject
from aexp.airgapped.hints import approve_hint
from aexp.testing.contract import Contract, Place, in_threads
from aexp.testing.served import PATIENCE_S, ServedQueue

CLIENTS = 8
EACH = 5
_VARIABLES = ("QUEUE", "TIMEOUT", "PROFILE", "CWD_NAMES", "EVENTS", "DURABLE")


class RelayContract(Contract):
    """A subclass gives the fixture ``place``; see :mod:`aexp.testing`.

    Each test has a new queue, and real time: a daemon in a thread of its own serves it.
    """

    suite: ClassVar[str] = "relay"

    @pytest.fixture
    def place(self) -> Place:
        """A new queue: how clients open it, and how the daemon does."""
        raise NotImplementedError("give the fixture `place`: an aexp.testing.Place")

    @pytest.fixture
    def served(
        self, relay_home: Path, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[ServedQueue]:
        """The queue with a daemon that serves it."""
        for name in _VARIABLES:
            monkeypatch.delenv(f"AEXP_RELAY_{name}", raising=False)
        queue = ServedQueue(relay_home, place)
        queue.serve()
        yield queue
        queue.end()

    @pytest.fixture
    def relay_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The home that the nodes share."""
        folder = tmp_path / "home"
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        return folder

    @pytest.fixture
    def waiting(self, served: ServedQueue) -> RelayHandle:
        """A request that waits for a person's consent."""
        handle = served.client().submit("wandb_sync")
        until(lambda: handle.state is State.PENDING)
        return handle

    def test_an_operation_runs_with_its_arguments_and_answers(self, served: ServedQueue) -> None:
        served.plan = lambda command: Plan(output=f"{command.op}\n".encode())
        result = served.client().push("topic", "upstream")
        assert (result.op, result.returncode, result.stdout) == ("git_push", 0, "git_push\n")
        assert served.ran == ["git_push upstream topic"]

    def test_a_returncode_that_is_not_zero_is_a_result(self, served: ServedQueue) -> None:
        served.plan = lambda _: Plan(output=b"rejected\n", returncode=255)
        result = served.client().pull()
        assert (result.returncode, result.stdout, result.ok) == (255, "rejected\n", False)

    def test_output_comes_whole_and_in_order(self, served: ServedQueue) -> None:
        lines = [f"line {number}" for number in range(2_000)]
        whole = "".join(f"{line}\n" for line in lines).encode()
        served.plan = lambda _: Plan(output=whole, duration_s=0.2, pieces=((0.1, b"last\n"),))
        handle = served.client().submit("git_fetch")
        assert [line.rstrip("\n") for line in handle.follow()] == [*lines, "last"]
        assert handle.result().stdout == f"{whole.decode()}last\n"

    def test_output_is_seen_while_the_command_runs(self, served: ServedQueue) -> None:
        served.plan = lambda _: Plan(output=b"Enumerating objects\n", duration_s=600)
        handle = served.client().submit("git_push", ["origin", "main"])
        assert next(iter(handle.follow())).startswith("Enumerating")
        assert handle.state is State.RUNNING
        handle.cancel()

    def test_output_that_is_not_text_does_not_lose_the_answer(self, served: ServedQueue) -> None:
        served.plan = lambda _: Plan(output=b"caf\xe9 \xff\0\n")
        assert served.client().git_status().stdout == "caf\ufffd \ufffd\0\n"

    def test_what_runs_is_ended_when_it_is_cancelled(self, served: ServedQueue) -> None:
        served.plan = lambda _: Plan(duration_s=600)
        handle = served.client().submit("git_fetch")
        until(lambda: handle.state is State.RUNNING)
        assert handle.cancel() is False
        with pytest.raises(RelayCancelledError):
            handle.result()

    def test_what_waits_is_taken_back_and_never_runs(
        self, served: ServedQueue, waiting: RelayHandle
    ) -> None:
        assert waiting.cancel() is True
        with pytest.raises(RelayCancelledError):
            waiting.result()
        assert served.ran == []

    def test_it_waits_for_consent_and_says_how_to_give_it(
        self, served: ServedQueue, waiting: RelayHandle
    ) -> None:
        with pytest.raises(RelayTimeoutError, match="waits for consent") as caught:
            waiting.result(0.3)
        assert caught.value.request_id == waiting.id
        assert approve_hint(waiting.id, served.client().queue.storage.url) in caught.value.hint
        assert served.ran == []

    def test_it_runs_once_it_is_approved(self, served: ServedQueue, waiting: RelayHandle) -> None:
        approve(served.people, waiting.id[:8], SystemClock())
        assert waiting.result().ok
        assert served.ran == ["wandb_sync"]

    def test_a_rejection_comes_with_its_reason(
        self, served: ServedQueue, waiting: RelayHandle
    ) -> None:
        reject(served.people, waiting.id, "not tonight")
        with pytest.raises(RelayRejectedError, match="not tonight"):
            waiting.result()
        assert served.ran == []

    def test_what_the_list_does_not_allow_is_refused_and_not_sent(
        self, served: ServedQueue
    ) -> None:
        for op, args in (("git_clone", []), ("git_push", ["--force", "main"])):
            with pytest.raises(RelayValidationError):
                served.client().submit(op, args)
        assert served.people.known_ids() == []

    def test_an_id_that_nobody_knows_is_told(self, served: ServedQueue) -> None:
        handle = served.client().handle("0" * 32)
        with pytest.raises(RelayNotFoundError):
            _ = handle.state
        with pytest.raises(RelayNotFoundError):
            handle.result()

    def test_a_request_is_found_by_the_beginning_of_its_id(
        self, served: ServedQueue, waiting: RelayHandle
    ) -> None:
        assert served.client().queue.find(waiting.id[:8]) == waiting.id
        with pytest.raises(RelayNotFoundError):
            served.client().queue.find("f" * 8 if waiting.id[0] != "f" else "0" * 8)

    def test_another_client_picks_it_up_by_its_id(self, served: ServedQueue) -> None:
        served.plan = lambda _: Plan(output=b"late\n", duration_s=1.5)
        with pytest.raises(RelayTimeoutError, match="goes on") as caught:
            served.client().pull(timeout=0.2)
        assert caught.value.request_id is not None
        assert served.client().handle(caught.value.request_id).result().stdout == "late\n"

    def test_a_handle_can_be_awaited(self, served: ServedQueue) -> None:
        async def main() -> bool:
            return (await served.client().submit("git_status")).ok

        assert asyncio.run(main())

    def test_the_daemon_is_seen(self, served: ServedQueue) -> None:
        view = served.client().daemon()
        assert (view.up, view.host) == (True, "login1")

    def test_without_a_daemon_nothing_is_sent(self, served: ServedQueue) -> None:
        served.end()
        with pytest.raises(RelayDownError, match="nothing was sent"):
            served.client().pull()
        assert not served.client().daemon().up
        assert served.people.known_ids() == []

    def test_what_waits_outlives_its_daemon(
        self, served: ServedQueue, waiting: RelayHandle
    ) -> None:
        served.end()
        served.serve()
        approve(served.people, waiting.id, SystemClock())
        assert waiting.result().ok
        assert served.ran == ["wandb_sync"]

    def test_of_many_clients_each_gets_the_answer_to_its_own(self, served: ServedQueue) -> None:
        served.plan = lambda command: Plan(output=" ".join(command.survey.args).encode())  # type: ignore[union-attr]

        def work(client: int) -> list[str]:
            own = served.client()
            handles = [own.submit("git_push", ["origin", f"b{client}-{n}"]) for n in range(EACH)]
            return [handle.result().stdout for handle in handles]

        got = in_threads([partial(work, number) for number in range(CLIENTS)])
        assert got == [[f"origin b{c}-{n}" for n in range(EACH)] for c in range(CLIENTS)]
        assert len(served.ran) == len(set(served.ran)) == CLIENTS * EACH


def until(happened: Callable[[], bool]) -> None:
    """Let time pass until something has happened.

    Raises:
        AssertionError: it has not within a minute.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it has not happened within a minute"
        time.sleep(0.02)
