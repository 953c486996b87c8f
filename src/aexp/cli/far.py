"""What cannot be done here to a queue on another machine, or to one that no other process sees."""

from aexp.domain.errors import SettingsError
from aexp.domain.far import is_far, is_private


def refuse_far(url: str) -> None:
    """Make sure that the queue is one of this machine's, or of its home.

    Raises:
        SettingsError: it is on another machine; says where to type the same.
    """
    if not is_far(url):
        return
    from aexp.airgapped.hints import flag_there

    raise SettingsError(
        f"{url} is another machine's queue: serving it, and deciding what waits there, is done over there.",
        f"Log in there and type the same with{flag_there(url) or 'out --queue'}. From here: aexp relay ls, "
        "show, log, wait, cancel, status, doctor.",
    )


def refuse_private(url: str) -> None:
    """Make sure that somebody else can reach a daemon that serves this queue in a process of its own.

    Raises:
        SettingsError: it is one that no other process sees.
    """
    if not is_private(url):
        return
    raise SettingsError(
        f"{url} is seen by one process alone: a daemon that is started for it serves nobody.",
        "Name a folder or a server (aexp relay transports); docs/transports.md has a program that serves memory://.",
    )
