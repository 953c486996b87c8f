"""``aexp relay log``: an operation's output, as far as it has come or as it comes."""

import math
import sys
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli import completing
from aexp.cli.parameters import ANY_ID
from aexp.cli.telling import Teller, Voice
from aexp.cli.terminal import echo, print_json
from aexp.cli.wiring import queue_option, voice_of, voice_options
from aexp.domain.consent import FINAL
from aexp.domain.errors import RelayError

if TYPE_CHECKING:
    from aexp.airgapped.client import RelayClient
    from aexp.airgapped.handle import RelayHandle


@click.command()
@click.argument("request_id", metavar="ID", type=ANY_ID, shell_complete=completing.ids)
@queue_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with -f one a line.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on until the operation is over.")
@voice_options
def log(
    request_id: str, queue: str | None, as_json: bool, follows: bool, quiet: bool, verbose: bool
) -> None:
    """Print the output of a request so far, or with -f as it comes. The first digits of its ID will do.

    With -f it ends with the operation's own status. Ctrl-C ends the following alone.
    """
    from aexp.cli.clients import client_of

    voice = voice_of(quiet=quiet, verbose=verbose)
    client = client_of(queue)
    full_id = client.queue.find(request_id)
    if follows:
        _follow(client, full_id, as_json=as_json, voice=voice)
    else:
        _print_so_far(client, full_id, as_json=as_json)


def _print_so_far(client: "RelayClient", full_id: str, *, as_json: bool) -> None:
    from aexp.airgapped.defaults import system_clock
    from aexp.airgapped.following import Following
    from aexp.cli.render import show_lines

    answer = client.queue.answer(full_id)
    state = client.queue.state(full_id) if answer is None else answer.final_state
    lines = Following(client.queue.storage, full_id, system_clock()).so_far(answer)
    if as_json:
        returncode = None if answer is None else answer.returncode
        told = {"request_id": full_id, "state": state, "returncode": returncode}
        print_json({**told, "text": "".join(lines)})
        return
    if not show_lines(lines):
        when = "" if state in FINAL else " yet"
        echo(f"There is no output{when}: {full_id[:8]} is {state}.", err=True)
        echo(f"  next: {_next(client, full_id, ended=state in FINAL)}", err=True)


def _next(client: "RelayClient", full_id: str, *, ended: bool) -> str:
    from aexp.airgapped.hints import flag_here

    verb = "show" if ended else "log -f"
    return f"aexp relay {verb} {full_id[:8]}{flag_here(client.queue.storage.url)}"


def _follow(client: "RelayClient", full_id: str, *, as_json: bool, voice: Voice) -> None:
    from aexp.airgapped.inspection import request_view
    from aexp.cli.exits import INTERRUPTED
    from aexp.cli.render import show_lines
    from aexp.cli.running import older_s

    handle = client.handle(full_id)
    older = older_s(request_view(client.queue, full_id))
    teller = Teller(client.queue, full_id, full_id[:8], voice, older)
    try:
        with teller:
            lines = handle.follow(
                math.inf, on_state=teller.tell, on_said=teller.note, on_progress=teller.progress
            )
            if as_json:
                for line in teller.above(lines):
                    print_json({"text": line})
            else:
                show_lines(teller.above(lines))
    except KeyboardInterrupt:
        _tell_interrupted(client, full_id)
        sys.exit(INTERRUPTED)
    except RelayError:
        # That there is no result is said below, with the state.
        if not handle.done():
            raise
    _end(handle, client.queue.storage.url, as_json=as_json, voice=voice)


def _end(handle: "RelayHandle", url: str, *, as_json: bool, voice: Voice) -> None:
    """Say how it ended, and end with the operation's own status."""
    from aexp.cli.exits import of_operation
    from aexp.cli.render import show_end

    error = handle.exception()
    result = None if error is not None else handle.result()
    if as_json:
        returncode = None if result is None else result.returncode
        print_json({"request_id": handle.id, "state": handle.state, "returncode": returncode})
    if error is not None:
        raise error
    if result is not None:
        if not as_json:
            show_end(result, voice, url)
        sys.exit(of_operation(result.returncode))


def _tell_interrupted(client: "RelayClient", full_id: str) -> None:
    from aexp.airgapped.hints import flag_here

    flag = flag_here(client.queue.storage.url)
    echo(f"\nOnly the following ended; {full_id} goes on.", err=True)
    again, stop = f"aexp relay log -f {full_id[:8]}", f"aexp relay cancel {full_id[:8]}"
    echo(f"  next: {again}{flag}, or {stop}{flag}", err=True)
