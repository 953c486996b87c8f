"""What a queue on another machine keeps from being done here: deciding and serving are for over there."""

from aexp.domain.errors import SettingsError
from aexp.domain.far import is_far


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
