"""Which wandb runs on the login node, and what to do without one."""

import os
import shlex
from collections.abc import Mapping

from aexp.adapters.workshop.programs import find_program, safe_path
from aexp.domain.errors import ProgramMissingError, SettingsError

PROGRAM_VARIABLE = "AEXP_RELAY_WANDB"


def find_wandb(environ: Mapping[str, str], home: str) -> str | None:
    """The wandb that runs: ``AEXP_RELAY_WANDB``, else the first one on ``PATH`` outside the home, if any.

    Raises:
        SettingsError: the variable names no program.
    """
    named = environ.get(PROGRAM_VARIABLE)
    if not named:
        return find_program("wandb", safe_path(environ, home), home)
    if not os.path.isabs(named) or not os.access(named, os.X_OK):
        raise SettingsError(
            f"{PROGRAM_VARIABLE} names {named!r}, which is no program.",
            "Give the absolute path of one that is there and executable.",
        )
    return named


def no_program(untrusted: str | None) -> ProgramMissingError:
    """What to say where none may run.

    Args:
        untrusted: the one that is there and was not named, if any.
    """
    if untrusted is None:
        why = "wandb is not installed on the login node"
        do = "On the login node: install wandb there, or name it:"
    else:
        why = f"the only wandb is {untrusted}, which every program with this home can change"
        do = "On the login node, to use it all the same:"
    named = f"{PROGRAM_VARIABLE}={shlex.quote(untrusted or '/path/to/wandb')} aexp relay restart"
    return ProgramMissingError("op", f"is wandb_sync, and {why}", do=f"{do} {named}")


def is_below(program: str, home: str) -> bool:
    """Whether a program really lies below the home."""
    return os.path.realpath(program).startswith(home.rstrip("/") + "/")
