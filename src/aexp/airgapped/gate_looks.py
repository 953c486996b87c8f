"""What a client elsewhere may look at: requests and their answers, by name and within bounds, and time."""

from collections.abc import Callable, Mapping, Sequence

from aexp.airgapped.asked import Asked, GateRefusedError
from aexp.domain import layout
from aexp.domain.errors import RelayStorageError
from aexp.domain.far import MAX_FOLDERS, MAX_NAMES, MAX_WAIT_S, may_list, may_read, shown
from aexp.domain.frames import MAX_ANSWER, Frame
from aexp.domain.identity import ProcessId
from aexp.domain.text import visible
from aexp.ports.processes import Processes
from aexp.ports.storage import QueueStorage

_FAR_OFF = 1 << 50


class Looks:
    """The verbs that change nothing.

    Args:
        listens: descriptors that end a wait when they are readable.
        hurry: whether nothing is to be waited for.
    """

    def __init__(
        self,
        storage: QueueStorage,
        processes: Processes,
        listens: Sequence[int],
        hurry: Callable[[], bool] | None,
    ) -> None:
        self._hurry = hurry
        self._storage = storage
        self._processes = processes
        self._listens = listens

    @property
    def verbs(self) -> Mapping[str, Callable[[Asked, bytes], Frame]]:
        """What may be asked for, and who does it."""
        return {"list": self.list, "read": self.read, "wait": self.wait, "alive": self.alive}

    def list(self, asked: Asked, _: bytes) -> Frame:
        """The entries of ``folder``, one in a line."""
        folder = asked.text("folder", 64)
        asked.end()
        if not may_list(folder):
            raise GateRefusedError(f"the folder '{visible(folder)}' is not shown")
        names = shown(folder, self._storage.list(folder))
        if len(names) > MAX_NAMES:
            raise RelayStorageError(
                f"{folder} holds more than {MAX_NAMES} entries.", "Look at it on the login node."
            )
        body = "\n".join(names).encode()
        if len(body) > MAX_ANSWER:
            raise RelayStorageError(f"{folder} holds too much.", "Look at it on the login node.")
        return Frame({}, body)

    def read(self, asked: Asked, _: bytes) -> Frame:
        """At most ``limit`` bytes of ``name`` from ``offset`` on."""
        name, limit = asked.text("name", 400), asked.number("limit", MAX_ANSWER)
        offset = asked.number("offset", _FAR_OFF)
        asked.end()
        if not may_read(name):
            raise GateRefusedError(f"'{visible(name)}' is not shown")
        return Frame({}, self._storage.read(name, int(offset), int(limit)))

    def wait(self, asked: Asked, _: bytes) -> Frame:
        """Let time pass until something may have changed, or the client asks again."""
        folders, seconds = asked.texts("folders", MAX_FOLDERS), asked.number("seconds", MAX_WAIT_S)
        file = asked.maybe("file", 64)
        asked.end()
        if not all(map(may_list, folders)):
            raise GateRefusedError("one of the folders is not shown")
        if file is not None and not (file.startswith(f"{layout.INBOX}/") and may_read(file)):
            raise GateRefusedError(f"'{visible(file)}' is no request")
        if self._hurry is not None and self._hurry():
            seconds = 0.0
        moved = self._storage.wait(folders, seconds, self._listens, file)
        return Frame({"moved": moved, "hears": self._storage.hears})

    def alive(self, asked: Asked, _: bytes) -> Frame:
        """Whether the process that a daemon says it is lives on this machine."""
        process = ProcessId.parse(asked.text("process", 120))
        asked.end()
        return Frame({"alive": None if process is None else self._processes.alive(process)})
