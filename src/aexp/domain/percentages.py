"""Lines of progress that say how much is done: git's, git-lfs's, and what is written like theirs."""

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"(?P<title>[^:()%]{1,60}?):?\s+(?:(?P<percent>\d{1,3})% )?"
    r"\((?P<done>\d{1,12})/(?P<total>\d{1,12})\)(?P<rest>.{0,120})"
)


@dataclass(frozen=True)
class Percentage:
    """How much of something is done.

    Attributes:
        title: what, such as ``Receiving objects``.
        done: 0.0 to 1.0.
        rest: what the line says besides, such as ``420/1000, 1.2 MiB | 3 MiB/s``.
    """

    title: str
    done: float
    rest: str


def percentage_of(line: str) -> Percentage | None:
    """What a line of progress says; None for any other line.

    >>> percentage_of("Receiving objects:  42% (420/1000), 1.2 MiB | 3 MiB/s")
    Percentage(title='Receiving objects', done=0.42, rest='420/1000, 1.2 MiB | 3 MiB/s')
    """
    found = _LINE.fullmatch(line.strip().removeprefix("remote: "))
    if found is None:
        return None
    done, total = int(found["done"]), int(found["total"])
    if found["percent"] is not None:
        share = int(found["percent"]) / 100
    elif total:
        share = done / total
    else:
        return None
    return Percentage(
        found["title"].strip(), min(share, 1.0), f"{done}/{total}{found['rest'].rstrip()}"
    )
