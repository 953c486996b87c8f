"""What is said over the socket about grants: a question of a person's shell to what the daemon answers.

``grant-show`` names an operation, a folder and a span; the answer is ``offer``. ``grant`` names that offer's
digest; the answer is ``grant``. ``grants`` is answered with a list of these, ``revoke`` with one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aexp.domain.decisions import NOT_FOUND, REFUSED, Question, failure
from aexp.domain.errors import AexpError, RelayNotFoundError, SettingsError
from aexp.domain.text import visible
from aexp.ports.consent import Granting


def answer(granting: Granting, question: Question, by: str) -> dict[str, Any]:
    """Act on a question about grants.

    Args:
        by: who asks, in words for the audit trail.
    """
    try:
        return {"ok": True, **_ACTS[question.verb](granting, question, by)}
    except AexpError as exc:
        code = NOT_FOUND if isinstance(exc, RelayNotFoundError) else REFUSED
        told = [visible(text, limit=600, ascii_only=True) for text in (exc.what, exc.hint)]
        return failure(code, *told)


def _offer(granting: Granting, question: Question, _: str) -> dict[str, Any]:
    try:
        seconds = float(question.seconds)
    except ValueError as exc:
        raise SettingsError("The span of the grant is no number of seconds.") from exc
    return {"offer": granting.offer(question.op, question.cwd, seconds).to_dict()}


def _give(granting: Granting, question: Question, by: str) -> dict[str, Any]:
    given = granting.give(question.digest, keep=question.keep == "yes", by=by)
    return {"grant": given.to_dict()}


def _list(granting: Granting, _question: Question, _: str) -> dict[str, Any]:
    return {"grants": [one.to_dict() for one in granting.live()]}


def _revoke(granting: Granting, question: Question, by: str) -> dict[str, Any]:
    return {"grant": granting.revoke(question.request_id, by).to_dict()}


_ACTS: Mapping[str, Callable[[Granting, Question, str], dict[str, Any]]] = {
    "grant-show": _offer,
    "grant": _give,
    "grants": _list,
    "revoke": _revoke,
}
VERBS = frozenset(_ACTS)
"""The verbs of questions that are answered here."""
