"""What is shorter than it was and still says the most: for tables, and for the lines of the console."""

from aexp.cli.cells import cells, ending, head
from aexp.domain.identity import ProcessId


def operation(text: str, room: int) -> str:
    """An operation with its arguments: in part, or how many they are where some would be out of sight.

    >>> operation("wandb_sync wandb/offline-run-1 wandb/offline-run-2", 24)
    'wandb_sync 2 args'
    """
    cut = head(text, room)
    name, *args = text.split(" ")
    counted = f"{name} {len(args)} args"
    if cut == text or len(args) < 2 or len(cut) - 1 > len(text) - len(args[-1]):
        return cut
    return counted if cells(counted) <= room else cut


def folder(path: str, home: str) -> str:
    """A folder, with ``~`` for the home that it is or lies in."""
    below = home and f"{path}/".startswith(f"{home}/")
    return f"~{path.removeprefix(home)}" if below else path


def tail(path: str, room: int) -> str:
    """The end of a path, which is what tells it from its neighbours; from a slash on if one is left.

    Args:
        room: columns, at least two.
    """
    if cells(path) <= room:
        return path
    end = ending(path, room - 1)
    slash = end.find("/", 0, -1)
    return f"…{end[max(slash, 0) :]}"


def host_of(client: str) -> str:
    """The host of a client whose name says so, else the name."""
    process = ProcessId.parse(client)
    return client if process is None else process.node
