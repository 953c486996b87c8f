"""Where people give grants: what would be granted is looked at and shown, and given once, as it was shown."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from aexp.airgapped.admission import Admission
from aexp.airgapped.audit import Audit
from aexp.airgapped.grant_book import GrantBook
from aexp.airgapped.parked import Parked
from aexp.domain.errors import AexpError, RelayRejectedError, RelayValidationError
from aexp.domain.grant_offers import MOST_WAITING, GrantLine, GrantOffer
from aexp.domain.grants import MOST_GRANTS, Grant, Scope, checked_span, moment
from aexp.domain.operations import GRANTABLE
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.domain.validation import CwdPolicy, validate_place
from aexp.ports.clock import Clock
from aexp.ports.consent import Granting
from aexp.ports.workshop import Reach, Workshop

OFFER_S = 300.0
"""Seconds for which an offer can be given."""
MOST_OFFERS = 16


@dataclass(frozen=True)
class _Offered:
    offer: GrantOffer
    scope: Scope
    ends: float
    until: float


class GrantDesk(Granting):
    """See the module.

    Args:
        policy: where operations may work.
        admission: how destinations are told to people.
        waiting: the requests that wait for a person now.
    """

    def __init__(
        self,
        book: GrantBook,
        workshop: Workshop,
        admission: Admission,
        policy: CwdPolicy,
        clock: Clock,
        audit: Audit,
        waiting: Callable[[], Iterable[Parked]],
    ) -> None:
        self._book = book
        self._workshop = workshop
        self._admission = admission
        self._policy = policy
        self._clock = clock
        self._audit = audit
        self._waiting = waiting
        self._offered: dict[str, _Offered] = {}

    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        seconds = checked_span(seconds)
        scope = self._scope(op, cwd)
        now = self._clock.monotonic()
        whole = json.dumps(asdict(scope), sort_keys=True)
        offer = GrantOffer(
            op=op,
            root=scope.root,
            destinations=self._admission.told(scope.destinations),
            seconds=seconds,
            until=round(self._clock.wall() + seconds, 3),
            waiting=self._fitting(scope),
            bound=hashlib.sha256(whole.encode("ascii")).hexdigest(),
            nonce=secrets.token_hex(16),
        )
        if offer.is_too_long:
            raise RelayRejectedError(
                f"{scope.root} leads to more places than a person can be shown in one grant.",
                "Have its requests approved one by one: aexp relay approve.",
            )
        while len(self._offered) >= MOST_OFFERS:
            del self._offered[next(iter(self._offered))]
        until = now + min(OFFER_S, seconds)
        self._offered[offer.digest] = _Offered(offer, scope, now + seconds, until)
        return offer

    def give(self, digest: str, *, keep: bool, by: str) -> GrantLine:
        offered = self._offered.pop(digest, None)
        if offered is None or self._clock.monotonic() >= offered.until:
            raise RelayRejectedError(
                "What was to be granted is not on offer (any more); nothing was granted.",
                "An offer can be given once, within five minutes: `aexp relay grant` shows it again.",
            )
        if self._book.is_full:
            raise RelayRejectedError(
                f"{MOST_GRANTS} grants are live already, and no more may be.",
                "Take some back: aexp relay grants, aexp relay revoke ID.",
            )
        seconds = offered.offer.seconds
        grant = self._book.add(offered.scope, seconds, offered.ends, keep=keep, by=by)
        self._audit.note(
            "granted",
            grant=grant.id,
            op=grant.scope.op,
            cwd=grant.scope.root,
            destinations="; ".join(offered.offer.destinations),
            digest=digest,
            by=by,
            until=moment(grant.ends_wall),
            keep=keep,
        )
        return self._line(grant)

    def live(self) -> list[GrantLine]:
        return [self._line(grant) for grant in self._book.live()]

    def revoke(self, prefix: str, by: str) -> GrantLine:
        return self._line(self._book.revoke(prefix, by))

    def _scope(self, op: str, cwd: str) -> Scope:
        try:
            return self._looked_at(op, cwd)
        except RelayValidationError as exc:
            what = f"The grant's {exc.field} {exc.problem}; nothing was granted."
            raise RelayRejectedError(what, exc.hint) from exc

    def _looked_at(self, op: str, cwd: str) -> Scope:
        spec, folder = validate_place(op, cwd, self._policy)
        if spec.name not in GRANTABLE:
            raise RelayRejectedError(
                f"{spec.name} never waits for a person, so there is nothing to grant.",
                f"What can be granted: {', '.join(GRANTABLE)}.",
            )
        if self._policy.kind(str(folder)) != "directory":
            raise RelayRejectedError(f"{folder} is no folder; nothing was granted.", "Check --cwd.")
        reach = self._reach(op, folder)
        identity = self._workshop.identity(reach.root)
        if not identity or not reach.destinations:
            raise RelayRejectedError(
                f"{reach.root} leads nowhere, so there is nothing to grant.", "Check its remotes."
            )
        return Scope(op, str(reach.root), identity, reach.destinations)

    def _reach(self, op: str, folder: Path) -> Reach:
        try:
            return self._workshop.reach(op, folder)
        except AexpError:
            raise
        except Exception as exc:
            # A defect of ours, met by what one working copy holds, must not end the daemon for all.
            self._audit.defect("-", exc)
            raise RelayRejectedError(
                f"Looking at {folder} met a defect of the relay ({type(exc).__name__}).",
                "Please report what daemon.log says.",
            ) from exc

    def _fitting(self, scope: Scope) -> tuple[str, ...]:
        """The waiting requests that a grant would let go, a line each."""
        fits = [one.petition for one in self._waiting() if _fits(one, scope)]
        told = [_named(petition) for petition in fits[:MOST_WAITING]]
        more = len(fits) - len(told)
        return (*told, *([f"and {more} more that wait"] if more else []))

    def _line(self, grant: Grant) -> GrantLine:
        told = self._admission.told(grant.scope.destinations)
        return GrantLine.of(grant, told, self._book.left_s(grant), self._clock.wall())


def _fits(parked: Parked, scope: Scope) -> bool:
    petition = parked.petition
    asked = Scope(petition.op, petition.root, scope.identity, parked.destinations)
    return scope.covers(asked)


def _named(petition: Petition) -> str:
    sends = petition.inventory[0] if petition.inventory else " ".join(petition.args)
    told = ", ".join(part for part in (petition.request_id[:8], sends) if part)
    return f"{visible(told, limit=160, ascii_only=True)}, digest {petition.digest[:8]}"
