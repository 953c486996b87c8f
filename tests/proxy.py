"""A wire between a client and a server that loses replies."""

import socket
import threading
from contextlib import suppress


class LossyWire:
    """Listens on loopback and passes on; a connection ends in place of a reply that is to be lost.

    Args:
        port: the server's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._to_lose: list[bytes] = []
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def lose_reply_to(self, command: bytes) -> None:
        """The next command that holds this is carried out, and nobody hears of it."""
        self._to_lose.append(command)

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._server) as far, suppress(OSError):
            near.settimeout(30)
            far.settimeout(30)
            while data := near.recv(1 << 16):
                far.sendall(data)
                reply = far.recv(1 << 16)
                wanted = next((one for one in self._to_lose if one in data), None)
                # A script that the server does not know yet changes nothing.
                if wanted is not None and not reply.startswith(b"-NOSCRIPT"):
                    self._to_lose.remove(wanted)
                    self.lost += 1
                    return
                near.sendall(reply)
