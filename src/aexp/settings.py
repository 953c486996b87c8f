"""What can be set, and where it comes from: a keyword wins over the environment, that over the default."""

import os
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aexp.domain.errors import SettingsError

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
}

_ALLOWED = {
    "default_timeout": "a number of seconds from 0 to 86400",
    "most_at_once": "a number from 1 to 64",
    "profile": "auto, posix, nfs, nfs-nocto, lustre or network",
    "consent": "login, file or signed",
    "strict": "1 or 0",
}


class Settings(BaseModel):
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str = "~/.relay"
    default_timeout: float = Field(default=60.0, ge=0.0, le=86400.0)
    cwd_names: str = ""
    most_at_once: int = Field(default=4, ge=1, le=64)
    profile: Literal["auto", "posix", "nfs", "nfs-nocto", "lustre", "network"] = "auto"
    consent: Literal["login", "file", "signed"] = "login"
    allowed_signers: str = "~/.ssh/allowed_signers"
    strict: bool = False
    trust_remotes: str = ""


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
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        variable = _ENVIRONMENT.get(name, "")
        raise SettingsError(
            f"The setting {name} ({variable}) cannot be {first.get('input')!r}.",
            f"Allowed: {_ALLOWED.get(name, 'text')}.",
        ) from exc
