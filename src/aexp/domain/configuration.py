"""The settings that there are: what each is called in a file and in the environment, and who may set it."""

from collections.abc import Iterator, Mapping
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
_BY_NAME = {key.name: key for key in KEYS}
_SECTIONS = {key.name.partition(".")[0] for key in KEYS}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one place of a file, and what to do."""

    what: str
    hint: str


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


def read_file(body: object, *, of_repository: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The values by setting that a parsed file holds, and what is wrong with the rest of it.

    Args:
        body: what the file holds; nothing in it is trusted.
        of_repository: whether it is a repository's file, which may not set policy.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in _leaves(body, problems):
        key = _BY_NAME.get(name)
        if key is None:
            problems.append(_unknown(name))
        elif key.policy and of_repository:
            problems.append(_policy(key))
        else:
            kind = key.kind_in(of_repository=of_repository)
            try:
                values[key.setting] = kind.of_file(value)
            except SettingsError as exc:
                problems.append(Problem(f"{name}: {exc.what}", exc.hint))
            except ValueError:
                told = f"{name} cannot be {_shown(value)}."
                quotes = "Write it without quotes. " if _is_quoted(key, value) else ""
                problems.append(Problem(told, f"{quotes}Allowed: {kind.allowed}."))
    return values, problems


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


def _leaves(body: object, problems: list[Problem]) -> Iterator[tuple[str, object]]:
    """The names with dots and the values of a file's two levels."""
    if body is None:
        return
    if not isinstance(body, dict):
        problems.append(Problem("It holds no settings.", f"Begin with {_begin()}"))
        return
    for section, held in body.items():
        if section not in _SECTIONS:
            problems.append(_unknown(_named(section)))
        elif held is not None and not isinstance(held, dict):
            told = f"{section} is {_shown(held)}, and no section."
            problems.append(Problem(told, f"Write its settings below it: {_begin()}"))
        else:
            yield from (
                (f"{section}.{_named(name)}", value) for name, value in (held or {}).items()
            )


def _begin() -> str:
    return "`relay:` or `sandbox:` and a line such as `  default_timeout: 120` below."


def _unknown(name: str) -> Problem:
    import difflib

    from aexp.domain.text import visible

    # Under a wrong section, or none, the last part says what was meant.
    tails = {key.partition(".")[2]: key for key in _BY_NAME}
    last = name[:80].rpartition(".")[2]
    names = [*_BY_NAME, *(_SECTIONS if "." not in name else ())]
    near = [tails[last]] if last in tails else difflib.get_close_matches(name[:80], names, n=1)
    near = near or [tails[tail] for tail in difflib.get_close_matches(last, tails, n=1)]
    meant = f"Did you mean {near[0]}? " if near else ""
    return Problem(
        f"{visible(name, limit=80)} is no setting.",
        f"{meant}`aexp config show` lists the settings that there are.",
    )


def _policy(key: Key) -> Problem:
    return Problem(
        f"{key.name} is policy of the login node, which a repository's file cannot set.",
        "Move it to your own file; `aexp config show` says where that is.",
    )


def _is_quoted(key: Key, value: object) -> bool:
    """Whether it would do if it were no text."""
    if not isinstance(value, str) or key.kind.schema.get("type") not in ("number", "integer"):
        return False
    try:
        key.kind.read(value)
    except (ValueError, TypeError):
        return False
    return True


def _shown(value: object) -> str:
    from aexp.domain.text import visible

    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true (which is what YAML reads in yes and on)" if value else "false (or no, or off)"
    try:
        return visible(repr(value), limit=80)
    except ValueError:  # Python does not write numbers of thousands of digits.
        return "a number of that many digits"


def _named(key: object) -> str:
    return key if isinstance(key, str) else _shown(key)
