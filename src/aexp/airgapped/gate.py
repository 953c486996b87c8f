"""The gate of a queue: what stands between it and a client on another machine, one question at a time.

``aexp relay exec`` is its command line: the forced command of an ssh key moves frames, and everything that is
decided is decided here. A client may look at what is its own to see, submit what the closed list allows, take
it back, ask for its end, and wait. It cannot approve, reject, grant, answer, or write anything else.
"""

from collections.abc import Callable, Sequence
from typing import Any

from aexp.airgapped.asked import Asked, GateClosedError, GateRefusedError
from aexp.airgapped.gate_looks import Looks
from aexp.airgapped.gate_moves import Moves
from aexp.airgapped.queue import RelayQueue
from aexp.domain.errors import AexpError
from aexp.domain.far_errors import told
from aexp.domain.frames import Frame
from aexp.domain.text import visible
from aexp.domain.validation import CwdPolicy
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes

MAX_REFUSED = 20
"""Questions that are refused before the connection ends."""
MAX_QUESTIONS = 1_000_000
"""Questions of one connection; a client connects again by itself."""

Tell = Callable[..., None]


class Gate:
    """One connection's gate.

    Args:
        policy: where operations may work.
        processes: who we are, and whether a daemon on this machine lives.
        address: where the client connects from, as sshd says it; empty where that is not known.
        listens: descriptors that are readable when the client has asked again or has gone.
        hurry: whether another question is there already, so that nothing is to be waited for.
        tell: called with an event and its facts when something was refused.
        is_queue: whether a name that a client gives is the queue that this gate stands before.
        opened: called once the client has begun, before it is answered.
    """

    def __init__(
        self,
        queue: RelayQueue,
        policy: CwdPolicy,
        clock: Clock,
        processes: Processes,
        *,
        version: str,
        address: str = "",
        listens: Sequence[int] = (),
        hurry: Callable[[], bool] | None = None,
        tell: Tell | None = None,
        is_queue: Callable[[str], bool] | None = None,
        is_default: bool = True,
        opened: Callable[[], None] | None = None,
    ) -> None:
        self._queue = queue
        self._version = version
        self._address = address
        self._tell = tell
        self._is_queue = is_queue
        self._is_default = is_default
        self._opened = opened
        self._processes = processes
        self._asked = self._refused = 0
        self._looks = Looks(queue.storage, processes, listens, hurry)
        self._moves = Moves(queue, policy, clock, address)
        self._verbs: dict[str, Callable[[Asked, bytes], Frame]] = {}

    def answer(self, question: Frame) -> Frame:
        """What the client gets for its question.

        Raises:
            GateClosedError: the connection is over: too much was asked, or too much was refused.
        """
        head = dict(question.head)
        number, verb = head.pop("n", None), head.pop("verb", None)
        if isinstance(number, bool) or not isinstance(number, int):
            raise GateClosedError("A question has no number; the connection ends.")
        self._asked += 1
        if self._asked > MAX_QUESTIONS:
            raise GateClosedError("Enough was asked for one connection; connect again.")
        try:
            found = self._do(verb, Asked(head), question.body)
        except GateClosedError:
            raise
        except AexpError as exc:
            if isinstance(exc, GateRefusedError):
                self._note_refused(verb, exc)
            return Frame({"n": number, "error": told(exc)})
        return Frame({"n": number, **found.head}, found.body)

    def _do(self, verb: object, asked: Asked, body: bytes) -> Frame:
        if verb == "open" and not self._verbs:
            return self._open(asked)
        do = self._verbs.get(verb) if isinstance(verb, str) else None
        if do is None:
            raise GateRefusedError(f"'{visible(str(verb), limit=32)}' is none of them")
        if body and verb != "submit":
            raise GateRefusedError("only a request comes with content")
        return do(asked, body)

    def _open(self, asked: Asked) -> Frame:
        named = asked.maybe("queue")
        asked.end()
        url = self._queue.storage.url
        if named is not None and self._is_queue is not None and not self._is_queue(named):
            raise GateRefusedError(
                f"this key is for the queue {url}, not {visible(named)}",
                "Leave ?queue= out of the URL, or change the key's line in authorized_keys over there.",
            )
        if self._opened is not None:
            self._opened()
        self._verbs = {**self._looks.verbs, **self._moves.verbs, "facts": self._facts}
        profile = self._queue.storage.profile
        more = {"profile": profile.name, "seen": profile.seen, "scale": profile.poll_scale}
        more["shared"] = self._queue.storage.shared
        return Frame({"queue": "" if self._is_default else url, **more, **self._about()})

    def _facts(self, asked: Asked, _: bytes) -> Frame:
        asked.end()
        return Frame(self._about())

    def _about(self) -> dict[str, Any]:
        return {"host": self._processes.hostname, "version": self._version}

    def _note_refused(self, verb: object, exc: GateRefusedError) -> None:
        self._refused += 1
        facts = {"verb": str(verb)[:32], "address": self._address or None, "error": exc.what}
        if self._tell is not None:
            self._tell("gate-refused", **facts)
        if self._refused >= MAX_REFUSED:
            raise GateClosedError(f"{self._refused} questions were refused; the connection ends.")
