"""A person's decision: see what waits, as it is, and say yes or no to exactly that."""

from dataclasses import dataclass

from aexp.airgapped.approval import (
    Waiting,
    bare_petition,
    find_waiting,
    mark_approved,
    note_of,
    noted_petition,
    refuse_powerless,
    reject,
    waiting_requests,
)
from aexp.airgapped.beats import Beat
from aexp.airgapped.hints import approve_hint, serve_hint
from aexp.airgapped.places import (
    asked_elsewhere,
    beat_to_ask,
    host_of,
    on_this_machine,
    out_of_reach,
)
from aexp.airgapped.queue import RelayQueue
from aexp.airgapped.standing import judge
from aexp.airgapped.waiting_notes import noted_mode
from aexp.domain.consent import Mode
from aexp.domain.decisions import MAX_REASON_CHARS, signed_text, waiting_of
from aexp.domain.errors import (
    RelayDownError,
    RelayNotFoundError,
    RelayRejectedError,
    RelayStorageError,
)
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.ports.approval import DecisionLine, Signer
from aexp.ports.clock import Clock
from aexp.ports.processes import Processes


@dataclass(frozen=True)
class Shown:
    """What a person decides on.

    Attributes:
        mode: what makes an approval count.
        warning: what the person must know of where it came from; empty when it came from the daemon.
    """

    petition: Petition
    mode: Mode
    warning: str = ""


