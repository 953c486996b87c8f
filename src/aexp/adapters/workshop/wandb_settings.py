"""The login user's own wandb settings, read once at the daemon's start, and the surroundings made of them.

A run is uploaded with the server, the key and the proxies that its owner had then: what a requester
writes into ``./wandb/settings``, ``~/.config/wandb/settings`` or ``~/.netrc`` later has no effect.
"""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.plain_files import MAX_BYTES, read_anywhere, write_private
from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import RelayStartError

DEFAULT_SERVER = "the default server of wandb"
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_ALLOWED = (
    *("USER", "LOGNAME", "TZ"),
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("WANDB_API_KEY", "WANDB_APP_URL", "WANDB_HTTP_TIMEOUT", "WANDB_IDENTITY_TOKEN_FILE"),
    "WANDB_INSECURE_DISABLE_SSL",
)
_FIXED = {
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "PYTHONSAFEPATH": "1",
    "WANDB_MODE": "online",
    "WANDB_DISABLE_GIT": "true",
    # Its reports of errors would go to a host that nobody was asked about.
    "WANDB_ERROR_REPORTING": "false",
}


@dataclass(frozen=True)
class WandbSettings:
    """What was pinned.

    Attributes:
        base_url: the server that the user configured; empty where wandb's own default counts.
        settings: the bytes of the user's settings file.
        netrc: the bytes of the user's netrc file, with the key.
        kept: what the programs get of the daemon's environment.
        sources: the files that were read, and that may be watched for a change.
        has_key: whether the settings file itself holds a key.
    """

    base_url: str
    settings: bytes
    netrc: bytes
    kept: Mapping[str, str]
    sources: tuple[Path, ...]
    has_key: bool = False

    @property
    def server(self) -> str:
        """Where runs go, in words for the person who approves."""
        return self.base_url or DEFAULT_SERVER


def pin_wandb_settings(environ: Mapping[str, str], home: str) -> WandbSettings:
    """Read what the user has configured; all of it may be missing.

    Raises:
        RelayStartError: a file is there and cannot be read or understood.
    """
    folder = environ.get("WANDB_CONFIG_DIR") or f"{home}/.config/wandb"
    file = Path(folder) / "settings"
    settings = _read(file)
    netrc = next(
        (path for path in _netrc_files(environ, home) if path.exists()), Path(home, ".netrc")
    )
    return WandbSettings(
        base_url=environ.get("WANDB_BASE_URL") or _setting(settings, file, "base_url"),
        has_key=bool(_setting(settings, file, "api_key")),
        settings=settings,
        netrc=_read(netrc),
        kept={name: environ[name] for name in _ALLOWED if environ.get(name)},
        sources=(file, netrc),
    )


def furnish(
    folder: Path, pinned: WandbSettings, program: str, home: str, *, trusts_home: bool
) -> dict[str, str]:
    """Put the pinned files into an empty folder; the environment with which wandb finds only them.

    Args:
        folder: absolute, and the node's own.
        program: the absolute path of wandb.
        trusts_home: whether the program itself lies below the home. It may need the home then (a
            wrapper, the user's own site-packages), and nothing is gained by keeping it away.

    Raises:
        OSError: the files cannot be written.
    """
    for name in ("work", "config", "tmp", "home"):
        (folder / name).mkdir(mode=0o700)
    write_private(folder / "config" / "settings", pinned.settings)
    write_private(folder / "netrc", pinned.netrc)
    places = {
        "HOME": home if trusts_home else str(folder / "home"),
        "PATH": f"{os.path.dirname(program)}:{_SYSTEM_PATH}",
        "TMPDIR": str(folder / "tmp"),
        "NETRC": str(folder / "netrc"),
        "XDG_CONFIG_HOME": str(folder / "home/.config"),
        "XDG_CACHE_HOME": str(folder / "home/.cache"),
        "XDG_DATA_HOME": str(folder / "home/.local/share"),
        "WANDB_DIR": str(folder / "work"),
        "WANDB_CONFIG_DIR": str(folder / "config"),
        "WANDB_CACHE_DIR": str(folder / "home/.cache"),
        "WANDB_DATA_DIR": str(folder / "home/.local/share"),
        "WANDB_CREDENTIALS_FILE": str(folder / "config/credentials.json"),
    }
    if pinned.base_url:
        places["WANDB_BASE_URL"] = pinned.base_url
    if not trusts_home:
        places["PYTHONNOUSERSITE"] = "1"
    return {**pinned.kept, **_FIXED, **places}


def _netrc_files(environ: Mapping[str, str], home: str) -> list[Path]:
    if environ.get("NETRC"):
        return [Path(environ["NETRC"])]
    return [Path(home, ".netrc"), Path(home, "_netrc")]


def _read(path: Path) -> bytes:
    try:
        return read_anywhere(path, MAX_BYTES) or b""
    except OSError as exc:
        raise RelayStartError(
            f"wandb's file {path} cannot be read: {reason(exc)}.", remedy(exc)
        ) from exc


def _setting(settings: bytes, file: Path, name: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(settings.decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise RelayStartError(
            f"wandb's file {file} cannot be understood.",
            "Set it right (`wandb login` writes it), or move it away.",
        ) from exc
    return parser.get("default", name, fallback="").strip()
