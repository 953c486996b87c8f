"""What a valid request would do here, whether it may, and whether a person must be asked first."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aexp.airgapped.audit import Audit
from aexp.domain import layout, wire
from aexp.domain.destinations import Destination, Judgement, judge
from aexp.domain.errors import RelayValidationError
from aexp.domain.operations import ALLOWED
from aexp.domain.petition import Petition
from aexp.domain.preview import link_told
from aexp.domain.redaction import Redactor
from aexp.domain.remote_urls import redacted_url
from aexp.domain.requests import Request
from aexp.domain.validation import ValidRequest
from aexp.ports.pins import Pins
from aexp.ports.storage import QueueStorage
from aexp.ports.workshop import Order, Survey, Workshop

MOST_SHOWN = 1000
_BETWEEN = re.compile(r"((?:^|: | with LFS at | before: ))([^ ]+)")


@dataclass(frozen=True)
class Admitted:
    """A request that may run, once the person (if one must be asked) has agreed.

    Attributes:
        petition: what the person is asked, None when nobody must be.
    """

    survey: Survey
    petition: Petition | None


class Admission:
    """Surveys requests, and compares where they lead with where they led before.

    Args:
        strict: whether also the first use of a working copy needs a person.
    """

    def __init__(
        self, workshop: Workshop, pins: Pins, audit: Audit, *, strict: bool = False
    ) -> None:
        self._workshop = workshop
        self._pins = pins
        self._audit = audit
        self._strict = strict
        self._stale = True
        self._sharing = False
        self._surveys: dict[tuple[str, tuple[str, ...], Path], Survey] = {}

    @contextmanager
    def together(self) -> Iterator[None]:
        """While it lasts a working copy is read once for all requests that ask it the same question.

        For requests that had all been left before the block began.
        """
        self._sharing = True
        try:
            yield
        finally:
            self._sharing = False
            self._surveys.clear()

    def look(self, request_id: str, valid: ValidRequest, request: Request) -> Admitted:
        """What the request would do; nothing is remembered yet.

        Raises:
            RelayValidationError: it cannot be done here; says what to do.
            RelayStorageError: what is remembered cannot be read; try again later.
        """
        survey = self._survey(request_id, valid)
        judgement = self._judge(valid.op, survey)
        if survey.done is not None or not (ALLOWED[valid.op].needs_consent or judgement.questions):
            return Admitted(survey, None)
        order = Order(request_id, valid.op, tuple(valid.args), valid.cwd)
        survey = self._workshop.preview(order, survey, moved=judgement.moved)
        petition = _petition(request_id, valid, request, survey, judgement)
        petition = self._without_secrets(petition)
        if petition.is_too_long:
            raise RelayValidationError(
                "args",
                "stand for more than a person can be shown at once",
                do="Name fewer runs: aexp relay wandb-sync RUN...",
            )
        return Admitted(survey, petition)

    def _survey(self, request_id: str, valid: ValidRequest) -> Survey:
        question = (valid.op, tuple(valid.args), valid.cwd)
        known = self._surveys.get(question)
        if known is not None:
            return known
        survey = self._workshop.survey(Order(request_id, *question))
        if self._sharing and ALLOWED[valid.op].shares:
            self._surveys[question] = survey
        return survey

    def _without_secrets(self, petition: Petition) -> Petition:
        """The petition as it may be shown, bound to what it was before.

        Each part of a line is looked at by itself: what follows a secret must not go with it.
        """
        told = self._audit.redactor.text
        whole = [*petition.destinations, "", *petition.inventory, "", repr(petition.preview)]
        return replace(
            petition,
            destinations=tuple(map(self._redacted, petition.destinations)),
            inventory=tuple(link_told(line, told) for line in petition.inventory),
            preview=petition.preview and petition.preview.told(told),
            bound=hashlib.sha256("\0".join(whole).encode("utf-8", "surrogatepass")).hexdigest(),
        )

    def _redacted(self, line: str) -> str:
        return _redacted(line, self._audit.redactor)

    def told(self, destinations: Iterable[Destination]) -> tuple[str, ...]:
        """Destinations as they may be shown, a line each."""
        return told_places(destinations, self._audit.redactor)

    def remember(self, request_id: str, op: str, survey: Survey, *, shown: bool) -> None:
        """The request will run: where it leads is known from now on.

        Args:
            shown: whether a person has agreed to it: then only what they saw is remembered.

        Raises:
            RelayStorageError: it cannot be remembered; then the request must not run.
        """
        if ALLOWED[op].needs_consent or not survey.destinations:
            return
        known = {pin.key: pin for pin in self._pins.known(survey.root)}
        wanted = {one.key: one for one in (() if known or shown else survey.configured)}
        # The first use remembers every remote that is there: one that appears later is news.
        wanted.update({one.key: one for one in survey.destinations})
        new = [one for one in wanted.values() if known.get(one.key) != one]
        if new:
            self._pins.remember(survey.root, new)
            self._audit.note(
                "pinned",
                request_id,
                cwd=survey.root,
                destinations="; ".join(_told(one, None) for one in new),
            )
            self._stale = True

    def publish(self, storage: QueueStorage) -> None:
        """Show people where working copies may connect, in the queue; only when that is news.

        Raises:
            RelayStorageError: it could not be written or read; the next call tries again.
        """
        if not self._stale:
            return
        lines = [
            f"{root}: {line}"
            for root, found in sorted(self._pins.all().items())
            for line in _grouped(found)
        ]
        storage.put(layout.DESTINATIONS, wire.encode({"destinations": lines[:MOST_SHOWN]}))
        self._stale = False

    def _judge(self, op: str, survey: Survey) -> Judgement:
        if ALLOWED[op].needs_consent or not survey.destinations:
            return Judgement()
        return judge(survey.destinations, self._pins.known(survey.root), strict=self._strict)


def told_places(destinations: Iterable[Destination], redactor: Redactor) -> tuple[str, ...]:
    """Destinations as they may be shown, a line each."""
    return tuple(_redacted(_told(one, None), redactor) for one in destinations)


def _redacted(line: str, redactor: Redactor) -> str:
    return _BETWEEN.sub(lambda found: found[1] + redactor.text(found[2]), line)


def _petition(
    request_id: str, valid: ValidRequest, request: Request, survey: Survey, judgement: Judgement
) -> Petition:
    before = {one.key: old for one, old in judgement.questions}
    new = set(before)
    return Petition(
        request_id=request_id,
        op=valid.op,
        args=survey.args,
        cwd=str(valid.cwd),
        root=str(survey.root),
        reason=_reason(judgement),
        destinations=tuple(
            _told(one, before.get(one.key), new=one.key in new) for one in survey.destinations
        ),
        inventory=survey.inventory,
        preview=survey.preview,
        client=request.client or "",
    )


def _reason(judgement: Judgement) -> str:
    if not judgement.questions:
        return "it sends data out of the cluster"
    changed = [one.remote for one, old in judgement.questions if old is not None]
    new = [one.remote for one, old in judgement.questions if old is None]
    parts = [
        f"{what} {', '.join(dict.fromkeys(names))}"
        for what, names in (("another URL than before:", changed), ("not used before:", new))
        if names
    ]
    return "; ".join(parts)


def _grouped(destinations: Iterable[Destination]) -> list[str]:
    """A line for each place, whatever is done there."""
    verbs: dict[Destination, list[str]] = {}
    for one in destinations:
        verbs.setdefault(replace(one, verb=""), []).append(one.verb)
    return [_told(replace(one, verb=" and ".join(found)), None) for one, found in verbs.items()]


def _told(one: Destination, old: Destination | None, *, new: bool = False) -> str:
    text = f"{one.remote} ({one.verb}): {redacted_url(one.url)}"
    if one.lfs_url:
        text += f" with LFS at {redacted_url(one.lfs_url)}"
    if old is not None:
        was = redacted_url(old.url) + (
            f" with LFS at {redacted_url(old.lfs_url)}" if old.lfs_url else ""
        )
        return f"{text} - CHANGED, before: {was}"
    return f"{text} - NEW" if new else text
