"""Which transports there are: ours by a table, and those of other packages by their entry points.

Opening a queue in files needs nothing of this. Entry points are looked for only where the table does not
know a scheme, since that reads the metadata of every installed package.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, cast

from aexp.airgapped.defaults import load
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from aexp.ports.storage import QueueStorage
    from aexp.ports.transport import Transport, TransportOptions

GROUP = "aexp.transports"
"""The entry point group in which a package names its transports: ``scheme = "module:function"``."""


class BuiltIn(NamedTuple):
    """A transport of ours.

    Attributes:
        purpose: what it is for, in a few words.
        opens: the :data:`~aexp.ports.transport.Transport`, as ``module:name``; empty for files.
        extra: the extra of aexp that it needs; empty for none.
        needs: the module which that extra brings.
        program: the program that it needs; empty for none.
    """

    purpose: str
    opens: str
    extra: str = ""
    needs: str = ""
    program: str = ""

    @property
    def remedy(self) -> str:
        """What to do so that it can be used; empty where it can be."""
        if self.needs and find_spec(self.needs) is None:
            return f"pip install {_source(self.extra)}"
        if self.program:
            from shutil import which

            return "" if which(self.program) else f"install a program {self.program}, on the PATH"
        return ""


_REDIS = ("aexp.adapters.storage.redis:open_redis_queue", "redis", "redis")
_SSH = ("aexp.adapters.storage.ssh:open_ssh_queue", "", "", "ssh")
_MEMORY = "aexp.adapters.storage.memory:open_memory_queue"
TRANSPORTS = {
    "file": BuiltIn("a folder in a home that the nodes share", opens=""),
    "redis": BuiltIn("a Redis or Valkey server; many daemons", *_REDIS),
    "rediss": BuiltIn("the same, over TLS", *_REDIS),
    "redis+unix": BuiltIn("the same, over a Unix socket", *_REDIS),
    "ssh": BuiltIn("a machine that may reach the login node", *_SSH),
    "memory": BuiltIn("one process: tests, trying things out", _MEMORY),
}
"""URL scheme to what opens such a queue; one in files is opened by ``open_queue`` itself."""
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"))
"""Schemes of fsspec that cannot hold a queue: why, stands in docs/transports.md."""


def open_with(scheme: str, location: str, options: "TransportOptions") -> "QueueStorage":
    """The storage that a transport opens.

    Raises:
        SettingsError: nobody knows the scheme, or what opens it is not installed or cannot be loaded.
    """
    return transport_of(scheme, options.url)(location, options)


def transport_of(scheme: str, url: str) -> "Transport":
    """What opens the queues of a scheme. It is loaded, and opens nothing yet.

    Args:
        url: the queue's whole URL, for the message.

    Raises:
        SettingsError: as for :func:`open_with`.
    """
    built_in = TRANSPORTS.get(scheme)
    return _theirs(scheme, url) if built_in is None else _ours(scheme, built_in)


def third_party() -> "list[EntryPoint]":
    """What other packages offer, by scheme; what the table knows is not asked for there."""
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    return sorted(found, key=lambda entry: (entry.name.lower(), package_of(entry)))


def package_of(entry: "EntryPoint") -> str:
    """The distribution that an entry point came with, and its version."""
    return "?" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _ours(scheme: str, transport: BuiltIn) -> "Transport":
    if transport.remedy:
        raise SettingsError(
            f"{scheme}:// needs {transport.needs or transport.program}, which is not installed here.",
            f"To have it: {transport.remedy}",
        )
    hint = f"Install it anew: pip install --force-reinstall {_source(transport.extra)}"
    return _loaded(scheme, "aexp", lambda: load(transport.opens), hint)


def _source(extra: str) -> str:
    # aexp may come from a clone: then its name alone is nobody's package, or somebody else's.
    return str(load("aexp.adapters.own_source:own_source")(extra))


def _theirs(scheme: str, url: str) -> "Transport":
    found = third_party()
    offers = [entry for entry in found if entry.name.lower() == scheme]
    if not offers:
        raise _unknown(scheme, url, [entry.name.lower() for entry in found])
    packages = [package_of(entry) for entry in offers]
    if len(offers) > 1:
        raise SettingsError(
            f"{scheme}:// is offered by more than one package: {', '.join(packages)}.",
            "Uninstall all but one of them.",
        )
    return load_theirs(offers[0])


def load_theirs(entry: "EntryPoint") -> "Transport":
    """What another package brings.

    Raises:
        SettingsError: importing it raised something, whatever that was, or it cannot be called.
    """
    package = package_of(entry)
    return _loaded(entry.name.lower(), package, entry.load, f"Mend it or uninstall {package}.")


def _loaded(scheme: str, package: str, find: Callable[[], object], hint: str) -> "Transport":
    try:
        opens = find()
    except Exception as exc:
        why = visible(f"{type(exc).__name__}: {exc}")
        raise SettingsError(
            f"The transport {scheme}:// of {package} could not be loaded ({why}).", hint
        ) from exc
    if not callable(opens):
        raise SettingsError(f"The transport {scheme}:// of {package} is no function.", hint)
    return cast("Transport", opens)


def _unknown(scheme: str, url: str, others: list[str]) -> SettingsError:
    from aexp.domain.remote_urls import redacted_url

    if scheme in OBJECT_STORES:
        return SettingsError(
            f"An object store ({scheme}://) cannot hold a queue: it copies and deletes where a queue has to "
            "move, so a request could be run twice.",
            "Use a folder that the nodes share, or redis://; `aexp relay transports` lists what there is.",
        )
    import difflib

    names = [*dict.fromkeys([*TRANSPORTS, *others])]
    near = difflib.get_close_matches(scheme, names, n=1)
    meant = f"Did you mean {near[0]}://? " if near else ""
    known = ", ".join(f"{name}://" for name in names)
    return SettingsError(
        f"The queue {visible(redacted_url(url))} has an unknown scheme, {visible(scheme)}.",
        f"{meant}Known: {known} or a plain path. {_wanting()}`aexp relay transports` tells more.",
    )


def _wanting() -> str:
    """What to install for those of ours that need an extra; empty where all are there."""
    schemes: dict[str, list[str]] = {}
    for name, transport in TRANSPORTS.items():
        if transport.extra and transport.remedy:
            schemes.setdefault(transport.remedy, []).append(f"{name}://")
    return "".join(f"For {', '.join(names)}: {remedy}. " for remedy, names in schemes.items())
