"""A client and a daemon that know only the original layout work with ours."""

import datetime as dt
import json
import os
import threading
import time
import uuid
from pathlib import Path

import pytest

from aexp.airgapped import RelayClient
from tests.site import Site


def original_client(payload: dict[str, object], site: Site) -> dict[str, object]:
    """What the original client did: a temporary sibling, a rename, and a look at one path."""
    request_id = uuid.uuid4().hex
    body = {**payload, "submitted_at": dt.datetime.now(dt.UTC).isoformat()}
    site.put_request(request_id, json.dumps(body, indent=2).encode())
    answer = site.queue / f"outbox/{request_id}.json"
    site.until("the original client's answer", answer.exists)
    parsed: dict[str, object] = json.loads(answer.read_text())
    return parsed


def test_an_original_client_is_answered_in_words_that_it_knows(site: Site) -> None:
    site.serve()
    (site.repo / "new").write_text("x")
    payload: dict[str, object] = {"op": "git_status", "args": [], "cwd": str(site.repo)}
    answer = original_client(payload, site)
    keys = {"request_id", "op", "status", "returncode", "stdout", "duration_s"}
    assert keys <= set(answer)
    assert (answer["status"], answer["stdout"]) == ("completed", "? new\n")
    bad = original_client({**payload, "op": "rm"}, site)
    assert bad["status"] == "validation"
    assert bad["error"]


def test_an_original_clients_consent_is_asked_and_given_with_bare_markers(site: Site) -> None:
    site.wandb()
    site.serve(command=("aexp.airgapped", "daemon"))
    request_id = uuid.uuid4().hex
    body = {"op": "wandb_sync", "args": [], "cwd": str(site.repo), "submitted_at": None}
    site.put_request(request_id, json.dumps(body).encode())
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    told = site.queue / "consent.log"
    site.until("people are told", lambda: told.exists() and request_id[:8] in told.read_text())
    (site.queue / f"approved/{request_id}").touch()
    site.until("it is answered", (site.queue / f"outbox/{request_id}.json").exists)
    answer = json.loads((site.queue / f"outbox/{request_id}.json").read_text())
    assert (answer["status"], answer["returncode"]) == ("completed", 0)
    log = site.queue / f"log/{request_id}.txt"
    site.until("its log is there", log.exists)
    assert log.read_text().startswith("$ wandb sync wandb/offline-run-")


def test_an_original_client_sees_a_daemon_that_lives(site: Site) -> None:
    site.serve()
    beat = site.queue / "heartbeat"
    assert time.time() - beat.stat().st_mtime < 30
    assert {"ts_monotonic", "wall", "pid"} <= set(json.loads(beat.read_text()))
    assert int((site.queue / "pid").read_text()) == site.daemons[0].pid


class OriginalDaemon(threading.Thread):
    """A daemon of the original kind: copies a request, unlinks it, answers; beats all the while."""

    def __init__(self, queue: Path) -> None:
        super().__init__()
        self.queue = queue
        self.over = threading.Event()
        for name in ("inbox", "outbox", "processing"):
            (queue / name).mkdir(parents=True, exist_ok=True)
        self.beat()

    def beat(self) -> None:
        draft = self.queue / "heartbeat.tmp"
        body = {"ts_monotonic": time.monotonic(), "wall": time.time(), "pid": os.getpid()}
        draft.write_text(json.dumps(body))
        draft.replace(self.queue / "heartbeat")

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.beat()
            for request in sorted((self.queue / "inbox").glob("*.json")):
                body = json.loads(request.read_text())
                request.unlink()
                answer = {
                    "request_id": request.stem,
                    "op": body["op"],
                    "status": "completed",
                    "returncode": 0,
                    "stdout": body["cwd"],
                    "duration_s": 0.1,
                }
                draft = self.queue / f"outbox/{request.stem}.tmp"
                draft.write_text(json.dumps(answer))
                draft.rename(self.queue / f"outbox/{request.stem}.json")


def test_our_client_works_with_an_original_daemon(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(site.home))
    daemon = OriginalDaemon(site.queue)
    daemon.start()
    try:
        result = RelayClient(cwd=site.repo).status(timeout=30)
        assert (result.op, result.returncode, result.stdout) == ("git_status", 0, str(site.repo))
        done = site.relay("serve")
        assert done.returncode == 73
        assert "original kind" in done.stderr
    finally:
        daemon.over.set()
        daemon.join()
