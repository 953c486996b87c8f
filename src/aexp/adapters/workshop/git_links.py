"""Links among what git writes in a repository: it would write through them."""

import os

from aexp.adapters.plain_files import FOLDER, kind_at
from aexp.adapters.workshop.git_layout import GitLayout, bad_copy, opened

MOST_FOLDERS = 20_000
MOST_DEEP = 64


def refuse_links(layout: GitLayout) -> None:
    """Refuse links among refs, logs and the folders of objects.

    One that is put there after this look is left to the confinement of the process, where the kernel has it.

    Raises:
        RelayValidationError: names the link.
    """
    places = {(layout.common, name) for name in ("refs", "logs")}
    places.add((layout.git_dir, "logs"))
    left = MOST_FOLDERS
    for place, name in sorted(places):
        with opened(place, layout.root) as handle:
            if kind_at(handle, name) is not None:
                left = _walk(layout, handle, name, f"{place}/{name}", left)
    with opened(layout.common, layout.root) as common:
        # Below these there are too many folders to look through at each request.
        _look_for_links(layout, common, "objects", f"{layout.common}/objects")
        for name in ("lfs", "lfs/objects"):
            if kind_at(common, name) is not None:
                _look_for_links(layout, common, name, f"{layout.common}/{name}")


def _walk(layout: GitLayout, folder: int, name: str, shown: str, left: int) -> int:
    waiting = [name]
    while waiting:
        here = waiting.pop()
        left -= 1
        if left < 0 or here.count("/") > MOST_DEEP:
            raise bad_copy(
                layout.root, "has too many folders of refs", "Run `git pack-refs --all`."
            )
        told = f"{shown}{here[len(name) :]}"
        waiting += [f"{here}/{deeper}" for deeper in _look_for_links(layout, folder, here, told)]
    return left


def _look_for_links(layout: GitLayout, folder: int, name: str, shown: str) -> list[str]:
    """The folders in a folder."""
    handle = os.open(name, FOLDER, dir_fd=folder)
    try:
        found = []
        with os.scandir(handle) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise bad_copy(
                        layout.root, f"has a {shown}/{entry.name} that is a symbolic link"
                    )
                if entry.is_dir(follow_symlinks=False):
                    found.append(entry.name)
        return found
    finally:
        os.close(handle)
