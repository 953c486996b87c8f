"""A queue on a Redis or Valkey server: many hosts, many daemons, one truth.

Where what lies, for a queue of the name ``lab``; the braces keep all of it on one node of a cluster::

    aexp:{lab}:inbox            set      the entries of a folder
    aexp:{lab}:inbox/<entry>    string   what an entry holds
    aexp:{lab}:/<entry>         string   the same for a name without a folder; its set is aexp:{lab}:
    aexp:{lab}:.folders         set      the folders that were ever written to
    aexp:{lab}:.last/<user>/<writer>
                                string   number and outcome of a writer's last change, for 15 minutes
    aexp:{lab}:inbox            channel  told of each new entry of a folder
    aexp:{lab}:told:<stem>      channel  told of moves with ``tell`` and of appends to names of that stem

A name's stem is what stands before its first dot: what a move of a request's file leaves as it is. Each
folder has keys of its own, so that an ACL can give rights folder by folder (``docs/redis.md``).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aexp.ports.storage import QueueStorage
    from aexp.ports.transport import TransportOptions


def open_redis_queue(_location: str, options: "TransportOptions") -> "QueueStorage":
    """The queue that a URL ``redis://``, ``rediss://`` or ``redis+unix://`` names; connects at the first use.

    Raises:
        SettingsError: the URL cannot be one, or names files that cannot be used.
    """
    import os

    from aexp.adapters.storage.redis.location import located
    from aexp.adapters.storage.redis.server import Server
    from aexp.adapters.storage.redis.storage import RedisStorage

    where = located(options.url, os.environ)
    return RedisStorage(Server(where, options.clock), options.clock, options)
