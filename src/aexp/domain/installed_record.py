"""``.aexp/installed.json``: what was put into a repository, and which Python it calls."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aexp.domain.errors import InstallError
from aexp.domain.installation import Known
from aexp.domain.managed_entry import TABLE, WHOLE

PLACE = ".aexp/installed.json"
SCHEMA = 1
MAX_CHARS = 64 << 10

# The record lies in the repository, where anybody may have written it: it can name no other file than these.
_OURS = re.compile(
    r"(\.claude/skills/aexp-[a-z-]{1,40}/SKILL\.md|AGENTS\.md|\.gitignore|\.mcp\.json)(\.new)?"
)
_FOLDER = re.compile(r"\.aexp|\.claude(/skills(/aexp-[a-z-]{1,40})?)?")
_GLUED = ("", "\n", "\n\n", "\r\n", "\r\n\r\n", TABLE, WHOLE)
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Record:
    """What was installed.

    Attributes:
        python_exe: the interpreter that the commands call; empty before the first installation.
        version: that of aexp which installed.
        files: what we put there, by path.
        folders: the folders that were made for it.
    """

    python_exe: str = ""
    version: str = ""
    files: Mapping[str, Known] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def encode(record: Record) -> str:
    """The record as the text of its file."""
    files = {
        path: {
            "sha256": list(known.hashes),
            **({"glued": known.glued} if known.glued else {}),
            **({"made": True} if known.made else {}),
        }
        for path, known in sorted(record.files.items())
    }
    body = {
        "schema": SCHEMA,
        "version": record.version,
        "python_exe": record.python_exe,
        "files": files,
        "folders": sorted(record.folders),
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def decode(text: str) -> Record:
    """The record in a file.

    Raises:
        InstallError: it is none, names what is not ours, or is a newer version's.
    """
    try:
        return _decoded(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise InstallError(
            f"{PLACE} is no record of an installation.",
            "Move it away and install again: files that differ then count as edited, and are kept.",
        ) from exc


def _decoded(text: str) -> Record:
    if len(text) > MAX_CHARS:
        raise ValueError(len(text))
    body = json.loads(text)
    schema = body["schema"]
    if type(schema) is int and schema > SCHEMA:
        raise InstallError(
            f"{PLACE} was written by a newer aexp (its schema is {schema}, and this one knows {SCHEMA}).",
            "Use that aexp, or upgrade this one; nothing was changed.",
        )
    if schema != SCHEMA:
        raise ValueError(schema)
    files = {_matching(_OURS, path): _known(held) for path, held in body["files"].items()}
    folders = tuple(_matching(_FOLDER, folder) for folder in body["folders"])
    return Record(_line(body["python_exe"]), _line(body["version"]), files, folders)


def _known(held: Mapping[str, object]) -> Known:
    hashes = held["sha256"]
    glued = held.get("glued", "")
    if not isinstance(hashes, list) or glued not in _GLUED:
        raise ValueError(held)
    return Known(
        tuple(_matching(_HASH, one) for one in hashes), str(glued), held.get("made") is True
    )


def _matching(pattern: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _line(text: object) -> str:
    if not isinstance(text, str) or (text and not text.isprintable()):
        raise ValueError(text)
    return text
