"""Hosts that speak https on this machine: one that keeps repositories, and one that steals credentials."""

import base64
import os
import ssl
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.vectors.needs import need_program

USER, PASSWORD = "researcher", "hunter2-canary-token"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2"


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine that vouches for itself."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path, name: str) -> Certificate:
    """Make one that is good for two days."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-subj", f"/CN={name}", "-addext", _NAMES)
    files = ("-keyout", str(made.key), "-out", str(made.certificate))
    command = [need_program("openssl"), "req", "-x509", *curve, *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return made


class Handler(BaseHTTPRequestHandler):
    """What all hosts have in common."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    server: Any

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def serve(self) -> None:
        """Answer one request."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def body(self) -> bytes:
        """What came with the request."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def answer(self, status: int, headers: dict[str, str], data: bytes = b"") -> None:
        """Answer and keep the connection."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self) -> None:
        """Ask for a password."""
        self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'})


class Server:
    """A host, in a thread of its own.

    Args:
        handler: what answers.
        address: where it listens; port 0 for any.
        certificate: None for plain http, as a proxy speaks it.
    """

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        address: tuple[str, int],
        certificate: Certificate | None,
        **attributes: object,
    ) -> None:
        self._http = _Quiet(address, handler)
        for name, value in attributes.items():
            setattr(self._http, name, value)
        if certificate is not None:
            self._http.context = certificate.context()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    def close(self) -> None:
        """Listen no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake is done in the connection's own thread: a client that says nothing stops nobody.
        if self.context is not None:
            request.settimeout(20)
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self.context is not None:
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is part of many vectors."""


class Thief(Handler):
    """Wants a password for everything, and keeps it. Also a proxy that opens what passes through it."""

    def do_CONNECT(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.wfile.flush()
        inside = self.server.thief_context.wrap_socket(self.connection, server_side=True)
        self.close_connection = True
        Thief(inside, self.client_address, self.server)
        inside.close()

    def serve(self) -> None:
        self.body()
        for name in ("Authorization", "Proxy-Authorization"):
            if self.headers.get(name):
                self.server.stolen.append(self.headers[name])
        self.refuse()


def http_backend(handler: Handler, root: Path) -> tuple[int, dict[str, str], bytes]:
    """What git's own server program answers: status, headers, body."""
    path, _, query = handler.path.partition("?")
    data = handler.body()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": USER,
        "REQUEST_METHOD": handler.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(data)),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
    }
    said = subprocess.run(
        ["git", "http-backend"], input=data, env=environment, capture_output=True, check=True
    ).stdout
    head, _, body = said.partition(b"\r\n\r\n")
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n"))
    headers = dict(pairs)
    status = int(headers.pop("Status", "200").split()[0])
    return status, headers, body
