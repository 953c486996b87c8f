"""One decision after the other: look, ask, and do exactly what was asked about."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from textual.app import App

from aexp.airgapped.console.watching import Console
from aexp.cli.console import dialogs
from aexp.cli.console.words import ID_CHARS
from aexp.domain.consent import Mode
from aexp.domain.decisions import Waiting
from aexp.domain.grants import moment, span

T = TypeVar("T")


class Apart(Protocol):
    """Calls something in its own way, never two at once."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


class Decisions:
    """What a person decides on the screen; each tells what came of it.

    Args:
        apart: calls where waiting holds up no screen.
        on_the_terminal: calls while the terminal is as it was before the console.

    Raises:
        AexpError: nothing came of it; the error says why.
    """

    def __init__(
        self, app: App[None], console: Console, apart: Apart, on_the_terminal: Apart
    ) -> None:
        self._app = app
        self._console = console
        self._apart = apart
        self._on_the_terminal = on_the_terminal

    async def approve(self, one: Waiting) -> str:
        """Let exactly what is shown run."""
        shown = await self._apart(lambda: self._console.show(one.request_id))
        if await self._app.push_screen_wait(dialogs.approval(shown)) is None:
            return "Nothing was approved."
        if shown.mode is Mode.SIGNED:
            # It may ask for a passphrase.
            await self._on_the_terminal(lambda: self._console.approve(shown))
            return f"Signed for {_named(one)}; the daemon decides whether that key may approve."
        await self._apart(lambda: self._console.approve(shown))
        return f"Approved {_named(one)}."

    async def reject(self, one: Waiting) -> str:
        """Refuse it, with or without a reason."""
        reason = await self._app.push_screen_wait(dialogs.rejection(one))
        if reason is None:
            return "Nothing was rejected."
        await self._apart(lambda: self._console.reject(one.request_id, reason))
        return f"Rejected {_named(one)}."

    async def grant(self, one: Waiting) -> str:
        """Let its operation run in its folder for a while, exactly as is shown."""
        shown = await self._apart(lambda: self._console.show(one.request_id))
        typed = await self._app.push_screen_wait(dialogs.duration(shown))
        if typed is None:
            return "Nothing was granted."
        offer = await self._apart(lambda: self._console.offer(shown, span(typed.strip())))
        if await self._app.push_screen_wait(dialogs.grant(offer)) is None:
            return "Nothing was granted."
        given = await self._apart(lambda: self._console.grant(offer))
        return f"Granted {given.short}: {given.op} in {given.root} until {moment(given.until)}."


def _named(one: Waiting) -> str:
    return f"{one.request_id[:ID_CHARS]}: {one.op} in {one.cwd}"
