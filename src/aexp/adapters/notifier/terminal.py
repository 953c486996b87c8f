"""Telling on the daemon's own terminal: a line with what to type, the bell, a notification of the desktop.

The notification is OSC 9 (iTerm2, Windows Terminal, kitty) and OSC 777 (urxvt, foot, VTE, Ghostty, WezTerm);
a terminal passes over the one that it does not know. Inside tmux both travel in tmux's own envelope, which it
opens only with ``allow-passthrough on``; the bell gets through without.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from aexp.adapters.notifier.gathering import Gathering
from aexp.adapters.terminal_output import TerminalOutput
from aexp.domain.errors import RelayNoticeError
from aexp.domain.notices import Notice, headline
from aexp.domain.text import visible
from aexp.domain.ways import Ways
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier

BELL = "\a"
_WITHOUT = ("", "dumb", "linux")
"""Terminals that show nothing of the kind; the console of Linux would print it."""
_BY_777 = ("rxvt", "foot", "ghostty", "wezterm", "konsole", "contour")
"""Terminals that know OSC 777, with its title; several of them know both, and would tell twice."""


class TerminalNotifier(Notifier):
    """Writes to the terminal, and drops what it does not take.

    Args:
        output: the terminal.
        environ: the daemon's environment: what the terminal is, and whether tmux stands between.
        ways: which of ``line``, ``bell`` and ``osc`` are on.
    """

    def __init__(
        self, output: TerminalOutput, environ: Mapping[str, str], ways: Ways, clock: Clock
    ) -> None:
        self._output = output
        self._line = "line" in ways
        self._bell = BELL if "bell" in ways else ""
        self._sequences = sequences_for(environ) if "osc" in ways else _silent
        self._label = "consent:" if environ.get("NO_COLOR") else "\033[33mconsent:\033[0m"
        self._gathering = Gathering(clock)

    def consent_needed(self, notice: Notice) -> None:
        self._gathering.add(notice)
        if self._line:
            self._write(f"{self._label} {_asked(notice)}\n  next: {_choice(notice)}\n")

    def turn(self, waiting: Collection[str]) -> None:
        self._output.flush()
        fresh = self._gathering.due(waiting)
        if fresh:
            self._write(self._sequences(headline(fresh, len(waiting))) + self._bell)

    def descriptors(self) -> Sequence[int]:
        return ()

    def close(self) -> None:
        """Nothing says that something waits but what was written."""

    def _write(self, text: str) -> None:
        if text and not self._output.write(text.encode(errors="backslashreplace")):
            raise RelayNoticeError(
                "The daemon's terminal takes nothing: it is stopped, gone, or another user's.",
                "Press Ctrl-Q there; `aexp relay pending` lists what waits.",
            )


def sequences_for(environ: Mapping[str, str]) -> Callable[[str], str]:
    """What makes this terminal show a notification, for a text that :func:`~…notices.plain` gave."""
    term = environ.get("TERM", "")
    if term in _WITHOUT:
        return _silent
    in_tmux = bool(environ.get("TMUX")) or term.startswith("tmux")
    by_777 = any(name in term for name in _BY_777)

    def sequences(text: str) -> str:
        titled = f"\033]777;notify;aexp;{text.removeprefix('aexp: ')}\a"
        told = [titled] if by_777 else [f"\033]9;{text}\a", titled]
        return "".join(_in_envelope(one) if in_tmux else one for one in told)

    return sequences


def _in_envelope(sequence: str) -> str:
    doubled = sequence.replace("\033", "\033\033")
    return f"\033Ptmux;{doubled}\033\\"


def _silent(_: str) -> str:
    return ""


def _asked(notice: Notice) -> str:
    operation = visible(notice.operation, limit=200, ascii_only=True)
    return f"{operation} in {visible(notice.cwd, limit=400, ascii_only=True)} waits for you"


def _choice(notice: Notice) -> str:
    return f"{notice.command('approve')}, or {notice.command('reject')}"
