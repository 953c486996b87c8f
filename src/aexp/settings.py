"""What can be set, and where it comes from: a keyword wins over the environment, that over the default."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aexp.domain.consent import Mode
from aexp.domain.errors import SettingsError
from aexp.domain.profiles import PROFILES
from aexp.domain.ways import ALL, ALLOWED, Ways, read_ways

_ENVIRONMENT = {
    "queue": "AEXP_RELAY_QUEUE",
    "default_timeout": "AEXP_RELAY_TIMEOUT",
    "cwd_names": "AEXP_RELAY_CWD_NAMES",
    "most_at_once": "AEXP_RELAY_MOST_AT_ONCE",
    "profile": "AEXP_RELAY_PROFILE",
    "consent": "AEXP_RELAY_CONSENT",
    "allowed_signers": "AEXP_RELAY_ALLOWED_SIGNERS",
    "strict": "AEXP_RELAY_STRICT",
    "trust_remotes": "AEXP_RELAY_TRUST_REMOTES",
    "notify": "AEXP_RELAY_NOTIFY",
    "notify_hook": "AEXP_RELAY_NOTIFY_HOOK",
    "sandbox_parent_dir": "AEXP_SANDBOX_PARENT_DIR",
}


@dataclass(frozen=True)
class Settings:
    """The settings of one process.

    Attributes:
        queue: a path or URL.
        default_timeout: seconds that a client waits for an answer.
        cwd_names: comma-separated names of folders right under the home that are open to requests;
            empty for all.
        most_at_once: operations that may run at the same time.
        profile: how the queue's filesystem is treated; ``auto`` looks at the mount table.
        consent: what counts as a person's approval (see :class:`~aexp.domain.consent.Mode`).
        allowed_signers: the file of keys that may approve in the mode ``signed``, as in ssh-keygen(1).
        strict: whether the first use of a working copy's remotes needs a person, too.
        trust_remotes: colon-separated paths of bare repositories that may be remotes.
        notify: the ways in which a person is told that consent is waited for.
        notify_hook: a command line that is run then; empty for none.
        sandbox_parent_dir: the folder for sandboxes: absolute, or relative to the repository's root.
    """

    queue: str = "~/.relay"
    default_timeout: float = 60.0
    cwd_names: str = ""
    most_at_once: int = 4
    profile: str = "auto"
    consent: str = "login"
    allowed_signers: str = "~/.ssh/allowed_signers"
    strict: bool = False
    trust_remotes: str = ""
    notify: Ways = ALL
    notify_hook: str = ""
    sandbox_parent_dir: str = "notebooks/_sandbox"


def load_settings(
    environ: Mapping[str, str] | None = None, **given: str | float | int | None
) -> Settings:
    """The settings from keywords (None means not given), then the environment, then the defaults.

    Raises:
        SettingsError: names the setting, its value and what is allowed.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {
        name: environ[variable] for name, variable in _ENVIRONMENT.items() if environ.get(variable)
    }
    values.update({name: value for name, value in given.items() if value is not None})
    return Settings(**{name: _read(name, value) for name, value in values.items()})


def _read(name: str, value: object) -> Any:
    read, allowed = _READ.get(name, (str, "text"))
    try:
        return read(value)
    except (ValueError, TypeError) as exc:
        raise SettingsError(
            f"The setting {name} ({_ENVIRONMENT.get(name, '')}) cannot be {value!r}.",
            f"Allowed: {allowed}.",
        ) from exc


def _between(kind: Callable[[Any], Any], least: int, most: int) -> Callable[[Any], Any]:
    def read(value: object) -> Any:
        number = kind(value)
        if not least <= number <= most:
            raise ValueError(value)
        return number

    return read


def _one_of(*words: str) -> Callable[[Any], Any]:
    return lambda value: words[words.index(value)]


_SWITCH = MappingProxyType(
    {
        **dict.fromkeys(("1", "true", "yes", "on", "t", "y"), True),
        **dict.fromkeys(("0", "false", "no", "off", "f", "n"), False),
    }
)


def _switch(value: object) -> bool:
    word = str(value).lower()
    if word not in _SWITCH:
        raise ValueError(value)
    return _SWITCH[word]


_READ: Mapping[str, tuple[Callable[[Any], Any], str]] = MappingProxyType(
    {
        "default_timeout": (_between(float, 0, 86400), "a number of seconds from 0 to 86400"),
        "most_at_once": (_between(int, 1, 64), "a number from 1 to 64"),
        "profile": (
            _one_of("auto", *PROFILES),
            "auto, posix, nfs, nfs-nocto, lustre or network",
        ),
        "consent": (_one_of(*Mode), "login, file or signed"),
        "strict": (_switch, "1 or 0"),
        "notify": (read_ways, ALLOWED),
    }
)
"""Setting to how a value of it is read, and what is allowed; any other setting is text."""
