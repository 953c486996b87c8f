"""Which transports can be used here, for people: ours and those of other packages."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aexp.airgapped.transports import TRANSPORTS, load_theirs, package_of, third_party
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILT_IN = "aexp"


@dataclass(frozen=True)
class TransportView:
    """One transport.

    Attributes:
        scheme: what its URLs begin with, without ``://``.
        purpose: what it is for; of another package, its summary.
        origin: the package that brings it, with its version; ``aexp`` for ours.
        usable: whether it can be used here.
        remedy: why not, and what to do so that it can be; empty where it can.
    """

    scheme: str
    purpose: str
    origin: str
    usable: bool
    remedy: str = ""


def transport_views() -> list[TransportView]:
    """Ours first. What another package brings is loaded, to see whether that works."""
    ours = [
        TransportView(scheme, one.purpose, BUILT_IN, not one.remedy, one.remedy)
        for scheme, one in TRANSPORTS.items()
    ]
    found = third_party()
    counts = Counter(entry.name.lower() for entry in found)
    return ours + [_view(entry, counts[entry.name.lower()]) for entry in found]


def _view(entry: "EntryPoint", offers: int) -> TransportView:
    scheme = entry.name.lower()
    summary = "" if entry.dist is None else " ".join(entry.dist.metadata.get_all("Summary", []))
    why = _why_not(scheme, entry, offers)
    return TransportView(visible(scheme), visible(summary), package_of(entry), not why, why)


def _why_not(scheme: str, entry: "EntryPoint", offers: int) -> str:
    if scheme in TRANSPORTS:
        return f"{scheme}:// is built in, and a package cannot replace it"
    if offers > 1:
        return f"{offers} packages offer {visible(scheme)}://: uninstall all but one of them"
    try:
        load_theirs(entry)
    except SettingsError as exc:
        return str(exc)
    return ""
