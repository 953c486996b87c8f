"""What stands in for the service of wandb, and a real wandb from PyPI in an environment of its own.

The service answers as much of the protocol as an upload needs: who the key belongs to, the making of a run,
its file stream, and the places for its files. With it, uploads by wandb 0.28, 0.29 and 0.31 come to
wandb's own mark of success. It knows no artifacts, no sweeps and no resumed runs.
"""

import base64
import fcntl
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.lab.mounts import skip_or_fail

INSTALL_LIMIT_S = 240
TRAINING = """
import wandb
settings = wandb.Settings(x_disable_stats=True, console="off")
run = wandb.init(project="speech", entity="team", mode="offline", settings=settings)
run.log({"loss": 0.5})
with open("notes.txt", "w") as file:
    file.write("saved by a link")
run.save("notes.txt")
run.finish()
"""


@dataclass(frozen=True)
class Received:
    """One request: the key that came with it, and its body as text."""

    method: str
    path: str
    key: str
    body: str


@dataclass
class Service:
    """A server on loopback that keeps what it receives.

    Attributes:
        silent: it takes the making of a run and never answers.
    """

    silent: bool = False
    received: list[Received] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """What WANDB_BASE_URL says."""
        return f"http://127.0.0.1:{self.port}"

    def uploaded(self, name: str) -> list[str]:
        """The contents that were sent as this file."""
        return [one.body for one in self.received if one.path == f"/upload/{name}"]

    def answer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """What GraphQL says."""
        if "upsertBucket" in query:
            if self.silent:
                self.stalled.set()
                self.over.wait(60)
            entity = {"id": "e", "name": given.get("entity") or "team"}
            project = {"id": "p", "name": given.get("project"), "entity": entity}
            bucket = {
                **{"id": "b", "name": given.get("name"), "displayName": "d", "description": None},
                **{"config": "{}", "sweepName": None, "historyLineCount": 0, "project": project},
            }
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if "createRunFiles" in query:
            files = [{"name": n, "uploadUrl": f"{self.url}/upload/{n}"} for n in given["files"]]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        known = {"features": [], "cliVersionInfo": {"max_cli_version": "99"}}
        teams: dict[str, Any] = {"edges": []}
        viewer = {"id": "u", "entity": "team", "username": "u", "flags": "{}", "teams": teams}
        return {"serverInfo": {**known, "latestLocalVersionInfo": None}, "viewer": viewer}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: ClassVar[Service]

    def _handle(self) -> None:
        body = self._body().decode("utf-8", "replace")
        self.service.received.append(Received(self.command, self.path, self._key(), body))
        said: dict[str, Any] = {}
        if self.path == "/graphql":
            asked = json.loads(body)
            said = {"data": self.service.answer(asked["query"], asked.get("variables") or {})}
        data = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_CONNECT = _handle  # noqa: N815

    def _key(self) -> str:
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return base64.b64decode(value).decode().partition(":")[2] if kind == "Basic" else value

    def _body(self) -> bytes:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        # A wandb that has ended drops its connections.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(*, silent: bool = False) -> Iterator[Service]:
    """A service for the time of the block."""
    service = Service(silent)
    handler = type("Handler", (_Handler,), {"service": service})
    with _Server(("127.0.0.1", 0), handler) as server:
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            service.over.set()
            server.shutdown()
            thread.join()


def installed_wandb(cache: Path) -> Path:
    """A wandb: ``AEXP_TEST_WANDB``, or the newest one, installed into ``cache`` once for all workers.

    Skips the test where it cannot be installed; fails it with AEXP_EXPECT_WANDB=1.
    """
    named = os.environ.get("AEXP_TEST_WANDB")
    if named:
        return Path(named)
    venv = cache / f"venv-{sys.version_info[0]}.{sys.version_info[1]}"
    program = venv / "bin/wandb"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (venv / "complete").exists():
            _install(venv)
            (venv / "complete").touch()
    return program


def _install(venv: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--retries", "1"]
    commands = [
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)],
        [*pip, "--python", str(venv / "bin/python"), "install", "wandb"],
    ]
    for command in commands:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
        )
        if done.returncode != 0:
            why = f"wandb cannot be installed from PyPI here: {done.stderr.strip()[-300:]}"
            skip_or_fail(why, "AEXP_EXPECT_WANDB")


def trained(program: Path, folder: Path) -> Path:
    """A project with one offline run, made by wandb itself; the project's folder."""
    project = folder / "project"
    project.mkdir(parents=True)
    done = subprocess.run(
        [program.parent / "python", "-P", "-c", TRAINING],
        cwd=project,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "WANDB_ERROR_REPORTING": "false"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return project
