"""Which URLs a remote may have: ``https``, ``ssh``, and a path that the login node's owner trusts."""

import re
from collections.abc import Iterable
from enum import StrEnum

from aexp.domain.git_setting import Setting

MAX_CHARS = 2048
_WITH_PORTS = ("https", "http", "ssh", "git+ssh", "git", "file")
_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])"
_USER = r"[A-Za-z0-9_~.%+!$*,=][^\x00-\x20\x7f@/:?#\[\]\\'\"`<>|;&]{0,255}"
_LOGIN = r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}"
_HTTPS = re.compile(
    rf"https://(?:{_USER}(?::[^\x00-\x20\x7f@/]{{0,1024}})?@)?{_HOST}(?::[0-9]{{1,5}})?(?:/[^\x00-\x20\x7f]*)?"
)
_SSH = re.compile(rf"(?:git\+)?ssh://(?:{_LOGIN}@)?{_HOST}(?::[0-9]{{1,5}})?/[^\x00-\x1f\x7f]*")
_SCP = re.compile(rf"(?:{_LOGIN}@)?{_HOST}:(?!:)(?!//)[^\x00-\x1f\x7f-][^\x00-\x1f\x7f]*")


class Transport(StrEnum):
    """How a URL is reached."""

    HTTPS = "https"
    SSH = "ssh"
    PATH = "path"
    NONE = "none"  # not one that the relay uses


def transport(url: str) -> Transport:
    """How git would reach the URL, judged as strictly as git(1) allows."""
    if len(url) > MAX_CHARS or "::" in url.partition("/")[0]:
        return Transport.NONE
    if _HTTPS.fullmatch(url):
        return Transport.HTTPS
    if _SSH.fullmatch(url):
        return Transport.SSH
    if path_of(url) is not None:
        return Transport.PATH
    return Transport.SSH if "://" not in url and _SCP.fullmatch(url) else Transport.NONE


def path_of(url: str) -> str | None:
    """The path that the URL names, None when it names none. A relative one is relative to the root."""
    if url.startswith("file://"):
        return url.removeprefix("file://").removeprefix("localhost") or None
    if not url or url.startswith("-") or not url.isprintable() or "://" in url:
        return None
    before, colon, _ = url.partition(":")
    return None if colon and "/" not in before else url


def rewritten(url: str, settings: Iterable[Setting], *, push: bool = False) -> str:
    """The URL after ``url.<base>.insteadOf`` and, to push, ``pushInsteadOf``: the longest match counts.

    Git is given the result and no such settings: what a person is shown is where it connects.
    """
    rules = [one for one in settings if one.section == "url" and one.value]
    for name in ("pushinsteadof", "insteadof") if push else ("insteadof",):
        fitting = [one for one in rules if one.name == name and url.startswith(one.value or "")]
        if fitting:
            rule = max(fitting, key=lambda one: len(one.value or ""))
            return rule.subsection + url.removeprefix(rule.value or "")
    return url


def lfs_endpoint(url: str) -> str:
    """Where git-lfs keeps objects for a remote by its own rule (git-lfs, docs/api/server-discovery.md)."""
    if transport(url) is Transport.HTTPS:
        base = url.rstrip("/")
        return f"{base}/info/lfs" if base.endswith(".git") else f"{base}.git/info/lfs"
    path = path_of(url)
    return url if path is None or url.startswith("file://") else f"file://{path}"


def _is_port(text: str, scheme: str) -> bool:
    """Whether what follows a host is its port, or the end of a host of colons.

    Digits are, where git connects to that host: a person who is asked must be shown no other. For another
    scheme (a queue's) they may be a password, in which a slash was written as it is.
    """
    if "]" in text:
        return True
    return scheme in _WITH_PORTS and text.isascii() and text.isdecimal() and int(text) < 65536


def redacted_url(url: str) -> str:
    """The URL without the password (or token) that it may carry."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    port = authority.partition(":")[2]
    if "@" not in authority and "@" in path and port and not _is_port(port, scheme):
        # No port: a password in which a slash was not written as %2F.
        authority, slash, path = rest.rpartition("@")[0] + "@", "", rest.rpartition("@")[2]
    user, at, host = authority.rpartition("@")
    if not separator or not at:
        return url
    name, colon, _ = user.partition(":")
    # A user without a password can be a name (ssh) or, for https, a token.
    known = f"{name}:[redacted]" if colon else user if scheme != "https" else "[redacted]"
    return f"{scheme}://{known}@{host}{slash}{path}"
