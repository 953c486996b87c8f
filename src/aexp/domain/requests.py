"""What travels: a request, the answer to it, and what the caller gets.

The same frozen types go from the caller to the disk to the daemon and back. They are plain dataclasses: a
client writes requests and reads answers, and importing pydantic would take it longer than both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from aexp.domain import wire
from aexp.domain.consent import State
from aexp.domain.errors import RelayAnswerError

PROTOCOL = 1
MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_MOMENT_S = 1e11
"""Seconds since 1970 that are a date on some calendar."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that has passed the validation: it can be run as it stands.

    Attributes:
        coalesce: False when it wants a run of its own; otherwise it may share one with equal requests.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # for aexp.domain.checking

    op: str
    args: tuple[str, ...] = ()
    cwd: str
    submitted_at: float | str | None = None
    client: str | None = None
    ttl_s: float | None = None
    coalesce: bool | None = None

    def to_bytes(self) -> bytes:
        """The file that a client leaves in ``inbox/``; keys without a value are left out."""
        return wire.encode(_said(self))


@dataclass(frozen=True, kw_only=True)
class Response:
    """The one answer to a request.

    Attributes:
        status: one of the original's words: completed, validation, rejected, timeout, crashed.
        state: the exact state (see :class:`~aexp.domain.consent.State`); older daemons leave it out.
        error: what went wrong, for people.
        hint: what to do next; also for a command that ran and failed.
        kind: why it failed, a word of :class:`~aexp.domain.failure_rules.Kind`; older daemons leave it out.
        writer: the process that wrote the answer; it tells two identical answers apart.
        notices: what of the repository's own configuration was not used, and under which grant it ran.
        consent: what counts as a person's approval under this daemon, with its weakness.
        details: what was asked (args, cwd), or which field was refused and why.
    """

    request_id: str
    op: str
    status: str
    returncode: int | None = None
    stdout: str = ""
    duration_s: float = 0.0
    error: str | None = None
    state: State | None = None
    hint: str | None = None
    kind: str | None = None
    answered_at: float | None = None
    truncated: bool = False
    writer: str | None = None
    notices: tuple[str, ...] = ()
    consent: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file that is published in ``outbox/``."""
        # Clients of the original layout look ``returncode`` up also where there is none.
        return wire.encode({"returncode": None, **_said(self)})

    @classmethod
    def from_bytes(cls, data: bytes, request_id: str) -> "Response":
        """The answer in a file of ``outbox/``, also one that an original daemon wrote.

        Keys that we do not know are ignored.

        Raises:
            RelayAnswerError: the file is not an answer.
        """
        try:
            found = wire.decode(data, max_bytes=MAX_ANSWER_BYTES)
            return cls(**{"op": "?", "request_id": request_id, **_read(found)})
        except (ValueError, OverflowError) as exc:
            raise RelayAnswerError(
                f"The answer to {request_id} cannot be read: {exc}.",
                "Look at it in the queue's outbox; the operation may have run.",
                request_id,
            ) from exc

    @property
    def final_state(self) -> State:
        """The exact state, worked out from ``status`` where an original daemon gave no other."""
        return self.state or _ORIGINAL_STATES.get(self.status, State.CRASHED)


def _said(one: Request | Response) -> dict[str, Any]:
    return {name: value for name, value in vars(one).items() if value is not None}


_TEXTS = ("request_id", "op", "status", "stdout", "error", "hint", "kind", "writer", "consent")
_NUMBERS = ("duration_s", "answered_at")
_KINDS: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {
        **dict.fromkeys(_TEXTS, str),
        **dict.fromkeys(_NUMBERS, (int, float)),
        **{"returncode": int, "truncated": bool, "notices": list, "details": dict},
    }
)


def _read(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an answer that say something, each of its type.

    Raises:
        ValueError: one is of another type, or the status is missing.
        OverflowError: a number is too large.
    """
    known = {name: found[name] for name in _KINDS if found.get(name) is not None}
    for name, value in known.items():
        boolean = isinstance(value, bool)
        if not isinstance(value, _KINDS[name]) or (boolean and _KINDS[name] is not bool):
            raise ValueError(f"its {name} is a JSON {type(value).__name__}")
    if "status" not in known:
        raise ValueError("it has no status")
    if not all(isinstance(notice, str) for notice in known.get("notices", ())):
        raise ValueError("its notices are not all text")
    known["notices"] = tuple(known.get("notices", ()))
    known.update({name: float(known[name]) for name in _NUMBERS if name in known})
    return {**known, "state": _STATES.get(str(found.get("state")))}


_STATES: Mapping[str, State] = MappingProxyType({state.value: state for state in State})

_ORIGINAL_STATES = {
    "completed": State.COMPLETED,
    "validation": State.INVALID,
    "rejected": State.REJECTED,
    "timeout": State.TIMED_OUT,
    "crashed": State.CRASHED,
}

STATUS = {
    State.COMPLETED: "completed",
    State.INVALID: "validation",
    State.REJECTED: "rejected",
    State.CANCELLED: "rejected",
    State.EXPIRED: "timeout",
    State.TIMED_OUT: "timeout",
    State.CRASHED: "crashed",
    State.FAILED_TO_START: "crashed",
}
"""Our final states in the five words that a client of the original layout understands."""


@dataclass(frozen=True)
class RelayResult:
    """What an operation gave. A returncode other than 0 is a result too, not an exception.

    Attributes:
        request_id: names the request in the queue, in the log and in ``aexp relay show``.
        op: the operation, for example ``git_push``.
        returncode: the program's own exit status; negative for a signal, as in :mod:`subprocess`.
        stdout: standard output and standard error, merged as they came; head and tail when long.
        duration_s: seconds that the operation ran on the login node.
        notices: what of the repository's own configuration was not used, and under which grant it ran.
        consent: what counts as a person's approval under the daemon that answered.
        kind: why it failed, in a word such as ``not-fast-forward``; empty where that is not known.
        hint: what to do next after a failure; empty where that is not known.
    """

    request_id: str
    op: str
    returncode: int
    stdout: str
    duration_s: float
    notices: tuple[str, ...] = ()
    consent: str = ""
    kind: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether the program said that all went well."""
        return self.returncode == 0

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from aexp.domain.notebook import result_bundle

        return result_bundle(self)
