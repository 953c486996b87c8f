"""Where operations may connect: what was remembered of a working copy, and what to make of a change."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Destination:
    """One place outside that an operation would talk to.

    Attributes:
        remote: the remote's name in the repository; ``wandb`` for the server of wandb.
        verb: ``fetch`` or ``push`` (git has a URL for each), or ``sync``.
        url: where it connects, as configured.
        lfs_url: where git-lfs would send or find objects; empty without LFS.
    """

    remote: str
    verb: str
    url: str
    lfs_url: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What is remembered once for each working copy."""
        return self.remote, self.verb


@dataclass(frozen=True)
class Judgement:
    """What the memory says to where an operation wants to go.

    Attributes:
        first: destinations of a working copy of which nothing is remembered yet.
        questions: (destination, what was remembered before or None): a person decides.
    """

    first: tuple[Destination, ...] = ()
    questions: tuple[tuple[Destination, Destination | None], ...] = ()

    @property
    def moved(self) -> bool:
        """Whether a remote has another URL than before."""
        return any(old is not None for _, old in self.questions)


def judge(
    asked: Iterable[Destination], known: Iterable[Destination], *, strict: bool = False
) -> Judgement:
    """Compare where an operation wants to go with what is remembered of the working copy.

    The first use of a working copy is trusted, unless ``strict``. From then on each URL that differs, and
    each remote that is new, is a question to a person: that is how data would be led elsewhere.
    """
    pins = {pin.key: pin for pin in known}
    new = [one for one in asked if pins.get(one.key) != one]
    if not pins and not strict:
        sure = tuple(one for one in new if not _leads_elsewhere(one))
        doubtful = tuple((one, None) for one in new if _leads_elsewhere(one))
        return Judgement(first=sure, questions=doubtful)
    # Fetching from where one already pushes to, and the reverse, leads nowhere new.
    urls = {(pin.remote, pin.url, pin.lfs_url) for pin in pins.values()}
    same = tuple(one for one in new if (one.remote, one.url, one.lfs_url) in urls)
    asks = tuple((one, pins.get(one.key)) for one in new if one not in same)
    return Judgement(first=same, questions=asks)


def _leads_elsewhere(one: Destination) -> bool:
    """Whether LFS objects would go to another host than the commits: a tracked file can say so."""
    return bool(one.lfs_url) and host_of(one.lfs_url) != host_of(one.url)


def host_of(url: str) -> str:
    """The host in ``scheme://[user@]host[:port]/…`` or ``[user@]host:path``; empty for a path."""
    if "://" in url:
        authority = url.split("://", 1)[1].split("/", 1)[0]
        host = authority.rpartition("@")[2]
        if host.startswith("["):
            return host.partition("]")[0].lower() + "]"
        return host.partition(":")[0].lower()
    before, colon, _ = url.partition(":")
    return before.rpartition("@")[2].lower() if colon and "/" not in before else ""
