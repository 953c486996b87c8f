"""What the URL of such a queue says, and where the password comes from."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from aexp.adapters.remedies import reason, remedy
from aexp.adapters.storage.url_options import url_options
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

USER = "AEXP_RELAY_REDIS_USER"
PASSWORD = "AEXP_RELAY_REDIS_PASSWORD"  # noqa: S105
PASSWORD_FILE = "AEXP_RELAY_REDIS_PASSWORD_FILE"  # noqa: S105
DEFAULT_NAME = "relay"
DEFAULT_PORT = 6379
DEFAULT_TIMEOUT_S = 5.0
MAX_PASSWORD_BYTES = 4096
LOOKS_LIKE = (
    "Write redis://host:6379/0?name=lab, rediss://host:6380/0?name=lab&ca=/path/ca.pem "
    "or redis+unix:///path/redis.sock?name=lab."
)
_OPTIONS = {
    "redis": {"name", "timeout", "open"},
    "rediss": {"name", "timeout", "open", "ca", "cert", "key"},
    "redis+unix": {"name", "timeout", "open", "db"},
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Location:
    """Where a queue is, and as whom it is used.

    Attributes:
        name: what the queue is called on its server.
        shown: the URL without a password.
        password: never shown.
        socket: the path of the server's Unix socket; empty for host and port.
        timeout_s: seconds that one answer of the server may take.
        open: whether all who reach the server are trusted.
        ca: the file of the authorities that may have signed the server's certificate; empty for the system's.
        cert: this side's certificate, for a server that asks for one.
        key: its key.
    """

    name: str
    shown: str
    host: str = ""
    port: int = DEFAULT_PORT
    socket: str = ""
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    open: bool = False
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""

    @property
    def server(self) -> str:
        """The server, for messages."""
        return self.socket or f"{self.host}:{self.port}"

    @property
    def identity(self) -> str:
        """The queue, by whomever and with whatever options it is used."""
        return f"redis://{self.server}/{self.db}?name={self.name}"


def located(url: str, environ: Mapping[str, str]) -> Location:
    """The location that a URL names.

    Args:
        environ: where a user and a password may stand instead: ``AEXP_RELAY_REDIS_USER``,
            ``AEXP_RELAY_REDIS_PASSWORD`` or, as a file, ``AEXP_RELAY_REDIS_PASSWORD_FILE``. What the URL
            says wins.

    Raises:
        SettingsError: it is none, or a file that it names cannot be used.
    """
    parts = _split(url)
    said = _options(parts)
    name = said.get("name", DEFAULT_NAME)
    if _NAME.fullmatch(name) is None:
        raise _bad("name", name, "is not made of letters, digits, dots, dashes and underscores")
    user = unquote(parts.username or "") or environ.get(USER, "")
    password = unquote(parts.password or "") or _password(environ)
    if user and not password:
        raise SettingsError(
            f"The queue's server is to be used as {visible(user)}, and there is no password.",
            f"Write it into a file of yours alone and name that with {PASSWORD_FILE}.",
        )
    socket = unquote(parts.path) if parts.scheme == "redis+unix" else ""
    db = said.get("db", "0") if socket else parts.path.strip("/") or "0"
    return Location(
        name=name,
        shown=_shown(parts),
        host=parts.hostname or "localhost",
        port=_port(parts),
        socket=socket,
        db=_number("db", db),
        user=user,
        password=password,
        timeout_s=_seconds(said.get("timeout", "")),
        open=_is_open(said.get("open", "no")),
        tls=parts.scheme == "rediss",
        **{
            option: _file(option, said[option])
            for option in ("ca", "cert", "key")
            if option in said
        },
    )


def _split(url: str) -> SplitResult:
    # The URL may hold a password: no message repeats it as it is.
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError("The queue's URL cannot be read.", LOOKS_LIKE) from None
    if not url.isprintable() or parts.scheme not in _OPTIONS or parts.fragment:
        raise SettingsError("The queue's URL cannot be read.", LOOKS_LIKE)
    if (parts.scheme == "redis+unix") != (not parts.hostname and len(parts.path) > 1):
        raise SettingsError(f"The queue's URL {_shown(parts)} names no server.", LOOKS_LIKE)
    return parts


def _options(parts: SplitResult) -> dict[str, str]:
    twice = SettingsError(f"The queue's URL {_shown(parts)} says one thing twice.", LOOKS_LIKE)
    return url_options(parts.query, parts.scheme, _OPTIONS[parts.scheme], twice)


def _shown(parts: SplitResult) -> str:
    """The URL as others may see it: with the user, without the password."""
    at = parts.netloc.rpartition("@")[2]
    user = f"{quote(unquote(parts.username), safe='')}@" if parts.username else ""
    query = f"?{parts.query}" if parts.query else ""
    return visible(f"{parts.scheme}://{user}{at}{parts.path}{query}")


def _password(environ: Mapping[str, str]) -> str:
    named = environ.get(PASSWORD_FILE)
    if not named:
        return environ.get(PASSWORD, "")
    path = os.path.expanduser(named)
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsError(
                    f"{PASSWORD_FILE} names {visible(path)}, which others may open.",
                    "Type: chmod 600 on it.",
                )
            return file.read(MAX_PASSWORD_BYTES).decode("utf-8", "replace").strip("\r\n")
    except OSError as exc:
        raise SettingsError(
            f"{PASSWORD_FILE} names {visible(path)}, which cannot be read: {reason(exc)}.",
            remedy(exc),
        ) from exc


def _file(option: str, named: str) -> str:
    path = os.path.expanduser(named)
    if not os.path.isfile(path):
        raise _bad(option, named, "is no file")
    return path


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT
    except ValueError:
        raise SettingsError("The queue's URL has a port that is none.", LOOKS_LIKE) from None


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _bad(option, text, "is not the number of a database")
    return int(text)


def _seconds(text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT_S
    if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text, re.ASCII) is None or not float(text):
        raise _bad("timeout", text, "is not a number of seconds")
    return float(text)


def _is_open(text: str) -> bool:
    if text not in ("yes", "no"):
        raise _bad("open", text, "is neither yes nor no")
    return text == "yes"


def _bad(option: str, value: str, problem: str) -> SettingsError:
    return SettingsError(
        f"The queue's URL has {option}={visible(value, limit=64)}, which {problem}.", LOOKS_LIKE
    )
