"""The far side of an ``ssh://`` queue, asked through the gate."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aexp.adapters.storage.ssh.address import Address, folder_named
from aexp.adapters.storage.ssh.lasting import LastingLink
from aexp.domain.errors import RelayConnectionError, RelayValidationError
from aexp.domain.far import Broken
from aexp.domain.frames import Frame
from aexp.domain.text import visible
from aexp.domain.validation import FAR_CWD_DO, MAX_CWD_BYTES, ValidRequest, validate_operation
from aexp.ports.far import FarFacts, FarSide


class SshFarSide(FarSide):
    """Asks the gate at ``address``."""

    def __init__(self, address: Address, link: LastingLink) -> None:
        self._address = address
        self._link = link

    def folder(self, given: str | None) -> str:
        return folder_named(given, self._address.folder)

    def place(self, folder: str) -> str:
        return text_in(self._ask("place", {"cwd": _spelt(folder)}), "cwd")

    def checked(self, payload: Mapping[str, Any]) -> ValidRequest:
        # What is wrong wherever it runs is told without asking.
        spec, given = validate_operation(payload.get("op"), payload.get("args", []))
        parts = {"op": spec.name, "args": given, "cwd": _spelt(payload["cwd"])}
        found = self._ask("check", parts)
        args = found.head.get("args")
        if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
            raise senseless()
        return ValidRequest(text_in(found, "op"), args, Path(text_in(found, "cwd")))

    def withdraw(self, request_id: str, *, pending: bool) -> bool:
        found = self._ask("withdraw", {"id": request_id, "pending": pending})
        return found.head.get("withdrawn") is True

    def alive(self, process: str) -> bool | None:
        found = self._ask("alive", {"process": process[:120]}).head.get("alive")
        return found if isinstance(found, bool) else None

    def facts(self) -> FarFacts:
        # Once for the connection, and once for the way.
        self._ask("facts", {})
        began = time.monotonic()
        found = self._ask("facts", {})
        took = time.monotonic() - began
        return FarFacts(text_in(found, "host"), text_in(found, "version"), took)

    def _ask(self, verb: str, parts: dict[str, Any]) -> Frame:
        try:
            found = self._link.ask(verb, parts)
        except RelayValidationError as exc:
            if exc.field != "cwd":
                raise
            raise RelayValidationError("cwd", exc.problem, exc.allowed, do=FAR_CWD_DO) from exc
        return found or Frame({})


def _spelt(folder: str) -> str:
    """The folder as the rules over there read it: the home has a slash behind it."""
    if len(folder) > MAX_CWD_BYTES:
        raise RelayValidationError("cwd", f"is longer than {MAX_CWD_BYTES} bytes", do=FAR_CWD_DO)
    return "~/" if folder == "~" else folder


def text_in(frame: Frame, key: str) -> str:
    """A text in an answer, in harmless characters.

    Raises:
        RelayConnectionError: it is not there.
    """
    found = frame.head.get(key)
    if not isinstance(found, str):
        raise senseless()
    return visible(found, limit=4096)


def senseless() -> RelayConnectionError:
    """The error for an answer that a gate does not give."""
    return RelayConnectionError(
        "The gate's answer makes no sense.",
        "Install the same version of aexp on both machines.",
        kind=Broken.VERSION,
    )
