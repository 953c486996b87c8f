"""A client as a notebook has one: a process of its own that lives long and sends ``git_status``.

Each order has one of these keys, with what it needs for a value:

- ``requests``: how many to send; gives their latencies in milliseconds
- ``span``: two moments of the monotonic clock; gives when each request in between began and ended
- ``submit``: an operation; gives the id of the request, which the following orders are about
- ``state``, ``cancel``: anything; gives the state, or whether the request will never run
- ``wait``: seconds; gives the returncode
- ``rss``: anything; gives the resident kilobytes and the names of all imported modules
"""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmarks.baselines import original_schedule
from benchmarks.procfs import rss_kb
from benchmarks.programs.orders import latencies_ms, obey, spans_within

if TYPE_CHECKING:
    from aexp.airgapped import RelayClient
    from aexp.airgapped.handle import RelayHandle

PATIENCE_S = 200.0


class Client:
    """What obeys the orders."""

    def __init__(self, client: "RelayClient") -> None:
        self._client = client
        self._last: RelayHandle | None = None

    def act(self, order: Mapping[str, Any]) -> Any:
        """Obey one order."""
        ((what, value),) = order.items()
        acts: Mapping[str, Callable[[], Any]] = {
            "requests": lambda: latencies_ms(value, self._status),
            "span": lambda: spans_within(value[0], value[1], self._status),
            "submit": lambda: self._submit(value),
            "state": lambda: self._handle.state.value,
            "cancel": self._cancel,
            "wait": lambda: self._handle.result(timeout=value).returncode,
            "rss": lambda: {"kb": rss_kb("self"), "modules": sorted(sys.modules)},
        }
        return acts[what]()

    @property
    def _handle(self) -> "RelayHandle":
        if self._last is None:
            raise RuntimeError("nothing was submitted")
        return self._last

    def _status(self) -> None:
        if not self._client.status().ok:
            raise RuntimeError("git_status did not end well")

    def _cancel(self) -> bool:
        return self._handle.cancel()

    def _submit(self, op: str) -> str:
        self._last = self._client.submit(op)
        return self._last.id


def main() -> None:
    """Serve orders; ``--original`` waits as the original client did."""
    if "--original" in sys.argv:
        original_schedule.apply()
    from aexp.airgapped import RelayClient

    obey(Client(RelayClient(default_timeout=PATIENCE_S)).act)


if __name__ == "__main__":
    main()
