"""What a client uses that was given nothing: the one place where adapters are found, by name and late.

Use cases never import an adapter. Naming them here keeps ``import aexp.airgapped`` light, and lets a queue's
URL choose the transport.
"""

import os
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from aexp.domain.errors import SettingsError
from aexp.domain.profiles import PROFILES
from aexp.domain.text import visible
from aexp.settings import Settings, configured

if TYPE_CHECKING:
    from aexp.domain.validation import CwdPolicy
    from aexp.ports.clock import Clock
    from aexp.ports.filesystem import Filesystem
    from aexp.ports.processes import Processes
    from aexp.ports.storage import QueueStorage

NAMES_VARIABLE = "AEXP_RELAY_CWD_NAMES"
EVENTS_VARIABLE = "AEXP_RELAY_EVENTS"
"""``off``: no file events end a wait early; for measuring without them."""
DURABLE_VARIABLE = "AEXP_RELAY_DURABLE"
"""``off``: requests and answers are not synced, and a power cut of the file server may lose the last ones."""
DEFAULT_QUEUE = Settings.queue

_HALF_URL = re.compile(r"(file|memory|rediss?|redis\+unix|ssh):(?!//)", re.IGNORECASE)
# Also what no scheme may be called, such as redis_tls: it was meant for one, and is no folder.
_SCHEME = re.compile(r"([^/:]+)://(.*)", re.DOTALL)


def open_queue(
    queue: str | os.PathLike[str] | None, clock: "Clock", profile: str | None = None
) -> "QueueStorage":
    """The storage that a path or URL names; without one the queue that is set, else ``~/.relay``.

    Other schemes than ``file`` are looked up in :mod:`aexp.airgapped.transports`.

    Args:
        profile: how the filesystem is treated; without one as it is set, else (and for ``auto``) as fits
            the filesystem that is found.

    Raises:
        SettingsError: the URL's scheme or the profile is not known, what opens it is not installed, or the
            path cannot be one.
    """
    if queue is None or profile is None:
        settings = configured()
        queue, profile = settings.queue if queue is None else queue, profile or settings.profile
    text = os.fspath(queue) or DEFAULT_QUEUE
    if _HALF_URL.match(text):
        raise _half_url(text, given_as_text=isinstance(queue, str))
    match = _SCHEME.fullmatch(text)
    scheme, rest = (match[1].lower(), match[2]) if match else ("file", text)
    treated = _profile(profile)
    switches = {"events": _is_on(EVENTS_VARIABLE), "durable": _is_on(DURABLE_VARIABLE)}
    if scheme == "file":
        # Not by way of the table: that takes two more imports, and this is what nearly everybody has.
        location = queue_folder(rest, from_url=match is not None)
        opened = load("aexp.adapters.storage.fsspec:open_file_queue")
        return cast("QueueStorage", opened(location, clock, treated, **switches))
    from aexp.airgapped.transports import open_with
    from aexp.ports.transport import TransportOptions

    return open_with(scheme, rest, TransportOptions(clock, text, treated, **switches))


def check_queue(queue: str) -> None:
    """Make sure that a path or URL can name a queue; nothing is made, and no server is asked.

    Raises:
        SettingsError: as for :func:`open_queue`.
    """
    from aexp.airgapped.transports import TRANSPORTS, transport_of

    scheme, between, _ = queue.partition("://")
    if between and _SCHEME.fullmatch(queue) and scheme.lower() not in TRANSPORTS:
        # What another package does when it opens one is not known.
        transport_of(scheme.lower(), queue)
    else:
        open_queue(queue, system_clock(), "auto")


def _half_url(text: str, *, given_as_text: bool) -> SettingsError:
    from aexp.domain.remote_urls import redacted_url

    scheme, _, rest = text.partition(":")
    slash, rest = ("/", rest[1:]) if rest.startswith("/") else ("", rest)
    shown = visible(redacted_url(f"{scheme}://{rest}")).replace("://", f":{slash}", 1)
    if given_as_text or not slash:
        lacking = "a slash" if slash else "its slashes"
        return SettingsError(
            f"The queue {shown} is a URL that lacks {lacking}.",
            f"Write {scheme}://; a folder of that name is ./{scheme}:{slash}.",
        )
    return SettingsError(
        f"A path object has lost a slash of the URL in {shown}.", "Give it as text."
    )


def _profile(name: str) -> str | None:
    if name != "auto" and name not in PROFILES:
        raise SettingsError(
            f"There is no filesystem profile {visible(name)}.",
            f"Choose one of auto, {', '.join(PROFILES)} (AEXP_RELAY_PROFILE).",
        )
    return None if name == "auto" else name


