"""Settings of git: one line of a configuration, read from git's listing and written as a file.

The names are those of git-config(1).
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One line of a configuration.

    Attributes:
        key: section and name in lower case, the subsection as written: ``remote.origin.url``.
        value: None for a key without a value, which means true.
    """

    key: str
    value: str | None

    @property
    def section(self) -> str:
        """What comes before the first dot."""
        return self.key.partition(".")[0]

    @property
    def subsection(self) -> str:
        """What comes between the first and the last dot; empty when there is nothing."""
        first, last = self.key.find("."), self.key.rfind(".")
        return self.key[first + 1 : last] if last > first else ""

    @property
    def name(self) -> str:
        """What comes after the last dot."""
        return self.key.rpartition(".")[2]

    @property
    def shape(self) -> str:
        """The key with a star for the subsection: ``remote.*.url``."""
        return f"{self.section}.*.{self.name}" if self.subsection else self.key


def parse(listed: bytes) -> list[Setting]:
    """The settings in what ``git config --list -z`` printed."""
    found = []
    for entry in listed.split(b"\0"):
        if entry:
            key, newline, value = entry.decode("utf-8", "surrogateescape").partition("\n")
            found.append(Setting(key, value if newline else None))
    return found


def serialise(settings: Iterable[Setting]) -> bytes:
    """A configuration file that holds exactly these settings."""
    lines = []
    for setting in settings:
        head = setting.section
        if setting.subsection:
            head += f' "{_quoted(setting.subsection)}"'
        value = "true" if setting.value is None else setting.value
        lines.append(f'[{head}]\n\t{setting.name} = "{_escaped(value)}"\n')
    return "".join(lines).encode("utf-8", "surrogateescape")


def _quoted(subsection: str) -> str:
    # Other characters stand for themselves there, and a line end cannot be in one.
    return subsection.replace("\\", "\\\\").replace('"', '\\"')


def _escaped(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\b": "\\b"}
    return "".join(escapes.get(char, char) for char in text)
