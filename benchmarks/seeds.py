"""Queues that have been in use for long, made in seconds: many that wait, and many old answers."""

import time

from aexp.domain.identity import new_request_id
from aexp.domain.requests import Request, Response
from tests.site import Site

_MINE = "somebody-1-1-00000000"


def pending(site: Site, count: int) -> None:
    """Requests that a daemon before has let wait for consent: a ``wandb_sync`` each."""
    folder = site.queue / "pending"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    site.queue.chmod(0o700)
    request = Request(
        op="wandb_sync", cwd=str(site.repo), submitted_at=time.time(), client=_MINE, ttl_s=86400.0
    )
    data = request.to_bytes()
    for _ in range(count):
        (folder / f"{new_request_id()}.json").write_bytes(data)


def old_answers(site: Site, count: int, marks: int) -> None:
    """Answers that lie in the outbox, and marks that a daemon which was killed has left behind."""
    outbox, replied = site.queue / "outbox", site.queue / "replied"
    for folder in (outbox, replied):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    site.queue.chmod(0o700)
    answer = Response(
        request_id=new_request_id(), op="git_status", status="completed", returncode=0
    )
    data = answer.to_bytes()
    for number in range(count):
        request_id = new_request_id()
        (outbox / f"{request_id}.json").write_bytes(data)
        if number < marks:
            (replied / request_id).touch()
