"""What others may do on the server, and how it keeps what it is given: found out by asking and trying."""

import os
import stat
from collections.abc import Iterator

import redis
from redis.exceptions import RedisError

from aexp.adapters.storage.redis.failures import code_of, translated
from aexp.adapters.storage.redis.server import Server
from aexp.domain import layout
from aexp.domain.errors import StorageForbiddenError

USERS = "Have users made for clients, approvers and daemons: see docs/redis.md, users."
_REFUSED = ("NOAUTH", "NOPERM", "WRONGPASS", "DENIED")
_SYNCED_FROM = (7, 2)
"""The version from which a server tells whether something is on its disk."""


def untrusted(server: Server) -> str | None:
    """Why others could leave requests in the queue; None when they cannot, or are trusted."""
    if server.location.open or _is_own_socket(server.location.socket):
        return None
    if not _anybody_writes(server, layout.INBOX):
        return None
    return (
        f"Whoever reaches the server {server.location.server} can write this queue: it asks for no password. "
        f"{USERS} If all who reach it are trusted, add open=yes to the queue's URL."
    )


def unguarded(server: Server, folder: str) -> str | None:
    """Why whoever can submit could also write into ``folder``; None when that cannot be seen."""
    if _anybody_writes(server, folder):
        return f"Whoever reaches {server.location.server} can write {folder}/. {USERS}"
    try:
        me = server.ask("the user could not be asked for", "ACL WHOAMI")
    except StorageForbiddenError:
        return f"This daemon may not ask which user it is (+acl|whoami). {USERS}"
    if me in (b"default", "default"):
        return (
            f"This daemon is the user default of {server.location.server}, whose one password clients "
            f"may have too. {USERS}"
        )
    return None


def cautions(server: Server) -> Iterator[tuple[str, str]]:
    """What whoever serves the queue should know of the server, each with what helps."""
    if server.location.open:
        yield "whoever reaches the server can leave requests (open=yes in the queue's URL)", USERS
    try:
        facts = server.facts()
    except StorageForbiddenError:
        told = "this user may not ask whether the server forgets, or evicts"
        yield told, "Ask as the daemon's user, who needs +info; a client's needs nothing more."
        return
    if facts.get("role", "master") != "master":
        yield "the server is a replica, which takes nothing in", "Name the primary in the URL."
    if facts.get("redis_mode") == "cluster":
        yield "the server is a node of a cluster, for which a queue was never tried", "Use another."
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        told = f"the server throws open requests away when its memory is full ({policy})"
        yield told, "Have maxmemory-policy set to noeviction."
    yield from _of_persistence(server, facts)


def _of_persistence(server: Server, facts: dict[str, str]) -> Iterator[tuple[str, str]]:
    if facts.get("aof_enabled", "1") == "0":
        yield (
            "a restart of the server loses what is open (appendonly no)",
            "Have appendonly set to yes, and appendfsync to always.",
        )
        return
    synced = _configured(server, "appendfsync")
    if synced in ("", "always"):
        return
    told = "a power cut of the server can lose the last second"
    if _version(facts) >= _SYNCED_FROM:
        told = "what must survive a power cut of the server takes up to a second longer each time"
    yield f"{told} (appendfsync {synced})", "Have appendfsync set to always."


def _version(facts: dict[str, str]) -> tuple[int, ...]:
    named = facts.get("valkey_version") or facts.get("redis_version") or "0"
    return tuple(int(part) for part in named.split(".")[:2] if part.isdigit())


def _configured(server: Server, name: str) -> str:
    """A setting of the server; empty where this user may not ask for it."""
    try:
        found = server.ask("a setting could not be asked for", "CONFIG GET", name)
    except StorageForbiddenError:
        return ""
    return str(found.get(name, ""))


def _is_own_socket(path: str) -> bool:
    """Whether only this user, and root, can connect to it."""
    try:
        about = os.stat(path) if path else None
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return about is not None and about.st_uid == os.geteuid() and not about.st_mode & others


def _anybody_writes(server: Server, folder: str) -> bool:
    """Whether one who gives no password can write into a folder: tried, and taken back."""
    entry = f".tried-{os.urandom(8).hex()}".encode()
    entries = server.prefix + folder.encode()
    content = b"%s/%s" % (entries, entry)
    tries = (("SADD", entries, entry), ("SET", content, b""))
    backs = (("SREM", entries, entry), ("DEL", content))
    stranger = server.connected(as_nobody=True)
    let = False
    try:
        for made, back in zip(tries, backs, strict=True):
            if _is_let(server, stranger, *made):
                let = True
                server.ask("a try could not be taken back", *back)
    finally:
        stranger.close()
    return let


def _is_let(server: Server, stranger: redis.Redis, *command: str | bytes) -> bool:
    try:
        stranger.execute_command(*command)
    except RedisError as exc:
        if code_of(exc) in _REFUSED:
            return False
        raise translated(
            exc, server.location.server, "what anybody may do could not be tried"
        ) from exc
    return True
