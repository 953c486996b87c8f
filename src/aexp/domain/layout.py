"""The queue on disk: names, and the moves of a request's token.

One file stands for each request, and every change of state is a move of that file::

    inbox/<id>.json ──take──▶ processing/<id>.<D>.claim ──take──▶ processing/<id>.<D>.run ──▶ [runs]
          │                         │        ▲                              │
          │                      (consent)   │ decision                     ├─ put_new outbox/<id>.json
          │                         ▼        │                              └─ take ─▶ replied/<id>
          │                   pending/<id>.json
          ▼                         ▼
    stale/<id>.<client>.cancelled   (a client withdrew it: it will never run)

``D`` names the daemon that owns the token (see :mod:`aexp.domain.identity`). The folders drawn here,
``approved/``, ``rejected/``, ``log/`` and ``heartbeat`` are those of the original layout; what it does not
know (``replied/``, ``cancel/``, ``waiting/``, ``daemons/``, ``lease/``, ``sweep/``, ``bad/``, ``tmp/``, and
``started/`` where several daemons serve) is ours. Names of ours in ``processing/`` do not end in ``.json``: a
daemon of the original kind would declare them crashed.

An answer stays in ``outbox/`` for a week, so that folder grows. What is left of the token in ``replied/``
tells a waiting client for some minutes that its answer is there: that folder stays small, and so does the
cost of looking.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from aexp.domain.identity import ProcessId, is_request_id

INBOX = "inbox"
PENDING = "pending"
APPROVED = "approved"
REJECTED = "rejected"
PROCESSING = "processing"
OUTBOX = "outbox"
LOG = "log"
STALE = "stale"
CANCEL = "cancel"
WAITING = "waiting"
DAEMONS = "daemons"
LEASE = "lease"
SWEEP = "sweep"
BAD = "bad"
STARTED = "started"
"""Which daemon has started a request, where several may serve: it holds for good who was first."""
SCRATCH = "tmp"
"""Unfinished files; what is left there is swept like everything else."""
REPLIED = "replied"
HEARTBEAT = "heartbeat"
CONSENT_LOG = "consent.log"
DESTINATIONS = "destinations.json"
TRAIL_COPY = "audit.jsonl"
"""What people on every node can read of the audit trail; where several daemons serve: :func:`trail_copy`."""
VISITS = "visits"
"""When a daemon that does not stay has looked in; absent where one stays."""

FOLDERS = (
    *(INBOX, PENDING, APPROVED, REJECTED, PROCESSING, OUTBOX, LOG, STALE),
    *(REPLIED, CANCEL, WAITING, DAEMONS, LEASE, SWEEP),
)
"""Every folder that somebody lists: those of the original layout, then ours."""

EVERY_FOLDER = (*FOLDERS, BAD, SCRATCH)
"""Those, and the two that only the daemon and the storage write to."""

_BEAT = ".hb"
_HARMFUL = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)

Stage = Literal["claim", "run"]


@dataclass(frozen=True)
class Token:
    """A request that a daemon owns: claimed (not started), or started."""

    request_id: str
    owner: str
    stage: Stage

    @property
    def name(self) -> str:
        """Where the token lies."""
        return f"{PROCESSING}/{self.request_id}.{self.owner}.{self.stage}"

    def started(self) -> "Token":
        """The same token once its operation may have begun."""
        return Token(self.request_id, self.owner, "run")

    def owned_by(self, owner: str) -> "Token":
        """The same token in another daemon's hands."""
        return Token(self.request_id, owner, self.stage)

    @classmethod
    def parse(cls, entry: str) -> "Token | None":
        """The token that an entry of ``processing/`` is, or None when it is something else."""
        parts = entry.split(".")
        if len(parts) != 3 or not is_request_id(parts[0]) or ProcessId.parse(parts[1]) is None:
            return None
        if parts[2] == "claim":
            return cls(parts[0], parts[1], "claim")
        if parts[2] == "run":
            return cls(parts[0], parts[1], "run")
        return None


def own_beat(daemon: str) -> str:
    """Where a daemon's own beat is."""
    return f"{DAEMONS}/{daemon}{_BEAT}"


def daemon_of(entry: str) -> str | None:
    """The name of the daemon whose own beat an entry of ``daemons/`` is; None for anything else."""
    return entry.removesuffix(_BEAT) if entry.endswith(_BEAT) else None


def request_of(entry: str) -> str | None:
    """The id in an entry such as ``<id>.json``, or None when the entry is not a request's."""
    stem, dot, ending = entry.partition(".")
    return stem if dot and ending == "json" and is_request_id(stem) else None


def requests_in(entries: Iterable[str]) -> list[str]:
    """The ids of the requests among the entries of a folder."""
    return [found for entry in entries if (found := request_of(entry)) is not None]


def tokens_in(entries: Iterable[str]) -> list[Token]:
    """The tokens among the entries of ``processing/``."""
    return [token for entry in entries if (token := Token.parse(entry)) is not None]


def inbox(request_id: str) -> str:
    """Where a client leaves a request."""
    return f"{INBOX}/{request_id}.json"


def pending(request_id: str) -> str:
    """Where a request waits for a person's decision."""
    return f"{PENDING}/{request_id}.json"


def outbox(request_id: str) -> str:
    """Where the one answer to a request is."""
    return f"{OUTBOX}/{request_id}.json"


def replied(request_id: str) -> str:
    """What tells a waiting client that its answer is in the outbox."""
    return f"{REPLIED}/{request_id}"


def log(request_id: str) -> str:
    """Where the output of an operation grows."""
    return f"{LOG}/{request_id}.txt"


def waiting(request_id: str) -> str:
    """Since when a request waits for consent, so that a restart does not start its time again."""
    return f"{WAITING}/{request_id}"


def cancelled(request_id: str, client: str) -> str:
    """What is left of a request that a client withdrew before it was claimed."""
    return f"{STALE}/{request_id}.{client}.cancelled"


def withdrawn_in(entry: str) -> str | None:
    """The id of the withdrawn request that an entry of ``stale/`` is; None for anything else."""
    request_id, _, rest = entry.partition(".")
    return request_id if rest.endswith(".cancelled") and is_request_id(request_id) else None


def started(request_id: str) -> str:
    """Which daemon has started a request; only where several may serve the queue."""
    return f"{STARTED}/{request_id}"


def trail_copy(host: str) -> str:
    """The copy of one node's audit trail, where daemons on several nodes may serve the queue."""
    return f"audit.{_HARMFUL.sub('_', host[:80])}.jsonl"


def is_trail_copy(entry: str) -> bool:
    """Whether an entry of the queue itself is the copy of a node's trail."""
    return entry.startswith("audit.") and entry.endswith("jsonl")


def crashed(request_id: str, owner: str) -> str:
    """What is left of a request whose daemon died while it ran."""
    return f"{STALE}/{request_id}.{owner}.crashed"


def bad(entry: str) -> str:
    """A fresh place where what is no request is kept for a person to look at.

    The name says what it was called, in at most 100 letters that do nothing to a terminal or a shell.
    """
    harmless = _HARMFUL.sub("_", entry[:100]).lstrip(".-") or "_"
    return f"{BAD}/{harmless}.{os.urandom(6).hex()}"
