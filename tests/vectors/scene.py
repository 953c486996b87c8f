"""The place where one vector is tried: its own working copy and origin, and the means to plant things."""

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.vectors.model import Vector
from tests.vectors.needs import need_program
from tests.world import executable

if TYPE_CHECKING:
    from tests.vectors.grounds import Ground


class Scene:
    """One working copy with what a vector plants around it.

    Attributes:
        repo: the working copy.
        origin: the bare repository that it was cloned from.
        place: a folder in the shared home, for whatever is planted outside the working copy.
        node_local: a folder of the login node, which the requester cannot write.
        canary: appears when a planted command runs.
        op: the operation that will be asked for.
        attempts: the argument lists that will be tried, one after the other.
        cwd: the folder that the request names.
        request_id: the id that the request will have; empty for a fresh one.
        environment: what the original command line finds in its environment besides.
        instead: done in place of the request; what it says.
        alarms: each looks at what the operation said and tells what went wrong; empty for nothing.
    """

    def __init__(self, ground: "Ground", vector: Vector, repo: Path, origin: Path) -> None:
        self.ground = ground
        self.site = ground.site
        outside = ground.site.outside
        self.vector = vector
        self.repo = repo
        self.origin = origin
        self.place = self.site.home / "planted" / repo.name
        self.node_local = outside / "node" / repo.name
        self.canary = outside / "canaries" / repo.name
        self.op = vector.op
        self.attempts: list[tuple[str, ...]] = (
            [("origin", "HEAD")] if vector.op == "git_push" else [()]
        )
        self.cwd = repo
        self.request_id = ""
        self.environment: dict[str, str] = {}
        self.instead: Callable[[], str] | None = None
        self.alarms: list[Callable[[str], str]] = [self._sung]
        for folder in (self.place, self.node_local, self.canary.parent):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def git_dir(self) -> Path:
        """The repository of the working copy."""
        return self.repo / ".git"

    def git(self, *args: str, cwd: Path | None = None) -> str:
        """Run git as the researcher would."""
        return self.site.git(*args, cwd=cwd or self.repo)

    # What is asked, and how success shows.

    def asks(self, *args: str) -> None:
        """The request has these arguments."""
        self.attempts = [args]

    def fired(self, output: str) -> str:
        """What went wrong; empty when nothing did."""
        return "; ".join(told for alarm in self.alarms if (told := alarm(output)))

    def _sung(self, output: str) -> str:
        return "the planted command ran" if self.canary.exists() else ""

    def guards_refs(self, folder: Path, *, new: Sequence[str] = ()) -> None:
        """No ref of a repository may be lost, rewound or added, but for the branches in ``new``."""
        before = refs(folder)

        def look(output: str) -> str:
            after = refs(folder)
            lost = [name for name in before if name not in after]
            added = [name for name in after if name not in before and name not in new]
            moved = [
                name
                for name, old in before.items()
                if name in after
                and after[name] != old
                and (name not in new or not _is_ancestor(folder, old, after[name]))
            ]
            told = f"refs lost {lost}, added {added}, moved {moved}"
            return told if lost or added or moved else ""

        self.alarms.append(look)

    def guards_file(self, path: Path, text: str = "of this node alone\n") -> Path:
        """Make a file that must stay as it is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.alarms.append(
            lambda output: (
                "" if path.exists() and path.read_text() == text else f"{path.name} changed"
            )
        )
        return path

    def guards_folder(self, path: Path) -> Path:
        """Make a folder that must stay empty."""
        path.mkdir(parents=True, exist_ok=True)
        self.alarms.append(
            lambda output: f"{sorted(os.listdir(path))} appeared" if os.listdir(path) else ""
        )
        return path

    def guards_word(self, word: str) -> None:
        """The word must not be in the output."""
        self.alarms.append(lambda output: f"the output has {word!r}" if word in output else "")

    def guards_count(self, what: str, count: Callable[[], int]) -> None:
        """A number (of connections, of requests) must stay as it is."""
        before = count()
        self.alarms.append(lambda output: what if count() > before else "")

    def guards_beacon(self) -> str:
        """The beginning of a URL on the attacker's host, which nobody may connect to."""
        beacon = self.ground.beacon
        self.guards_count("the attacker's host was called", lambda: beacon.calls)
        return f"https://127.0.0.1:{beacon.port}"

    def needs_lfs(self) -> None:
        """Skip the test where git-lfs is not installed."""
        need_program("git-lfs")

    # What can be planted.

    @property
    def touch(self) -> str:
        """A shell command that shows the canary."""
        return f"touch {shlex.quote(str(self.canary))}"

    def script(self, name: str = "evil", then: str = "exit 0") -> Path:
        """A program in the shared home that shows the canary."""
        return executable(self.place / name, f"#!/bin/sh\n{self.touch}\n{then}\n")

    def helper(self, name: str) -> str:
        """A program in ``~/bin``, which is on the PATH of the login node; a part of its name."""
        unique = f"evil{self.repo.name.replace('-', '')}"
        executable(self.site.home / f"bin/{name}-{unique}", f"#!/bin/sh\n{self.touch}\nexit 1\n")
        return unique

    def hook(self, name: str, git_dir: Path | None = None) -> Path:
        """A hook that shows the canary."""
        path = (git_dir or self.git_dir) / "hooks" / name
        # Some hooks are given their input on standard input, and git minds when nobody reads it.
        return executable(path, f"#!/bin/sh\n{self.touch}\ncat > /dev/null\n")

    def config(self, key: str, value: object, file: Path | None = None) -> None:
        """Add a line to the repository's configuration, or to another file."""
        where = file or self.git_dir / "config"
        subprocess.run(["git", "config", "--file", where, "--add", key, str(value)], check=True)

    def replace(self, key: str, value: object) -> None:
        """Change a line of the repository's configuration."""
        subprocess.run(
            ["git", "config", "--file", self.git_dir / "config", "--replace-all", key, str(value)],
            check=True,
        )

    def attributes(self, text: str) -> None:
        """Write ``.git/info/attributes``."""
        (self.git_dir / "info").mkdir(exist_ok=True)
        (self.git_dir / "info/attributes").write_text(text)

    def stale(self, name: str = "data.txt") -> None:
        """Make git read a tracked file again, by another date."""
        os.utime(self.repo / name, (1, 1))

    def trap(self, name: str = "trap.git") -> Path:
        """A bare repository in the shared home whose hooks show the canary."""
        trap = self.place / name
        self.git("init", "-q", "--bare", str(trap))
        for hook in ("pre-receive", "update", "reference-transaction"):
            self.hook(hook, trap)
        return trap

    def upstream(self, files: dict[str, str]) -> None:
        """A colleague pushes a commit with these files, as they are and without any filter."""
        other = self.place / "colleague"
        self.git("clone", "-q", str(self.origin), str(other))
        for name, text in files.items():
            (other / name).parent.mkdir(exist_ok=True)
            (other / name).write_text(text)
        plain = ("filter.lfs.process=", "filter.lfs.clean=", "filter.lfs.required=false")
        self.git(*(part for one in plain for part in ("-c", one)), "add", "-A", cwd=other)
        self.git("commit", "-q", "-m", "upstream", cwd=other)
        # git-lfs has put a hook there, which would miss the large files' contents.
        self.git("push", "-q", "--no-verify", cwd=other)

    def superproject(self) -> Path:
        """Give the working copy and its origin a submodule ``sub``, which has news; its git directory."""
        library = self.place / "sub.git"
        self.git("clone", "-q", "--bare", str(self.origin), str(library))
        always = ("-c", "protocol.file.allow=always")
        self.git(*always, "submodule", "--quiet", "add", str(library), "sub")
        self.git("commit", "-q", "-m", "a submodule")
        self.git("push", "-q", "--force", "origin", "main")
        other = self.place / "colleague"
        clone = (*always, "clone", "-q", "--recurse-submodules", str(self.origin), str(other))
        self.git(*clone)
        self.site.commit("news.txt", cwd=other / "sub")
        self.git("push", "-q", "origin", "HEAD:main", cwd=other / "sub")
        self.git("commit", "-q", "-a", "-m", "a newer submodule", cwd=other)
        self.git("push", "-q", cwd=other)
        return self.git_dir / "modules/sub"


def refs(folder: Path) -> dict[str, str]:
    """The refs of a repository and what they point at."""
    listing = subprocess.run(
        ["git", "--git-dir", folder, "for-each-ref", "--format=%(refname) %(objectname)"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = (line.split(" ") for line in listing.stdout.splitlines())
    return {name: made for name, made in found if not name.startswith("refs/remotes/")}


def _is_ancestor(folder: Path, old: str, new: str) -> bool:
    asked = ["git", "--git-dir", str(folder), "merge-base", "--is-ancestor", old, new]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
