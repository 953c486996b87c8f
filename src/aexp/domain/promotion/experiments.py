"""Ids of tracked experiments, and what is made of them."""

import re

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible

_ID = re.compile(r"E\d+", re.ASCII)
_ANY = re.compile(r"(?<![A-Za-z0-9])E\d+(?![A-Za-z0-9])", re.ASCII)


def check_experiment(given: str) -> None:
    """Pass an id such as ``E012``.

    Raises:
        SandboxError: it is none.
    """
    if not _ID.fullmatch(given):
        raise SandboxError(
            f"'{visible(given)}' is not the id of an experiment.", "Give one such as E012."
        )


def experiments_in(text: str) -> frozenset[str]:
    """The ids that a text, or the name of a file, speaks of."""
    return frozenset(_ANY.findall(text))


def script_name(wanted: str, experiment: str | None) -> str:
    """The file's name with the id in front, unless it has it already.

    >>> script_name("lr_warmup.py", "E012")
    'E012_lr_warmup.py'
    """
    if experiment is None or re.match(rf"{experiment}(?![A-Za-z0-9])", wanted):
        return wanted
    return f"{experiment}_{wanted}"
