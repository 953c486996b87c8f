"""What a person's shell and the daemon say to each other about a decision: one JSON line each way.

The person's shell sends a :class:`Question`. The answer is ``{"ok": true, ...}`` with ``petition`` (show,
approve, reject), ``waiting`` (list), ``offer`` (grant-show), ``grant`` (grant, revoke) or ``grants``
(grants), or ``{"ok": false, "code": ..., "what": ..., "hint": ...}``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aexp.domain import wire
from aexp.domain.petition import Petition
from aexp.domain.requests import MAX_MOMENT_S
from aexp.domain.text import visible

MAX_QUESTION_BYTES = wire.MAX_BYTES
MAX_ANSWER_BYTES = 1 << 20
MAX_LIST_BYTES = MAX_ANSWER_BYTES // 2
MAX_REASON_CHARS = 400
CONFIRM_CHARS = 4
"""How many characters of a digest a person types to approve."""
SIGNATURE_NAMESPACE = "aexp-relay-consent"
"""What keeps a signature that was made for something else from being an approval (ssh-keygen -n)."""

NOT_FOUND = "not-found"
REFUSED = "refused"
_VERBS = ("list", "show", "approve", "reject", "grant-show", "grant", "grants", "revoke")

_TEXTS = ("digest", "reason", "op", "cwd", "seconds", "keep")


@dataclass(frozen=True)
class Question:
    """What a person's shell asks of the daemon.

    Attributes:
        verb: ``list``, ``show``, ``approve``, ``reject``; of grants ``grant-show``, ``grant``, ``grants``,
            ``revoke``.
        request_id: the id, for ``revoke`` that of a grant; there and for ``show`` its first digits will do.
        digest: for ``approve`` and ``grant``: that of the petition or the offer that the person saw.
        reason: for ``reject``: what the requester is told.
        op, cwd, seconds: for ``grant-show``: the operation, its folder, and for how long.
        keep: for ``grant``: ``yes`` for one that outlives the daemon.
    """

    verb: str
    request_id: str = ""
    digest: str = ""
    reason: str = ""
    op: str = ""
    cwd: str = ""
    seconds: str = ""
    keep: str = ""

    def to_bytes(self) -> bytes:
        """One line."""
        asked = {"id": self.request_id, **{name: getattr(self, name) for name in _TEXTS}}
        told = {key: value for key, value in asked.items() if value}
        return wire.encode({"verb": self.verb, **told})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Question":
        """The question in a line.

        Raises:
            WireError: it is none.
        """
        found = wire.decode(data, max_bytes=MAX_QUESTION_BYTES)
        if not all(isinstance(value, str) for value in found.values()):
            raise wire.WireError("holds something that is not text")
        if found.get("verb") not in _VERBS:
            raise wire.WireError(f"has none of the verbs {', '.join(_VERBS)}")
        texts = {name: found.get(name, "") for name in _TEXTS}
        texts["reason"] = visible(texts["reason"], limit=MAX_REASON_CHARS)
        return cls(found["verb"], found.get("id", ""), **texts)


@dataclass(frozen=True)
class Waiting:
    """A request that waits for consent, in words that are safe to show.

    Attributes:
        since: when it began to wait, in seconds since 1970; None when that is not known.
        reason: why a person is asked.
        digest: what an approval of it names; empty when that is not known here.
        summary: what would leave the cluster, in a few words; empty when that is not known here.
    """

    request_id: str
    op: str
    args: tuple[str, ...]
    cwd: str
    client: str
    since: float | None
    reason: str = ""
    digest: str = ""
    summary: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any], request_id: str) -> "Waiting":
        """From whatever a file or an answer holds; what does not fit is shown as ``?``."""
        args = told.get("args")
        return cls(
            request_id=request_id,
            op=_shown(told.get("op", "?"), 64),
            args=tuple(_shown(arg, 200) for arg in args[:32]) if isinstance(args, list) else (),
            cwd=_shown(told.get("cwd", "?"), 400),
            client=_shown(told.get("client", "?"), 120),
            since=moment(told.get("since")),
            reason=_shown(told.get("reason", ""), 400),
            digest=_shown(told.get("digest", ""), 64),
            summary=_shown(told.get("summary", ""), 80),
        )


def moment(value: object) -> float | None:
    """A sensible time in seconds since 1970, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_MOMENT_S else None


def listed(petition: Petition, since: float) -> dict[str, Any]:
    """A line of the list of what waits: bounded, whatever the petition holds."""
    return asdict(waiting_of(petition, since))


def waiting_of(petition: Petition, since: object = None) -> Waiting:
    """A petition in the words of a list."""
    known = {"args": [*petition.args], "digest": petition.digest, "summary": petition.summary}
    return Waiting.of({**petition.to_dict(), **known, "since": since}, petition.request_id)


def failure(code: str, what: str, hint: str = "") -> dict[str, Any]:
    """An answer that says no."""
    return {"ok": False, "code": code, "what": what, "hint": hint}


def signed_text(digest: str) -> bytes:
    """What is signed to approve the petition with this digest: the digest and a line end."""
    return f"{digest}\n".encode("ascii")


def _shown(value: object, limit: int) -> str:
    return visible(str(value), limit=limit, ascii_only=True)
