"""``%load_ext aexp``: the line magic ``%relay`` in IPython and Jupyter.

::

    %relay pull
    result = %relay push -b topic
    %relay status

Verbs and options are those of ``aexp relay``. What an operation, ``wait`` or ``status`` comes to is a value
that the notebook shows; what the others tell is printed, as on the command line.
"""

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aexp.cli.clients import client_of, daemon_of
from aexp.cli.jupyter_words import HELP, PRINTED, complete, refusal
from aexp.cli.quick import IN_TERMINALS, operation, read
from aexp.cli.terminal import echo
from aexp.domain.errors import SettingsError

if TYPE_CHECKING:
    from aexp.airgapped.client import RelayClient
    from aexp.airgapped.handle import RelayHandle
    from aexp.airgapped.inspection import DaemonView
    from aexp.domain.requests import RelayResult


def load(ipython: Any) -> None:
    """Register the magic and its completion."""
    ipython.register_magic_function(relay, "line", "relay")
    ipython.set_hook("complete_command", complete, str_key="%relay")


def relay(line: str) -> "RelayResult | RelayHandle | DaemonView | None":
    """Run one verb of ``aexp relay``, for example ``%relay push -b topic``.

    ::

        %relay pull, push, fetch, git-status, rebase, wandb-sync
        %relay status                       the daemon
        %relay ls                           the requests
        %relay show ID, log ID, wait ID, cancel ID

    Options: ``--queue PATH``; of operations also ``--cwd DIR``, ``--timeout SECONDS`` and ``--no-wait``;
    of push also ``--branch NAME`` and ``--remote NAME``. ``%relay ls --help`` tells those of ls, and so on.

    Returns:
        The operation's result, also for ``wait``; with ``--no-wait`` the handle; for ``status`` how the
        daemon stands. None after Ctrl-C, which ends the waiting alone, and for what is printed.

    Raises:
        SettingsError: it is no verb, or an option is not spelt plainly.
        RelayError: as :meth:`~aexp.airgapped.client.RelayClient.request` does.
    """
    words = _words(line)
    if not words or words[0] == "help" or not {"-h", "--help"}.isdisjoint(words):
        echo(_help_of(words[0]) if words and words[0] in PRINTED else HELP)
        return None
    if words[0] in PRINTED:
        return _click(words)
    options = read(words) if words[0] not in IN_TERMINALS else None
    if options is None:
        raise refusal(words)
    return daemon_of(options["queue"]) if words[0] == "status" else _run(words[0], options)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as exc:
        raise SettingsError(f"%relay cannot read this: {exc}.", "Close the quotes.") from exc


def _run(verb: str, options: dict[str, Any]) -> "RelayResult | RelayHandle | None":
    op, args = operation(verb, options)
    client = client_of(options["queue"], cwd=options["cwd"], timeout=options["timeout"])
    handle = client.submit(op, args)
    return handle if options["no_wait"] else _result(client, handle)


def _result(client: "RelayClient", handle: "RelayHandle") -> "RelayResult | None":
    """The result; None when the waiting was interrupted, which needs no traceback."""
    try:
        return handle.result()
    except KeyboardInterrupt:
        from aexp.airgapped.hints import flag_here

        short, flag = handle.id[:8], flag_here(client.queue.storage.url)
        echo(
            f"Only the waiting ended, request {short} goes on: "
            f"%relay wait {short}{flag}, or %relay cancel {short}{flag}."
        )
        return None


def _click(words: list[str]) -> "RelayResult | None":
    """What the command line does for one of :data:`PRINTED`; ``wait`` gives its value instead."""
    import click

    command = _command(words[0])
    try:
        context = command.make_context(f"%relay {words[0]}", words[1:])
        if words[0] != "wait":
            # The command line ends with a status, and there is nothing here that would read it.
            with suppress(SystemExit), context:
                command.invoke(context)
            return None
    except click.UsageError as exc:
        raise refusal(words, exc.format_message()) from exc
    client = client_of(context.params["queue"], timeout=context.params["timeout"])
    return _result(client, client.handle(client.queue.find(context.params["request_id"])))


def _help_of(verb: str) -> str:
    """The help of the command line without its colours: rich would show it twice in a notebook."""
    import inspect

    import click

    command = _command(verb)
    context = click.Context(command)
    records = [param.get_help_record(context) for param in command.params]
    written = click.HelpFormatter(max_width=100)
    written.write_usage(f"%relay {verb}", " ".join(command.collect_usage_pieces(context)))
    written.write_paragraph()
    written.write_text(inspect.cleandoc(command.help))
    written.write_paragraph()
    written.write_dl([record for record in records if record])
    return str(written.getvalue()).rstrip()


def _command(verb: str) -> Any:
    import rich_click as click

    from aexp.cli.relay import relay as group

    return group.get_command(click.Context(group), verb)
