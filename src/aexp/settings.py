"""What can be set, and where it comes from: keyword > environment > repository's file > user's > default.

What the login node permits (policy) never comes from a repository's file: who sends requests can write it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple, cast

from aexp.domain.configuration import KEYS, read_value
from aexp.domain.errors import SettingsError
from aexp.domain.ways import ALL, Ways
from aexp.ports.configuration import ConfigurationFiles, Document

_ENVIRONMENT = {key.setting: key.variable for key in KEYS}


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
        sandbox_timezone: whose day a sandbox is dated with: ``local``, ``UTC`` or a zone's name.
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
    sandbox_timezone: str = "local"


class Layer(NamedTuple):
    """What one place sets: its name for people, and its values by setting."""

    origin: str
    values: Mapping[str, Any]


def load_settings(
    environ: Mapping[str, str] | None = None,
    layers: Sequence[Layer] = (),
    **given: str | float | int | None,
) -> Settings:
    """The settings from keywords (None means not given), the environment, the layers, the defaults.

    Args:
        environ: without it, that of this process.
        layers: what files set, the strongest first.

    Raises:
        SettingsError: names the setting, its value and what is allowed.
    """
    return settings_of(stacked(environ, layers, **given))


def stacked(
    environ: Mapping[str, str] | None = None, layers: Sequence[Layer] = (), **given: Any
) -> list[Layer]:
    """All that sets something, read and checked, the strongest first.

    Raises:
        SettingsError: as for :func:`load_settings`.
    """
    environ = os.environ if environ is None else environ
    named = {name: environ.get(variable) for name, variable in _ENVIRONMENT.items()}
    texts = {"keyword": given, "environment": {name: text or None for name, text in named.items()}}
    return [
        *(
            Layer(origin, {k: read_value(k, v) for k, v in values.items() if v is not None})
            for origin, values in texts.items()
        ),
        *layers,
    ]


def settings_of(stack: Sequence[Layer]) -> Settings:
    """The settings when the first layer that sets one counts."""
    values: dict[str, Any] = {}
    for layer in reversed(stack):
        values.update(layer.values)
    return Settings(**values)


def origin_of(setting: str, stack: Sequence[Layer]) -> str:
    """Which layer sets it: the variable's name, ``keyword``, a file's path, or ``default``."""
    origin = next((layer.origin for layer in stack if setting in layer.values), "default")
    return _ENVIRONMENT[setting] if origin == "environment" else origin


def configured(start: str | None = None, **given: str | float | int | None) -> Settings:
    """The settings of a program that works in a folder: with the repository's and the user's file.

    Args:
        start: the folder, absolute; without it, the current one.

    Raises:
        SettingsError: as for :func:`load_settings`; or a file cannot be read, or sets what it may not.
    """
    return load_settings(None, files_around(start), **given)


def files_around(start: str | None = None, files: ConfigurationFiles | None = None) -> list[Layer]:
    """What the repository's file and the user's file set, in this order.

    Args:
        start: the folder, absolute; without it, the current one.

    Raises:
        SettingsError: a file cannot be read, or sets what it may not.
    """
    files = files or local_files()
    start = start or _here()
    held = [(files.repository(start) if start else None, True), (files.user(os.environ), False)]
    return [layer_of(document, of_repository=own) for document, own in held if document]


def _here() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""  # The current folder is gone, and with it the way up to a repository.


def policy_file(environ: Mapping[str, str], files: ConfigurationFiles | None = None) -> list[Layer]:
    """What the user's file sets for a program of the login node, where no repository's file counts.

    Raises:
        SettingsError: the file cannot be read, sets what it may not, or others can write it.
    """
    document = (files or local_files()).user(environ)
    if document is None:
        return []
    if document.loose:
        raise SettingsError(
            f"{document.loose}, so {document.path} cannot say what the login node permits.",
            "Make it, and the folders up to your home, writable by you alone: chmod go-w.",
        )
    return [layer_of(document, of_repository=False)]


def layer_of(document: Document, *, of_repository: bool) -> Layer:
    """What a file sets.

    Raises:
        SettingsError: names the first thing that is wrong with it.
    """
    # Most programs find no file, and do without what reads one.
    from aexp.domain.setting_file import read_file

    values, problems = read_file(document.body, of_repository=of_repository)
    if problems:
        more = f" (and {len(problems) - 1} more: aexp config validate)" if problems[1:] else ""
        raise SettingsError(f"{document.path}: {problems[0].what}", f"{problems[0].hint}{more}")
    return Layer(document.path, values)


def local_files() -> ConfigurationFiles:
    """This machine's files of settings."""
    # Loaded by name: an inner layer must not depend on an adapter.
    adapter = import_module("aexp.adapters.configuration.files")
    return cast(ConfigurationFiles, adapter.LocalConfigurationFiles())
