"""How the last daemon on this node was set up: remembered, and told to whoever starts the next one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aexp.cli.terminal import echo
from aexp.domain.errors import RelayStorageError
from aexp.domain.serving import Setup, settings_in
from aexp.domain.text import visible

if TYPE_CHECKING:
    from aexp.container import Container
    from aexp.ports.post import Posted


def remember(built: "Container", setup: Setup) -> None:
    """Remember it for the next daemon; what was done before stands also where that fails."""
    try:
        built.last_setup().remember(setup.fitting(built.storage().url))
    except RelayStorageError as exc:
        echo(f"  note: its settings could not be remembered: {exc}", err=True)


def last(built: "Container") -> Setup:
    """How the last one was set up, as far as that is known."""
    try:
        found = built.last_setup().get() or Setup()
        return found.fitting(built.storage().url)
    except RelayStorageError as exc:
        echo(f"  note: how the last daemon here was set up is not known: {exc}", err=True)
        return Setup()


def tell_lacking(before: Setup, now: Setup, flag: str) -> None:
    """Say what the last daemon had that the new one has not."""
    lacking = before.without(now)
    if lacking.told:
        told = _shown(lacking.told)
        echo(f"  note: the last daemon here had {told}; this one has not", err=True)
        echo(f"  next: to have it again: {_shown(lacking.command('restart', flag))}", err=True)


def tell_unheeded(posted: "Posted | None", environ: Mapping[str, str], url: str, flag: str) -> None:
    """Say what this shell sets otherwise than the daemon has it that serves already.

    Args:
        posted: that daemon; nothing is said where its environment cannot be read.
        environ: the shell's environment.
        url: the queue's.
    """
    if posted is None or not posted.environ:
        return
    has = settings_in(posted.environ)
    other = {name: said for name, said in settings_in(environ).items() if has.get(name) != said}
    unheeded = Setup(other).fitting(url)
    if unheeded.settings:
        names = visible(", ".join(sorted(unheeded.settings)), limit=500)
        echo(f"  note: it was started before, and does not heed {names} of this shell", err=True)
        echo(f"  next: to have that: {_shown(unheeded.command('restart', flag))}", err=True)


def tell_kept(before: Setup, now: Setup) -> None:
    """Say what is taken over from the last daemon."""
    kept = before.without(now)
    if kept.told:
        echo(f"  note: as the last daemon here had it: {_shown(kept.told)}", err=True)


def again(setup: Setup, flag: str) -> str:
    """What a person types to have a daemon again that was set up like this."""
    return _shown(setup.command("up", flag))


def _shown(text: str) -> str:
    return visible(text, limit=4000)
