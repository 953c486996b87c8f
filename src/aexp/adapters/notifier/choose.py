"""Who tells people under one daemon, by its settings and by where it runs."""

from collections.abc import Callable, Mapping

from aexp.adapters.node_local import VARIABLE
from aexp.adapters.notifier.consent_log import ConsentLogNotifier
from aexp.adapters.notifier.together import NotifiersTogether
from aexp.adapters.terminal_output import TerminalOutput
from aexp.adapters.workshop.environment import base_environment
from aexp.adapters.workshop.programs import find_program, safe_path
from aexp.domain.serving import NAME, pending_option
from aexp.domain.ways import Ways
from aexp.ports.clock import Clock
from aexp.ports.notifier import Notifier
from aexp.ports.storage import QueueStorage

_FOR_HOOKS = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "TMUX", VARIABLE)
_NOT_FOR_HOOKS = ("SSH_AUTH_SOCK", "KRB5CCNAME")
"""Whoever can change the hook would otherwise speak for the owner elsewhere, too."""


def choose_notifiers(
    storage: QueueStorage,
    ways: Ways,
    hook: str,
    terminal: TerminalOutput | None,
    environ: Mapping[str, str],
    home: str,
    clock: Clock,
    warn: Callable[..., None],
    session: str = NAME,
) -> NotifiersTogether:
    """The notifiers that are on and have somebody to tell; nothing is started before there is.

    Args:
        hook: the owner's command, empty for none.
        terminal: the daemon's terminal; None when it has none.
        environ: the daemon's environment.
        home: the resolved home.
        warn: see :class:`~aexp.adapters.notifier.together.NotifiersTogether`.
        session: what the queue's terminal is called, as for every queue another one.

    Raises:
        SettingsError: the hook cannot be used.
    """
    members: dict[str, Notifier] = {}
    if "log" in ways:
        members["log"] = ConsentLogNotifier(storage, clock)
    if terminal is not None and ways.on & {"line", "bell", "osc"}:
        from aexp.adapters.notifier.terminal import TerminalNotifier

        members["terminal"] = TerminalNotifier(terminal, environ, ways, clock)
    path = safe_path(environ, home)
    base = base_environment({**environ, "HOME": home}, path)
    if "tmux" in ways.named or ("tmux" in ways and environ.get("TMUX")):
        members["tmux"] = _tmux(environ, base, home, clock, session)
    if "hook" in ways and hook:
        members["hook"] = _hook(hook, storage, environ, base, clock)
    return NotifiersTogether(members, clock, warn)


def _tmux(
    environ: Mapping[str, str], base: Mapping[str, str], home: str, clock: Clock, session: str
) -> Notifier:
    from aexp.adapters.notifier.tmux import TmuxNotifier

    socket = environ.get("TMUX", "").split(",")[0]
    server = ["-S", socket] if socket else []
    folder = {name: environ[name] for name in ("TMUX_TMPDIR",) if environ.get(name)}
    program, option = find_program("tmux", base["PATH"], home), pending_option(session)
    return TmuxNotifier(program, server, {**base, **folder}, clock, option)


def _hook(
    hook: str,
    storage: QueueStorage,
    environ: Mapping[str, str],
    base: Mapping[str, str],
    clock: Clock,
) -> Notifier:
    from aexp.adapters.notifier.hook import HookNotifier, hook_command

    kept = {name: value for name, value in base.items() if name not in _NOT_FOR_HOOKS}
    more = {name: environ[name] for name in _FOR_HOOKS if environ.get(name)}
    queue = {"AEXP_RELAY_QUEUE": storage.url}
    return HookNotifier(hook_command(hook, storage.folder), {**kept, **more, **queue}, clock)
