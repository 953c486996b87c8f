"""The attacker's host, as far as it matters whether somebody calls."""

import socket
import threading
from types import TracebackType


class Beacon:
    """Counts connections on a port of this machine, and closes each at once.

    Attributes:
        port: where it listens.
        calls: how many have connected.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                # Closed.
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        """Listen no more."""
        # Closing alone would leave the thread in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def __enter__(self) -> "Beacon":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
