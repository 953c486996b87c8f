"""A person's end of the socket for decisions."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aexp.adapters.consent.socket_files import connect
from aexp.adapters.remedies import reason
from aexp.domain import wire
from aexp.domain.decisions import MAX_ANSWER_BYTES, NOT_FOUND, Question, Waiting
from aexp.domain.errors import (
    RelayDownError,
    RelayNotFoundError,
    RelayRejectedError,
    SettingsError,
)
from aexp.domain.grant_offers import GrantLine, GrantOffer
from aexp.domain.identity import is_request_id
from aexp.domain.petition import Petition
from aexp.domain.text import visible
from aexp.ports.approval import DecisionLine

PATIENCE_S = 5.0
_CHUNK = 1 << 16
T = TypeVar("T")


class SocketLine(DecisionLine):
    """Asks the daemon at the first of some folders where one answers.

    Args:
        folders: where the socket may lie, as for the daemon.
        name: the socket's name.
        patience_s: seconds that one connection and its answer may take.
    """

    def __init__(self, folders: Sequence[Path], name: str, patience_s: float = PATIENCE_S) -> None:
        self._folders = folders
        self._name = name
        self._patience_s = patience_s

    def waiting(self) -> list[Waiting]:
        told = self._ask(Question("list")).get("waiting")
        lines = [line for line in told if isinstance(line, dict)] if isinstance(told, list) else []
        ids = [str(line.get("request_id")) for line in lines]
        pairs = zip(ids, lines, strict=True)
        return [
            Waiting.of(line, request_id) for request_id, line in pairs if is_request_id(request_id)
        ]

    def show(self, prefix: str) -> Petition:
        return _read(Petition.from_dict, self._ask(Question("show", prefix)).get("petition"))

    def approve(self, request_id: str, digest: str) -> None:
        self._ask(Question("approve", request_id, digest=digest))

    def reject(self, request_id: str, reason: str) -> None:
        self._ask(Question("reject", request_id, reason=reason))

    def offer(self, op: str, cwd: str, seconds: float) -> GrantOffer:
        answer = self._ask(Question("grant-show", op=op, cwd=cwd, seconds=f"{seconds:.3f}"))
        return _read(GrantOffer.from_dict, answer.get("offer"))

    def grant(self, digest: str, *, keep: bool) -> GrantLine:
        answer = self._ask(Question("grant", digest=digest, keep="yes" if keep else ""))
        return _read(GrantLine.from_dict, answer.get("grant"))

    def grants(self) -> list[GrantLine]:
        told = self._ask(Question("grants")).get("grants")
        return [_read(GrantLine.from_dict, one) for one in (told if isinstance(told, list) else ())]

    def revoke(self, prefix: str) -> GrantLine:
        return _read(GrantLine.from_dict, self._ask(Question("revoke", prefix)).get("grant"))

    def _ask(self, question: Question) -> dict[str, Any]:
        problems = []
        for folder in self._folders:
            try:
                answer = self._exchange(folder, question)
            except SettingsError as exc:
                problems.append(exc.what)
            except (FileNotFoundError, ConnectionRefusedError):
                continue
            except TimeoutError:
                problems.append(f"Who listens at {folder} does not answer.")
            except (OSError, wire.WireError) as exc:
                said = reason(exc) if isinstance(exc, OSError) else str(exc)
                problems.append(f"Asking at {folder} failed: {said}.")
            else:
                return _agreed(answer)
        looked = ", ".join(map(str, self._folders)) or "no folder"
        told = " ".join(problems) or f"Nobody listens there: {looked}."
        raise RelayDownError("No daemon takes decisions on this machine.", told)

    def _exchange(self, folder: Path, question: Question) -> dict[str, Any]:
        deadline = time.monotonic() + self._patience_s
        heard = bytearray()
        with connect(folder, self._name, self._patience_s) as line:
            line.sendall(question.to_bytes())
            while b"\n" not in heard and len(heard) <= MAX_ANSWER_BYTES:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                line.settimeout(left)
                chunk = line.recv(_CHUNK)
                if not chunk:
                    break
                heard += chunk
        return wire.decode(bytes(heard), max_bytes=MAX_ANSWER_BYTES)


def _agreed(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("ok") is True:
        return answer
    what = visible(str(answer.get("what", "The daemon said no.")), limit=600)
    hint = visible(str(answer.get("hint", "")), limit=600)
    if answer.get("code") == NOT_FOUND:
        raise RelayNotFoundError(what, hint)
    raise RelayRejectedError(what, hint)


def _read(read: Callable[[Mapping[str, Any]], T], found: object) -> T:
    try:
        return read(found if isinstance(found, dict) else {"op": None})
    except ValueError as exc:
        raise RelayDownError(
            f"The daemon's answer cannot be understood: {exc}.",
            "Is it of another version? Start it again with this one.",
        ) from exc
