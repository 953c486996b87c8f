"""The settings that there are: what each is called in a file and in the environment, and who may set it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aexp.domain import setting_kinds as kinds
from aexp.domain.consent import Mode
from aexp.domain.errors import SettingsError
from aexp.domain.profiles import PROFILES
from aexp.domain.setting_kinds import Kind
from aexp.domain.ways import ALL, ALLOWED, SOME, WAYS, Ways, read_ways


@dataclass(frozen=True)
class Key:
    """One setting.

    Attributes:
        name: in a file, ``section.name``.
        setting: the attribute of :class:`aexp.settings.Settings`, and the keyword.
        variable: in the environment.
        kind: what values it has.
        meaning: for people, in one line.
        policy: whether it says what the login node permits or runs. Whoever sends requests can write the
            repository's file, so that such a setting does not count there.
        there: what values it has in a repository's file, where those are fewer.
    """

    name: str
    setting: str
    variable: str
    kind: Kind
    meaning: str
    policy: bool = False
    there: Kind | None = None

    def kind_in(self, *, of_repository: bool) -> Kind:
        """What values it has in a repository's file, or in the user's."""
        return (of_repository and self.there) or self.kind


KEYS = (
    Key(
        *("relay.queue", "queue", "AEXP_RELAY_QUEUE", kinds.place()),
        "the queue: a folder in the shared home, or what a URL names",
        there=kinds.folder(),
    ),
    Key(
        *("relay.default_timeout", "default_timeout", "AEXP_RELAY_TIMEOUT"),
        kinds.number(0, 86400, "seconds"),
        "seconds that a client waits for an answer",
    ),
    Key(
        *("relay.profile", "profile", "AEXP_RELAY_PROFILE", kinds.choice("auto", *PROFILES)),
        "how the queue's filesystem is treated",
    ),
    Key(
        *("relay.cwd_allowlist", "cwd_names", "AEXP_RELAY_CWD_NAMES"),
        kinds.listing("names of folders right under the home", ",", "/"),
        "the folders right under the home that are open to requests; all of them when it is not set",
        policy=True,
    ),
    Key(
        *("relay.most_at_once", "most_at_once", "AEXP_RELAY_MOST_AT_ONCE", kinds.count(1, 64)),
        "operations that may run at the same time",
        policy=True,
    ),
    Key(
        *("relay.consent", "consent", "AEXP_RELAY_CONSENT", kinds.choice(*Mode)),
        "what counts as a person's approval",
        policy=True,
    ),
    Key(
        *("relay.allowed_signers", "allowed_signers", "AEXP_RELAY_ALLOWED_SIGNERS", kinds.place()),
        "for the consent `signed`: the file of keys that may approve",
        policy=True,
    ),
    Key(
        *("relay.strict", "strict", "AEXP_RELAY_STRICT", kinds.switch()),
        "whether a person is asked also where a working copy is used for the first time",
        policy=True,
    ),
    Key(
        *("relay.trust_remotes", "trust_remotes", "AEXP_RELAY_TRUST_REMOTES"),
        kinds.listing("paths of bare repositories", ":"),
        "bare repositories on this filesystem that may be remotes; their hooks run on the login node",
        policy=True,
    ),
    Key(
        *(
            "relay.notify",
            "notify",
            "AEXP_RELAY_NOTIFY",
            kinds.words(ALLOWED, read_ways, SOME, "none"),
        ),
        "how a person is told that consent is waited for",
        policy=True,
    ),
    Key(
        *("relay.notify_hook", "notify_hook", "AEXP_RELAY_NOTIFY_HOOK"),
        kinds.text("a command line"),
        "a command of yours that is run then, on the login node",
        policy=True,
    ),
    Key(
        *(
            "sandbox.parent_dir",
            "sandbox_parent_dir",
            "AEXP_SANDBOX_PARENT_DIR",
            kinds.text("a path"),
        ),
        "the folder for sandboxes: absolute, or relative to the repository's root",
    ),
    Key(
        *("sandbox.timezone", "sandbox_timezone", "AEXP_SANDBOX_TIMEZONE"),
        kinds.text("local, UTC or a name such as Europe/Berlin"),
        "whose day a new sandbox is dated with",
    ),
)
BY_SETTING: Mapping[str, Key] = {key.setting: key for key in KEYS}


def read_value(setting: str, value: object) -> Any:
    """The value of a setting from a keyword or the environment.

    Raises:
        SettingsError: names the setting, its value and what is allowed.
    """
    key = BY_SETTING[setting]
    try:
        return key.kind.read(value)
    except (ValueError, TypeError) as exc:
        raise SettingsError(
            f"The setting {key.name} ({key.variable}) cannot be {value!r}.",
            f"Allowed: {key.kind.allowed}.",
        ) from exc


def shown_value(value: object) -> str:
    """A setting's value as text that the environment could hold."""
    if isinstance(value, Ways):
        on = ",".join(way for way in WAYS if way in value)
        return "all" if value.on == ALL.on else on or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    from aexp.domain.remote_urls import redacted_url

    # A queue's URL may hold a password.
    return redacted_url(str(value))
