"""The queue's storage: seven verbs on names and bytes, a reserve for bad times, a check, and two hints.

A transport implements these; layout, claims, consent, beats and recovery are written once above them
(:mod:`aexp.airgapped.queue`). :class:`aexp.testing.QueueContract` checks the promises made here.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from aexp.domain.profiles import Profile

if TYPE_CHECKING:
    from aexp.ports.far import FarSide


class QueueStorage(Protocol):
    """Names are ``entry`` or ``folder/entry``; entries that begin with a dot are the adapter's own.

    Several processes on several nodes use one storage at once. Every verb raises
    :class:`~aexp.domain.errors.RelayStorageError` when the storage fails, naming the file and the
    remedy; then either nothing has changed or the whole change was made. Folders come into being when they
    are first written to.

    Others can put links, FIFOs and folders where a verb expects a file. A link is never followed, nothing
    waits for a FIFO, and ``put``, ``take`` and ``remove`` move a folder that is in their way to ``bad/``.
    """

    @property
    @abstractmethod
    def url(self) -> str:
        """What ``--queue`` would say to reach this storage again; for messages."""

    @property
    @abstractmethod
    def folder(self) -> str | None:
        """The absolute path of the queue where it is a folder, so that nothing may work inside it."""

    @property
    def identity(self) -> str:
        """What a node keeps things of this queue under: the same however its URL is written."""
        return self.folder or self.url

    @property
    @abstractmethod
    def profile(self) -> Profile:
        """How the filesystem behind it is treated; tells pollers how often they may look."""

    @property
    @abstractmethod
    def shared(self) -> bool:
        """Whether several daemons, on several nodes, may serve it at once.

        Only where every verb is decided in one place, so that nobody remembers wrongly what is there, and
        where a daemon may be told from another by its beats alone. Then pieces that several ``append`` to
        one name at once arrive whole, in some order.
        """

    @property
    @abstractmethod
    def hears(self) -> bool:
        """Whether the moves of a followed file are told here: they have been before."""

    @property
    def far(self) -> "FarSide | None":
        """Where requests work and people decide, if that is another machine; None in a shared home."""
        return None

    @abstractmethod
    def list(self, folder: str) -> list[str]:
        """The entries of a folder (of the queue itself for ``""``), in no order.

        Fresh: holds every entry whose ``put``, ``put_new`` or ``take`` had returned, on any node, before
        this call began. A folder that does not exist yet is empty. Costs the same for each entry, whatever
        the entries hold.
        """

    def stamp(self, folder: str) -> object | None:  # noqa: ARG002 -- For those who can tell.
        """What changes when an entry of the folder comes or goes, and costs one look however many there are.

        Equal as long as nothing comes or goes, on any node. A change within a second of another one may leave
        it as it is: what was listed while it had been the same for longer still holds. None where the storage
        cannot tell, as by default; then the folder is listed.
        """
        return None

    @abstractmethod
    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """The bytes of a name from ``offset`` on, at most ``limit`` of them.

        Never half of a ``put`` or ``put_new``. To be called for names that were listed, or that are
        known to exist: on some filesystems asking for a name too early hides it for a while.

        Raises:
            StorageMissingError: there is no such name.
            StorageUnfitError: the name is not a plain file that is safe to read.
        """

    @abstractmethod
    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Make ``name`` hold ``data``, replacing what it held in one step.

        Args:
            durable: whether it survives a power cut once this returns.
        """

    @abstractmethod
    def put_new(
        self, name: str, data: bytes, *, durable: bool = True, follow: bool = False
    ) -> bool:
        """Make ``name`` hold ``data`` unless it exists.

        Args:
            durable: whether it survives a power cut once this returns.
            follow: whether ``wait(file=name)`` is to follow, so that the move that tells may not be missed.

        Of several callers at once exactly one gets True, and the content is whole as soon as the name
        is there. A repeat with the same ``data`` is True again: ``data`` should say who wrote it.
        """

    @abstractmethod
    def take(self, src: str, dst: str, *, durable: bool = False, tell: bool = False) -> bool:
        """Move ``src`` to ``dst``, where nobody else puts anything.

        Args:
            durable: whether it is for good on return.
            tell: whether it is the move that those wait for who follow the file (see :meth:`wait`).

        Of several callers at once exactly one gets True; a caller that gets False changed nothing. The
        content moves whole; it is at ``src`` or at ``dst`` at every moment, never at both.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """See to it that ``name`` is gone. Repeating it, or removing what never was, is no error.

        Raises:
            StorageUnfitError: the name is one in ``bad/`` and holds more than a file; it is never deleted.
        """

    @abstractmethod
    def append(self, name: str, data: bytes) -> None:
        """Add ``data`` at the end of ``name``, which comes into being if needed.

        For one writer at a time, unless the storage is ``shared``. Readers that call ``read`` with an
        offset see a growing prefix.

        Raises:
            StorageUnfitError: the name is not a plain file of ours (a link, a FIFO).
        """

    @abstractmethod
    def reserve(self, count: int) -> None:
        """See to it that ``count`` more texts of at most 4,000 bytes can be written on a full disk.

        Repeating it while they are unused costs nothing. ``count`` 0 gives the space back.

        Raises:
            StorageFullError: there is no room to set aside.
        """

    @abstractmethod
    def untrusted(self, folders: Sequence[str]) -> str | None:
        """Why the queue cannot be trusted, and what to type against it; None when it can.

        It cannot when it or one of its ``folders`` belongs to somebody else, can be written by others or
        is a link. A folder that is not there yet says nothing. Costs a look at each folder: to be asked at
        the start and now and then. A storage with no such thing as an owner gives None.
        """

    def unguarded(self, folder: str) -> str | None:
        """Why whoever can leave a request can also write into a folder, and what to do; None if they cannot.

        As far as the storage can find out. One that keeps nobody apart says so of every folder.
        """
        return (
            f"For {folder}/, {self.url} does not keep those who ask and those who decide apart. "
            "Use --consent login or signed."
        )

    def cautions(self) -> Sequence[tuple[str, str]]:
        """What whoever serves it should know of it, each with what helps.

        Raises:
            RelayStorageError: it cannot be asked.
        """
        return ()

    @abstractmethod
    def wait(
        self,
        folders: Sequence[str],
        timeout_s: float,
        also: Sequence[int] = (),
        file: str | None = None,
    ) -> bool:
        """Let time pass until something in ``folders`` may have changed.

        Only a hint: may return early, and may sleep through a change. Returns after ``timeout_s`` seconds
        at the latest, and at once when one of the file descriptors in ``also`` is readable.

        Args:
            file: a name whose move with ``tell`` ends the wait in place of changes in ``folders``, wherever
                it is by then (its other moves may, too); where it cannot be watched, or is not there, the
                folders count.

        Returns:
            Whether ``file`` was seen to move. Whoever moved it is on this machine, so what is said of names
            right after it is true.
        """
