"""What a person types next, spelt out for the queue that they use."""

import os
from typing import TYPE_CHECKING

from aexp.airgapped.defaults import queue_flag, queue_folder
from aexp.domain.consent import Mode

if TYPE_CHECKING:
    from aexp.ports.post import Posted
    from aexp.ports.storage import QueueStorage


def serve_hint(url: str) -> str:
    """How to get a daemon."""
    return f"Start one on the login node: aexp relay up{flag_there(url)}"


def client_hint(url: str) -> str:
    """The same for a client, whose queue may be one that no other process sees."""
    from aexp.domain.far import is_private

    if is_private(url):
        return "Only this process sees that queue: start a RelayDaemon in it, or name a folder."
    return serve_hint(url)


def restart_command(posted: "Posted", url: str) -> str:
    """What a person types on this node to have a new daemon in its place."""
    if posted.unit is not None:
        return f"systemctl --user restart {posted.unit}"
    return f"aexp relay restart{queue_flag(url)}"


def resume_hint(posted: "Posted", url: str) -> str:
    """What a person types on this node about a daemon that is suspended."""
    again = restart_command(posted, url)
    return f"Let it go on (`kill -CONT {posted.process.pid}`), or have a new one: `{again}`."


def approve_hint(request_id: str, url: str) -> str:
    """What a person types on the login node to approve a request."""
    return f"aexp relay approve {request_id[:8]}{flag_there(url)}"


def approve_where(mode: Mode | None, url: str) -> str:
    """Where that is typed, or by whom, to stand before or after the command.

    Args:
        mode: what counts as an approval of the request, None where that is not known.
    """
    if mode is not Mode.ACL:
        return "on the login node"
    user = " (AEXP_RELAY_REDIS_USER=approver)" if url.startswith("redis") else ""
    return f"as an approver of the queue{user}"


def approve_place(storage: "QueueStorage", request_id: str) -> str:
    """The same for a request that waits, by what its note says.

    Raises:
        RelayStorageError: the note cannot be read now.
    """
    from aexp.airgapped.waiting_notes import mode_of

    return approve_where(mode_of(storage, request_id), storage.url)


def show_hint(request_id: str, url: str) -> str:
    """What a person types to see a request."""
    return _typed("show", request_id, url)


def log_hint(request_id: str, url: str) -> str:
    """What a person types to see all that a request's operation said."""
    return _typed("log", request_id, url)


def wait_hint(request_id: str, url: str) -> str:
    """What a person types to wait for a request that goes on."""
    return _typed("wait", request_id, url)


def cancel_hint(request_id: str, url: str) -> str:
    """What a person types to take a request back."""
    return _typed("cancel", request_id, url)


def flag_there(url: str) -> str:
    """What names the queue to a command on the login node."""
    if "://" not in url:
        return queue_flag(url)
    import shlex

    from aexp.domain.far import is_far, queue_there

    if not is_far(url):
        return queue_flag(url)
    named = queue_there(url)
    return f" --queue {shlex.quote(named)}" if named else ""


def flag_here(url: str) -> str:
    """What names the queue to a command that is typed next in this shell.

    Nothing where the environment or the user's file leads there already. What is for another machine or
    another person's shell takes :func:`~aexp.airgapped.defaults.queue_flag`.
    """
    flag = queue_flag(url)
    return "" if flag and _is_reached(url) else flag


def _is_reached(url: str) -> bool:
    """Whether every command that names no queue reaches this one from here."""
    from aexp.domain.errors import SettingsError
    from aexp.settings import configured, policy_file, settings_of, stacked

    try:
        # A client heeds the file of the repository that it stands in, and the login node's commands do not.
        on_login = settings_of(stacked(layers=policy_file(os.environ))).queue
        return all(_leads(queue) == url for queue in (on_login, configured().queue))
    except SettingsError:
        return False


def _leads(queue: str) -> str:
    """The URL of the queue that a setting names; empty where that depends on the folder one is in.

    Raises:
        SettingsError: it names none.
    """
    scheme, between, rest = queue.partition("://")
    if between and scheme.lower() != "file":
        return queue
    if between:
        return queue_folder(rest, from_url=True)
    return queue_folder(queue) if queue.startswith(("/", "~")) else ""


def _typed(verb: str, request_id: str, url: str) -> str:
    return f"aexp relay {verb} {request_id[:8]}{flag_here(url)}"
