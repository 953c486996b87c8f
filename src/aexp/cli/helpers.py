"""The console scripts relay-approve, relay-reject and relay-list-pending.

They lie beside ``aexp``, outside the queue, and take the options of the command each stands for.
"""

import sys

from aexp.cli.root import root


def approve() -> None:
    """``relay-approve ID [--yes] [--key PATH] [--queue PATH]``."""
    _relay("approve")


def reject() -> None:
    """``relay-reject ID [--reason TEXT] [--queue PATH]``."""
    _relay("reject")


def list_pending() -> None:
    """``relay-list-pending [--json] [--queue PATH]``."""
    _relay("pending")


def _relay(verb: str) -> None:
    root(["relay", verb, *sys.argv[1:]], prog_name="aexp")
