"""Reading a file of settings: YAML that is bounded in size and depth, without aliases and without doubles."""

import os
import stat
from pathlib import Path
from typing import Any

import yaml

from aexp.adapters.plain_files import FOLDER, UnfitError, read_anywhere, read_at
from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible
from aexp.ports.configuration import Document

MAX_BYTES = 64 << 10
MAX_DEPTH = 8
_MERGE = "tag:yaml.org,2002:merge"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def read_user(path: str) -> Document | None:
    """The user's own file, wherever a link leads; None when it went away meanwhile.

    Raises:
        SettingsError: names the file, what is wrong and what to do.
    """
    try:
        data = read_anywhere(Path(path), MAX_BYTES + 1)
        loose = _loose(path)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return None if data is None else Document(path, parse(data, path), loose)


def read_repository(root: str, below: str) -> Document | None:
    """A repository's file, reached without following a link; None when it went away meanwhile.

    Raises:
        SettingsError: names the file, what is wrong and what to do.
    """
    folder, _, name = below.rpartition("/")
    path = f"{root}/{below}"
    try:
        handle = os.open(f"{root}/{folder}", FOLDER)
        try:
            data = read_at(handle, name, MAX_BYTES)
        finally:
            os.close(handle)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return None if data is None else Document(path, parse(data, path))


def parse(data: bytes, path: str) -> object:
    """What YAML holds.

    Raises:
        SettingsError: it is not YAML, or YAML of a kind that settings do not need.
    """
    if len(data) > MAX_BYTES:
        raise SettingsError(
            f"{visible(path, limit=500)} has more than {MAX_BYTES >> 10} KiB.",
            "Settings take a few lines; put everything else elsewhere.",
        )
    try:
        return yaml.load(data.decode("utf-8-sig"), _Loader)  # noqa: S506 -- A SafeLoader, narrowed.
    except yaml.YAMLError as exc:
        raise SettingsError(
            f"{visible(path, limit=500)} cannot be read: {_told(exc)}.", "Mend it there."
        ) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(
            f"{visible(path, limit=500)} is not UTF-8, from its byte {exc.start + 1} on.",
            "Save it as UTF-8.",
        ) from exc
    except (ValueError, OverflowError) as exc:
        raise SettingsError(
            f"{visible(path, limit=500)} cannot be read: {visible(str(exc))}.", "Mend it there."
        ) from exc


class _Loader(yaml.SafeLoader):
    """Nothing in a file can make it larger or other than it looks: no alias, no tag, no merge, no depth
    without end, no silent double."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("settings have no aliases")
        # A tag can ask for what its value is not, which PyYAML does not expect.
        if getattr(self.peek_event(), "tag", None):  # type: ignore[no-untyped-call]
            raise self._refusal("settings have no tags")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._refusal("it is nested too deep")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for name, _ in node.value:
            key = (name.tag, name.value) if isinstance(name, yaml.ScalarNode) else None
            if name.tag == _MERGE:
                raise yaml.MarkedYAMLError(
                    problem="settings have no merges", problem_mark=name.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{name.value} is there twice", problem_mark=name.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _told(exc: yaml.YAMLError) -> str:
    mark = getattr(exc, "problem_mark", None)
    where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    return visible(f"{where}{getattr(exc, 'problem', None) or str(exc).splitlines()[0]}")


def _loose(path: str) -> str:
    """Why others could have written the file: it, or a folder on the way to it, is theirs or open to them."""
    for place in _way_to(os.path.realpath(path)):
        about = os.stat(place)
        if about.st_uid not in (os.geteuid(), 0):
            return f"{visible(place, limit=500)} belongs to another user"
        if about.st_mode & _OTHERS:
            return f"{visible(place, limit=500)} can be written by others"
    return ""


def _way_to(path: str) -> list[str]:
    """The file and its folder; below the home, all folders up to that."""
    home = Path(os.path.realpath(os.path.expanduser("~")))
    above = [*Path(path).parents]
    count = above.index(home) + 1 if home in above else 1
    return [path, *map(str, above[:count])]


def _unreadable(path: str, exc: OSError) -> SettingsError:
    shown = visible(path, limit=500)
    if isinstance(exc, UnfitError):
        return SettingsError(
            f"{shown} cannot be read: {exc.strerror}.", "Put a plain file of yours there."
        )
    return SettingsError(f"{shown} cannot be read: {reason(exc)}.", remedy(exc))