class Approver:
    """The person's side, on whatever node.

    Args:
        line: to a daemon on this machine.
        signer: the person's key, for a daemon that takes signed approvals.
    """

    def __init__(
        self,
        queue: RelayQueue,
        clock: Clock,
        processes: Processes,
        line: DecisionLine,
        signer: Signer,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._processes = processes
        self._line = line
        self._signer = signer

    def waiting(self) -> list[Waiting]:
        """What waits, from the daemon where it can be asked, else from the queue; the oldest first."""
        told = self.told()
        return waiting_requests(self._queue) if told is None else told

    def told(self) -> list[Waiting] | None:
        """What waits, from the daemon, without a look at the queue; None when it cannot be asked here."""
        try:
            found = self._line.waiting()
        except RelayDownError:
            return None
        return sorted(found, key=lambda one: (one.since or 0.0, one.request_id))

    def petition_of(self, one: Waiting) -> Petition | None:
        """What is asked of a person about one that waits; None when that is not known (any more).

        For looking, on whatever node. To decide, take what :meth:`look` gives.
        """
        try:
            return self._line.show(one.request_id)
        except (RelayDownError, RelayNotFoundError, RelayRejectedError):
            return noted_petition(note_of(self._queue, one.request_id), one.request_id)

    def elsewhere(self) -> str | None:
        """The host on which approvals must be given, as its beat claims; None when here will do."""
        beat = self._queue.beat()
        return None if beat is None else self.elsewhere_by(beat)

    def elsewhere_by(self, beat: Beat) -> str | None:
        """The same by a beat that was read before."""
        if self._queue.storage.shared:
            beat = beat_to_ask(self._queue, self._processes) or beat
        if noted_mode(beat.facts.get("consent")) is not Mode.LOGIN:
            return None
        return None if on_this_machine(beat, self._processes) else host_of(beat)

    def look(self, prefix: str) -> Shown:
        """The one waiting request whose id begins with ``prefix``.

        Raises:
            RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
            RelayDownError: it can be approved only where the daemon runs, or only while one runs; what was
                decided between two visits of one would count for nothing.
            StorageForbiddenError: the queue's storage lets this user approve nothing.
            RelayStorageError: the queue cannot be read, or does not hold what is to be signed.
        """
        try:
            return Shown(self._line.show(prefix), Mode.LOGIN)
        except RelayNotFoundError as exc:
            # The queue may know why: it ran, it was rejected, or the daemon has not come to it yet.
            one = find_waiting(self._queue, prefix)
            raise RelayNotFoundError(
                f"The daemon does not hold {one.request_id} for a decision.",
                asked_elsewhere(self._queue, self._processes, one.request_id)
                or "Look again in a moment; if it stays, its file in pending/ was planted.",
                one.request_id,
            ) from exc
        except RelayDownError as exc:
            down = exc
        one = find_waiting(self._queue, prefix)
        note = note_of(self._queue, one.request_id)
        # Where several serve, the one that asks about it noted how it hears people.
        beat = None if self._queue.storage.shared else self._queue.beat()
        told = note.get("mode") if beat is None else beat.facts.get("consent")
        mode = noted_mode(told) or Mode.FILE
        if mode is Mode.LOGIN:
            typed = approve_hint(one.request_id, self._queue.storage.url)
            raise out_of_reach(
                self._queue, self._processes, "Approvals count", typed, down, one.request_id
            )
        if mode is Mode.SIGNED and not self._queue.storage.shared:
            self._refuse_unheard(beat, one.request_id)
        if mode is Mode.ACL:
            refuse_powerless(self._queue, one.request_id)
        return _shown(one, noted_petition(note, one.request_id), mode)

    def _refuse_unheard(self, beat: Beat | None, request_id: str) -> None:
        """Make sure that a daemon serves that hears a signature: each one asks anew, with its own nonce."""
        up, why = judge(self._queue, beat, self._clock, self._processes)
        if up:
            return
        url = self._queue.storage.url
        raise RelayDownError(
            f"An approval would count for nothing now, since each daemon asks anew: {why}.",
            f"{serve_hint(url)}; then type: {approve_hint(request_id, url)}",
            request_id,
        )

    def approve(self, shown: Shown) -> None:
        """Let run what was shown.

        Raises:
            RelayRejectedError: the daemon holds something else than what was shown.
            RelayDownError: it can no longer be reached.
            SettingsError: there is no key to sign with, or it did not sign.
            RelayStorageError: the decision could not be written.
        """
        petition = shown.petition
        if shown.mode is Mode.LOGIN:
            self._line.approve(petition.request_id, petition.digest)
        elif shown.mode is Mode.ACL:
            # The daemon compares: so this counts for what was shown, whatever waits by then.
            mark_approved(self._queue, petition.request_id, petition.digest.encode())
        elif shown.mode is Mode.SIGNED:
            # The digest is worked out from what was shown, whatever the file says that it is.
            signature = self._signer.sign(signed_text(petition.digest))
            mark_approved(self._queue, petition.request_id, signature)
        else:
            content = f"{self._queue.me} {self._clock.wall():.3f}\n"
            mark_approved(self._queue, petition.request_id, content.encode())

    def approve_unchanged(self, shown: Shown) -> None:
        """The same after a fresh look, for a decision that a person took their time for.

        Raises:
            RelayRejectedError: it has changed since it was shown; nothing was approved.
            RelayNotFoundError: it does not wait any more; nothing was approved.
            RelayDownError, SettingsError, RelayStorageError: as :meth:`approve`.
        """
        request_id = shown.petition.request_id
        # A daemon that is asked over its line compares the digests itself. A file in the queue would be
        # left for something that nobody was shown.
        if shown.mode is not Mode.LOGIN and self.look(request_id) != shown:
            raise RelayRejectedError(
                f"{request_id} has changed since it was shown; nothing was approved.",
                "Look at it again.",
                request_id,
            )
        self.approve(shown)

    def reject(self, prefix: str, reason: str = "") -> Waiting:
        """Refuse the one waiting request whose id begins with ``prefix``, from wherever one is.

        Raises:
            RelayNotFoundError: no request, or more than one, with that prefix waits for consent.
            RelayStorageError: the decision could not be written.
        """
        told = visible(reason, limit=MAX_REASON_CHARS)
        try:
            petition = self._line.show(prefix)
            self._line.reject(petition.request_id, told)
        except (RelayDownError, RelayNotFoundError):
            return reject(self._queue, prefix, told)
        return waiting_of(petition)


def _shown(one: Waiting, petition: Petition | None, mode: Mode) -> Shown:
    if mode is Mode.FILE:
        warning = (
            "This is read from the queue, and so is your decision: "
            "whoever can write the queue can forge both (consent: file)."
        )
        return Shown(petition or bare_petition(one), mode, warning)
    if petition is None:
        raise RelayStorageError(
            f"The queue does not hold what an approval of {one.request_id} would count for.",
            f"Look at {one.request_id} in its folder waiting/; try again in a moment.",
            one.request_id,
        )
    given = "approval" if mode is Mode.ACL else "signature"
    warning = f"This is read from the queue. Your {given} counts for exactly what is shown here."
    return Shown(petition, mode, warning)
