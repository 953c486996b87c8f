"""``python -m tests.load.client URL HOME OUT FIRST COUNT EACH``: some clients, each in a thread of its own.

Each asks for one thing after the other and waits for the answer. What became of it is a line of ``OUT``: the
request's id, how it ended, and the milliseconds that it took.
"""

import os
import sys
import threading
import time
from pathlib import Path

from aexp.airgapped import RelayClient, RelayError, RelayHandle, RelayStorageError
from aexp.airgapped.outcome import RelayResult
from aexp.domain.errors import RelayCrashedError, RelayDownError, RelayTimeoutError

PATIENCE_S = 600.0


class Asker(threading.Thread):
    """One client.

    Args:
        out: an open file that several write to, a line at a time.
    """

    def __init__(self, url: str, cwd: Path, out: int, each: int) -> None:
        super().__init__()
        self._client = RelayClient(queue=url, cwd=cwd, default_timeout=PATIENCE_S)
        self._out = out
        self._each = each
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(self._each):
                self._ask(number)
        except BaseException as exc:  # noqa: BLE001  # The main thread tells of it.
            self.failure = exc

    def _ask(self, number: int) -> None:
        began = time.monotonic()
        handle = self._submitted(number)
        ended = self._ended(handle)
        took = (time.monotonic() - began) * 1000
        os.write(self._out, f"{handle.id} {ended} {took:.1f}\n".encode())

    def _submitted(self, number: int) -> RelayHandle:
        while True:
            try:
                return self._client.submit("git_push", ["origin", f"b{number}"])
            except RelayDownError:
                # All daemons were killed at once, and the next ones have not started yet.
                time.sleep(0.2)
            except RelayStorageError as exc:
                if exc.request_id is None:
                    raise
                return self._client.handle(exc.request_id)

    def _ended(self, handle: RelayHandle) -> str:
        while True:
            try:
                result: RelayResult = handle.result()
            except RelayCrashedError:
                return "crashed"
            except RelayTimeoutError:
                return "unanswered"
            except (RelayDownError, RelayStorageError):
                # It was taken up, or the server was away: the answer comes from the next daemon.
                time.sleep(0.2)
            except RelayError as exc:
                return type(exc).__name__
            else:
                return "ok" if result.ok and result.stdout == "played\n" else "wrong"


def main() -> int:
    """Let all of them ask; 0 when each had an outcome."""
    url, home, out, *numbers = sys.argv[1:]
    first, count, each = map(int, numbers)
    file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    askers = []
    for number in range(first, first + count):
        cwd = Path(home) / f"copy{number}"
        (cwd / ".git").mkdir(parents=True, exist_ok=True)
        askers.append(Asker(url, cwd, file, each))
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    failures = [asker.failure for asker in askers if asker.failure is not None]
    for failure in failures:
        sys.stderr.write(f"{type(failure).__name__}: {failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
