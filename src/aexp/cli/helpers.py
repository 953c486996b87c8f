"""The console scripts relay-approve, relay-reject and relay-list-pending."""

import sys

from aexp.cli.main import root


def approve() -> None:
    """``relay-approve ID``."""
    _relay("approve")


def reject() -> None:
    """``relay-reject ID [--reason TEXT]``."""
    _relay("reject")


def list_pending() -> None:
    """``relay-list-pending``."""
    _relay("pending")


def _relay(verb: str) -> None:
    root(["relay", verb, *sys.argv[1:]], prog_name="aexp")
