"""``aexp relay approve -i``: what waits, one after the other, at a plain prompt."""

import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.consent import show_lines, show_shown, tell_approved, typed_digits
from aexp.cli.terminal import is_terminal, show_error
from aexp.domain.errors import RelayNotFoundError, RelayRejectedError, SettingsError

if TYPE_CHECKING:
    from aexp.airgapped.approver import Approver, Shown
    from aexp.airgapped.granter import Granter

ASKED = "a approves, r rejects, g grants for a while, s skips, q quits"
_WORDS = {"a": "approve", "r": "reject", "g": "grant", "s": "skip", "q": "quit"}


class Walk:
    """One pass over what waits, the oldest first; what comes meanwhile is asked as well.

    Ctrl-C and the end of input leave everything undecided that was not decided before.
    """

    def __init__(self, approver: "Approver", granter: "Granter") -> None:
        self._approver = approver
        self._granter = granter
        self._behind: set[str] = set()

    def go(self, only: str | None = None) -> None:
        """Ask about each that waits, or about the one whose id begins with ``only``.

        Raises:
            SettingsError: there is no terminal to ask on.
            RelayDownError: approvals cannot be given here.
            RelayNotFoundError: nothing that begins with ``only`` waits.
        """
        if not is_terminal(sys.stdin):
            raise SettingsError(
                "approve -i asks a person, and standard input is no terminal.",
                "In a script name what you mean: aexp relay approve ID",
            )
        if only is not None:
            self._ask(self._approver.look(only))
            return
        while (request_id := self._next()) is not None:
            self._behind.add(request_id)
            try:
                shown = self._approver.look(request_id)
            except RelayNotFoundError:
                # It was withdrawn, or somebody else decided.
                continue
            if not self._ask(shown):
                return
        click.echo(
            "Nothing else waits." if self._behind else "Nothing waits for consent.", err=True
        )

    def _next(self) -> str | None:
        waiting = [one.request_id for one in self._approver.waiting()]
        return next((known for known in waiting if known not in self._behind), None)

    def _ask(self, shown: "Shown") -> bool:
        """Show it whole and do what the person says; False when they have had enough."""
        click.echo("", err=True)
        show_shown(shown)
        while True:
            word = _WORDS.get(_typed(f"{ASKED} [s]")[:1].lower() or "s")
            if word in ("quit", "skip"):
                return word == "skip"
            how = {"approve": self._approve, "reject": self._reject, "grant": self._grant}.get(
                word or ""
            )
            try:
                if how is not None and how(shown):
                    return True
            except SettingsError as exc:
                show_error(exc)
            except (RelayRejectedError, RelayNotFoundError) as exc:
                # It changed or went away under the person's eyes: what waits now is asked anew.
                show_error(exc)
                self._behind.discard(shown.petition.request_id)
                return True

    def _approve(self, shown: "Shown") -> bool:
        if not typed_digits(shown.petition.digest, "approve"):
            click.echo("That is not how the digest begins; nothing was approved.", err=True)
            return False
        self._approver.approve_unchanged(shown)
        tell_approved(shown)
        return True

    def _reject(self, shown: "Shown") -> bool:
        reason = _typed("Reason, which the requester is told (may be empty)")
        one = self._approver.reject(shown.petition.request_id, reason)
        click.echo(f"rejected {one.request_id}: {one.op} in {one.cwd}")
        return True

    def _grant(self, shown: "Shown") -> bool:
        from aexp.cli.grants import tell_granted
        from aexp.domain.grants import span

        typed = _typed("For how long, such as 30m, 2h or 1d (empty: not at all)")
        if not typed:
            return False
        petition = shown.petition
        offer = self._granter.grant_preview(petition.op, petition.cwd, span(typed))
        show_lines(offer.lines())
        if not typed_digits(offer.digest, "grant"):
            click.echo("That is not how the digest begins; nothing was granted.", err=True)
            return False
        tell_granted(self._granter.grant(offer))
        return True


def _typed(question: str) -> str:
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer.strip()
