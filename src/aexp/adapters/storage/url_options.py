"""What stands behind the ``?`` of a queue's URL, each option at most once."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from aexp.domain.errors import SettingsError
from aexp.domain.text import visible


def url_options(
    query: str, scheme: str, known: Collection[str], twice: SettingsError, *, looks: str = ""
) -> dict[str, str]:
    """The options by name.

    Args:
        known: those that the scheme takes.
        twice: the error that one is said more than once.
        looks: what an URL looks like, to be added to the hint.

    Raises:
        SettingsError: there is an unknown one, or one is said twice.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    for option in given:
        if option not in known:
            raise SettingsError(
                f"The queue's URL has an unknown option, {visible(option, limit=64)}.",
                f"Known for {scheme}://: {', '.join(sorted(known))}.{looks}",
            )
    if len(given) < len(pairs):
        raise twice
    return given
