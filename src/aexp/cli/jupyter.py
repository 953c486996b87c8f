"""``%load_ext aexp``: the line magic ``%relay`` in IPython and Jupyter.

::

    %relay pull
    result = %relay push -b topic
    %relay status

Verbs and options are those of ``aexp relay`` in their plainest spelling. The result of an operation is a
:class:`~aexp.domain.requests.RelayResult`, shown by the notebook like any value; nothing is printed.
"""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aexp.cli.clients import client_of, daemon_of
from aexp.cli.quick import VERBS, operation, read
from aexp.domain.errors import SettingsError

if TYPE_CHECKING:
    from aexp.airgapped.handle import RelayHandle
    from aexp.airgapped.inspection import DaemonView
    from aexp.domain.requests import RelayResult

OFFERED = tuple(verb for verb in VERBS if verb != "serve")
_OPTIONS = ("--queue", "--cwd", "--timeout", "--no-wait", "--branch", "--remote")


def load(ipython: Any) -> None:
    """Register the magic and its completion."""
    ipython.register_magic_function(relay, "line", "relay")
    ipython.set_hook("complete_command", complete, str_key="%relay")


def relay(line: str) -> "RelayResult | RelayHandle | DaemonView":
    """Run one verb of ``aexp relay``, for example ``%relay push -b topic``.

    Returns:
        The operation's result; with ``--no-wait`` the handle; for ``status`` how the daemon stands.

    Raises:
        SettingsError: it is no verb, or an option is not spelt plainly.
        RelayError: as :meth:`~aexp.airgapped.client.RelayClient.request` does.
    """
    words = shlex.split(line)
    options = read(words) if words[:1] != ["serve"] else None
    if options is None:
        raise SettingsError(
            f"%relay does not know this: {line.strip() or 'nothing'}",
            f"Verbs: {', '.join(OFFERED)}. Options: {', '.join(_OPTIONS)}, each followed by its value.",
        )
    return daemon_of(options["queue"]) if words[0] == "status" else _run(words[0], options)


def complete(_: Any, event: Any) -> Sequence[str]:
    """What may follow on a line that begins with ``%relay``."""
    before = event.line.split()
    # The word that is being written is completed, so it does not count as written.
    written = before[1:-1] if event.symbol else before[1:]
    return _OPTIONS if written else OFFERED


def _run(verb: str, options: dict[str, Any]) -> "RelayResult | RelayHandle":
    op, args = operation(verb, options)
    client = client_of(options["queue"], cwd=options["cwd"], timeout=options["timeout"])
    handle = client.submit(op, args)
    return handle if options["no_wait"] else handle.result()