def _is_on(variable: str) -> bool:
    """Whether a switch of the environment is on, as it is when nothing is said."""
    named = os.environ.get(variable) or "on"
    if named not in ("on", "off"):
        raise SettingsError(f"{variable} is {visible(named)}.", "Set it to on or off.")
    return named == "on"


def queue_folder(text: str, *, from_url: bool = False) -> str:
    """The absolute path of a queue's folder.

    Raises:
        SettingsError: it names a user that does not exist, or a host, or says more than a path.
    """
    if from_url:
        from urllib.parse import unquote

        if "?" in text:
            raise SettingsError(
                f"The queue file://{visible(text)} says something behind a ?, and a folder takes no options.",
                "Leave that out; a ? in the folder's name is written %3F.",
            )
        text = unquote(text.removeprefix("localhost"))
        if not text.startswith(("/", "~")):
            named = "a host" if text else "no folder"
            raise SettingsError(
                f"file://{visible(text)} names {named}.", "Write file:///path/to/queue."
            )
    if not text.isprintable():
        raise SettingsError(
            f"The queue's path is not printable: {visible(text)}.",
            "Choose one of printable characters.",
        )
    return os.path.normpath(absolute(text))


def absolute(path: str | os.PathLike[str]) -> str:
    """The path from the root on, with ``~`` and the current folder put in; links are not followed.

    Raises:
        SettingsError: it holds a NUL byte or a user that does not exist, or the current folder is gone.
    """
    if "\0" in os.fspath(path):
        raise SettingsError(f"The path {visible(os.fspath(path))} holds a NUL byte.", "Remove it.")
    found = os.path.expanduser(path)
    if found.startswith("~"):
        shown = visible(os.fspath(path))
        why = "Could not determine home directory."
        raise SettingsError(f"The path {shown} cannot be found: {why}.", "Write it from / on.")
    try:
        return found if os.path.isabs(found) else os.path.join(os.getcwd(), found)
    except FileNotFoundError as exc:
        raise SettingsError("The current folder is gone.", "Change to one that exists.") from exc


def is_usual(url: str) -> bool:
    """Whether a queue is the one of whoever sets none, ``~/.relay``."""
    return url == queue_folder(DEFAULT_QUEUE)


def queue_flag(url: str) -> str:
    """What a command line needs so that it reaches the queue ``url``: nothing for ``~/.relay``.

    That is named as well where another one is set here, which the command would reach without it.
    """
    if is_usual(url) and _none_is_set():
        return ""
    import shlex

    return f" --queue {shlex.quote(url)}"


def _none_is_set() -> bool:
    """Whether a command that names no queue reaches ``~/.relay``."""
    try:
        return configured().queue in ("", DEFAULT_QUEUE, queue_folder(DEFAULT_QUEUE))
    except SettingsError:
        # A file that cannot be read may set any, and a queue that is named is the right one.
        return False


def system_clock() -> "Clock":
    """This machine's time."""
    return cast("Clock", load("aexp.adapters.clock.system:SystemClock")())


def system_processes() -> "Processes":
    """This machine's processes."""
    return cast("Processes", load("aexp.adapters.processes:ProcProcesses")())


def local_filesystem() -> "Filesystem":
    """This machine's files."""
    return cast("Filesystem", load("aexp.adapters.filesystem.local:LocalFilesystem")())


def cwd_policy(
    filesystem: "Filesystem", queue_folder: str | None, names: frozenset[str] | None = None
) -> "CwdPolicy":
    """Where operations may work: below ``$HOME``, outside the queue, in the folders that are open.

    Args:
        names: the open top-level names; by default those that are set.
    """
    from aexp.domain.validation import CwdPolicy

    if names is None:
        names = cwd_names(configured().cwd_names)
    return CwdPolicy(
        home=filesystem.resolve(os.path.expanduser("~")),
        resolve=filesystem.resolve,
        kind=filesystem.kind,
        queue=None if queue_folder is None else filesystem.resolve(queue_folder),
        names=names,
    )


def cwd_names(text: str) -> frozenset[str]:
    """The names in a comma-separated list.

    Raises:
        SettingsError: one of them is a path. An open folder must be a name right under the home.
    """
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if "/" in name or name in (".", ".."):
            raise SettingsError(
                f"{NAMES_VARIABLE} holds {visible(name)}, which is a path.",
                "List names of folders right under the home, such as projects,experiments.",
            )
    return names


def load(where: str) -> Any:
    """The object that ``module:name`` names."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
