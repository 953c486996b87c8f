"""Accepting, on the login node, what the relay refuses by itself: a setting, or the remotes of a copy."""

from collections.abc import Sequence
from pathlib import Path

from aexp.adapters.workshop.git_study import ALTERNATES
from aexp.adapters.workshop.login import LoginWorkshop
from aexp.adapters.workshop.trust import TrustBook
from aexp.domain.destinations import Destination
from aexp.domain.errors import SettingsError
from aexp.domain.git_config import can_be_trusted
from aexp.domain.git_setting import Setting
from aexp.domain.text import visible
from aexp.ports.pins import Pins


class Acceptance:
    """What ``aexp relay trust`` does with a working copy."""

    def __init__(self, workshop: LoginWorkshop, trust: TrustBook, pins: Pins) -> None:
        self._workshop = workshop
        self._trust = trust
        self._pins = pins

    def accept_key(self, cwd: str, key: str) -> tuple[Path, list[str]]:
        """Accept the values that a setting has now; another value is refused again.

        Returns:
            The working copy and the values.

        Raises:
            RelayValidationError: the folder lies in no usable working copy.
            SettingsError: the repository has no such setting, or it is not one that is refused.
        """
        root, found = self._workshop.settings_of(Path(cwd))
        wanted = _normal(key)
        values = [value for name, value in found if name == wanted]
        if not values:
            raise SettingsError(
                f"The repository of {root} has no setting {visible(key)}.",
                "`git config --local --list` shows what it has.",
            )
        if wanted != ALTERNATES and not all(can_be_trusted(Setting(wanted, v)) for v in values):
            raise SettingsError(
                f"{visible(key)} is no setting that can be accepted: the relay uses it already, or never.",
                "Hooks and included files are never used. The error of an operation names what is refused.",
            )
        self._trust.accept_key(root, wanted, values)
        return root, values

    def register(self, cwd: str) -> tuple[Path, Sequence[Destination]]:
        """Remember the URLs that the remotes have now.

        Raises:
            RelayValidationError: the folder lies in no usable working copy, or has no usable remote.
        """
        root, destinations = self._workshop.destinations_of(Path(cwd))
        self._pins.remember(root, destinations)
        return root, destinations

    def forget(self, cwd: str, key: str | None) -> tuple[Path, int]:
        """Take back one setting, or everything about a working copy, its destinations included.

        Returns:
            The working copy, and how much there was to take back.
        """
        root, _ = self._workshop.settings_of(Path(cwd))
        count = self._trust.forget(root, None if key is None else _normal(key), None)
        return root, count + (self._pins.forget(root) if key is None else 0)


def _normal(key: str) -> str:
    """The key as git lists it: section and name in lower case, the subsection as it is."""
    if key == ALTERNATES:
        return key
    section, _, rest = key.partition(".")
    subsection, _, name = rest.rpartition(".")
    return ".".join(part for part in (section.lower(), subsection, name.lower()) if part)
