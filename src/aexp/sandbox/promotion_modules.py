"""The modules beside a notebook, each read when a cell takes something of it and not before."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from aexp.domain.errors import SandboxError
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.promotion_source import Source


class LocalModules(Mapping[str, str]):
    """Name to text of what the notebook finds beside itself and in its sandbox; empty text for a package.

    Looking a module up raises SandboxError when it is a link that leads out of the repository, and
    FilesystemError when it cannot be read.
    """

    def __init__(self, source: Source, files: Filesystem) -> None:
        """Nothing but names is read."""
        self._root, self._files = source.root, files
        self._texts: dict[str, str] = {}
        self._places: dict[str, str] = {}
        for folder in dict.fromkeys([source.sandbox, str(PurePosixPath(source.path).parent)]):
            for name, place in self._held(folder):
                self._places.setdefault(name, place)

    def _held(self, folder: str) -> Iterator[tuple[str, str]]:
        for entry in self._files.entries(folder):
            path, name = f"{folder}/{entry.name}", entry.name.removesuffix(".py")
            if name == entry.name and self._files.kind(f"{path}/__init__.py"):
                yield name, ""
            # One module is often shared by several sandboxes by a link.
            elif name != entry.name and name.isidentifier() and self._files.kind(path) == "file":
                yield name, path

    def __getitem__(self, name: str) -> str:
        place = self._places[name]
        if name not in self._texts:
            self._texts[name] = self._read(name, place) if place else ""
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def _read(self, name: str, path: str) -> str:
        place = self._files.resolve(path)
        # A clone must not be able to have a stranger's file copied into what will be pushed.
        if not place.startswith(f"{self._root}/"):
            raise SandboxError(
                f"{name}.py of the sandbox leads out of the repository, to {visible(place, limit=500)}.",
                "Put a file in its place, or move it into a package that is installed.",
            )
        return self._files.read_text(place)
