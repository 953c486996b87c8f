"""The words of ``%relay``: what it offers, its help, its completion, and what is said of other words."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aexp.cli.quick import IN_TERMINALS, SPELT, VERBS
from aexp.domain.errors import AexpError, SettingsError
from aexp.domain.text import visible

PRINTED = ("ls", "show", "log", "wait", "cancel")
"""The verbs that click reads, as on the command line; what they tell is printed."""
OFFERED = (*(verb for verb in VERBS if verb not in IN_TERMINALS), *PRINTED)
_UNUSED = ("as_json", "quiet", "verbose")
"""Options that a value in a notebook makes pointless; they are taken, and not offered."""

HELP = """\
%relay VERB [options] runs git and wandb on the login node.

  pull, push, fetch, git-status, rebase, wandb-sync   an operation; its result is the value
  status                                              how the daemon stands
  ls                                                  the requests; their ids
  show ID, log ID, cancel ID                          tell of one, or stop it
  wait ID                                             wait for one; its result is the value

  of operations: --cwd DIR, --timeout SECONDS, --no-wait; of push: --branch NAME, --remote NAME
  of all: --queue PATH

More of one: %relay ls --help. All the rest, in a terminal: aexp relay --help."""


def complete(_: Any, event: Any) -> Sequence[str]:
    """What may follow on a line that begins with ``%relay``."""
    before = event.line.split()
    # The word that is being written is completed, so it does not count as written.
    written = before[1:-1] if event.symbol else before[1:]
    if not written:
        return OFFERED
    if written[0] in PRINTED:
        return _of_click(written[0], event.symbol, has_id=len(written) > 1)
    return options_of(written[0])


def options_of(verb: str) -> list[str]:
    """The options of a verb that click is not asked for, as they are written out."""
    names = VERBS[verb][1] if verb in VERBS else ()
    wanted = [name for name in names if name not in _UNUSED]
    return [word for word, name in SPELT.items() if name in wanted and word.startswith("--")]


def refusal(words: Sequence[str], why: str = "") -> SettingsError:
    """The error for words that ``%relay`` cannot do anything with.

    Args:
        why: what click says of them, if it was asked.
    """
    verb = words[0]
    said = visible(" ".join(words), limit=200)
    if verb in PRINTED:
        what = f"%relay cannot do this: {said}. {visible(why, limit=400).rstrip('.')}."
        return SettingsError(what, f"See %relay {verb} --help.")
    if verb in OFFERED:
        known = ", ".join(options_of(verb))
        hint = f"Options of {verb}: {known}; a value stands behind a space."
        return SettingsError(f"%relay cannot do this: {said}.", _meant(words[1:], verb) + hint)
    if verb in _commands():
        hint = f"In a terminal: aexp relay {verb}. Here: {', '.join(OFFERED)}."
        return SettingsError(f"%relay does not offer {verb}.", hint)
    hint = f"Verbs: {', '.join(OFFERED)}."
    return SettingsError(
        f"%relay does not know the verb {visible(verb, limit=64)}.", _meant(words, "") + hint
    )


def _meant(words: Sequence[str], verb: str) -> str:
    """A guess, for the first word that is not known."""
    import difflib

    known = options_of(verb) if verb else OFFERED
    for word in words:
        if word not in known and (near := difflib.get_close_matches(word[:64], known, n=1)):
            return f"Did you mean {near[0]}? "
    return ""


def _commands() -> Sequence[str]:
    from aexp.cli.relay import COMMANDS

    return [*COMMANDS]


def _of_click(verb: str, symbol: str, *, has_id: bool) -> list[str]:
    """The options of such a verb, and the ids that its argument may be."""
    import rich_click as click

    from aexp.cli.relay import relay

    context = click.Context(relay)
    command = relay.get_command(context, verb)
    offered: list[str] = []
    for param in command.params if command else ():
        if isinstance(param, click.Option):
            offered += [word for word in param.opts if word.startswith("--")]
        elif not has_id:
            with suppress(AexpError):
                offered += [one.value for one in param.shell_complete(context, symbol)]
    return offered
