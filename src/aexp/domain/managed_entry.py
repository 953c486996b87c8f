"""Our entry in a JSON file that is the user's: one member of one object; the rest stays as it is written."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from aexp.domain.managed_block import TORN, Torn

TABLE, WHOLE = "table", "whole"
"""What was put around an entry: the object that holds it, or the whole document; else nothing."""
_BLANK = " \t\r\n"


class _Member(NamedTuple):
    """A member of an object: where its key begins, and where its value begins and ends."""

    key: str
    begin: int
    value: int
    end: int


class _Object(NamedTuple):
    """An object in a text: where its braces are, and what is between."""

    begin: int
    close: int
    members: list[_Member]

    def only(self, key: str) -> _Member | None:
        """The member with this key.

        Raises:
            ValueError: there are several.
        """
        found = [member for member in self.members if member.key == key]
        if len(found) > 1:
            raise ValueError(f"{key} stands there {len(found)} times")
        return found[0] if found else None


@dataclass(frozen=True)
class Entry:
    """Where our entry is.

    Attributes:
        table: the member of the document that holds it and others of its kind.
        name: its name there.
    """

    table: str
    name: str

    @property
    def torn(self) -> str:
        """Why nothing can be done to a file, in a few words."""
        return f"it is no JSON object that can hold {self.table}.{self.name}"

    def held(self, text: str) -> str | Torn | None:
        """The entry's value, laid out as :func:`laid_out` does; None where there is none."""
        if not text.strip():
            return None
        try:
            _, table = self._look(text)
            entry = None if table is None else table.only(self.name)
        except (ValueError, RecursionError):
            return TORN
        return None if entry is None else laid_out(json.loads(text[entry.value : entry.end]))

    def put_in(self, text: str, ours: str) -> str:
        """The file with this value in the place of the one that it has, or with one more entry.

        Args:
            text: a file that is not torn.
        """
        value = json.loads(ours)
        if not text.strip():
            return laid_out({self.table: {self.name: value}}) + "\n"
        root, table = self._look(text)
        if table is None:
            return _with(text, root, self.table, {self.name: value}, "\n  ", "\n")
        entry = table.only(self.name)
        outer = _gap(text, root.only(self.table))
        if entry is None:
            inner = outer + (outer.rpartition("\n")[2] or "  ") if "\n" in outer else ""
            return _with(text, table, self.name, value, inner, outer if "\n" in outer else "")
        return text[: entry.value] + _laid(value, _gap(text, entry)) + text[entry.end :]

    def glue(self, text: str) -> str:
        """What :meth:`put_in` would put around an entry in this file."""
        if not text.strip():
            return WHOLE
        return TABLE if self._look(text)[1] is None else ""

    def taken_out(self, text: str, glued: str) -> str:
        """The file without the entry, and without what was put around it if nothing else is in that.

        Args:
            text: a file that is not torn.
            glued: what :meth:`glue` was when the entry was put in.
        """
        table = self._look(text)[1]
        entry = None if table is None else table.only(self.name)
        if table is not None and entry is not None:
            text = _without(text, table, entry)
        root, table = self._look(text)
        around = root.only(self.table)
        if glued and around is not None and table is not None and not table.members:
            text = _without(text, root, around)
        return "" if glued == WHOLE and not self._look(text)[0].members else text

    def _look(self, text: str) -> tuple[_Object, _Object | None]:
        """The document, and the object in it that holds entries, if it is there.

        Raises:
            ValueError: it is no JSON, or one of them is no object, or stands there twice.
        """
        json.loads(text)
        root = _object(text, _skip(text, 0))
        table = root.only(self.table)
        return root, None if table is None else _object(text, table.value)


def laid_out(value: Any) -> str:
    """A JSON value as it is compared and recorded."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _object(text: str, at: int) -> _Object:
    """The object that begins at a brace of a text that is JSON."""
    if text[at] != "{":
        raise ValueError("it is no object")
    decoder, begin, members = json.JSONDecoder(), at, []
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, colon = decoder.raw_decode(text, at)
        value = _skip(text, _skip(text, colon) + 1)
        _, end = decoder.raw_decode(text, value)
        members.append(_Member(key, at, value, end))
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return _Object(begin, at, members)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at


def _gap(text: str, member: _Member | None) -> str:
    """The blanks before a member: its line end and how far it is indented."""
    before = text[: member.begin] if member else ""
    return before[len(before.rstrip(_BLANK)) :]


def _laid(value: Any, gap: str) -> str:
    """A value on a line that begins with ``gap``; all of it on one line where that has no line end."""
    if "\n" not in gap:
        return json.dumps(value, ensure_ascii=False)
    indent = "\t" if gap.endswith("\t") else "  "
    return json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", gap)


def _with(text: str, held: _Object, key: str, value: Any, gap: str, end: str) -> str:
    """The text with one more member at the end of an object.

    Args:
        gap, end: the blanks before the member and behind it, where the object is empty.
    """
    if held.members:
        last = held.members[-1]
        gap = _gap(text, last)
        told = f",{gap}{json.dumps(key)}: {_laid(value, gap)}"
        return text[: last.end] + told + text[last.end :]
    told = f"{gap}{json.dumps(key)}: {_laid(value, gap)}{end}"
    return text[: held.begin + 1] + told + text[held.close :]


def _without(text: str, held: _Object, member: _Member) -> str:
    at = held.members.index(member)
    if at > 0:
        return text[: held.members[at - 1].end] + text[member.end :]
    if len(held.members) > 1:
        return text[: member.begin] + text[held.members[1].begin :]
    return text[: held.begin + 1] + text[held.close :]
