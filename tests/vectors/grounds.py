"""Where vectors are tried: a throwaway home with a daemon, and a remote that is reached by a path.

The request goes into the queue as a file, as a hostile requester would write it: nothing of the client's own
checks stands in between.
"""

import json
import os
import select
import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.site import Site
from tests.vectors.beacon import Beacon
from tests.vectors.model import VECTORS, Vector
from tests.vectors.scene import Scene

PATIENCE_S = 20.0
LINES = [f"line {number}\n" for number in range(20)]
GLOBAL = """[init]
\tdefaultBranch = main
[filter "lfs"]
\tclean = git-lfs clean -- %f
\tsmudge = git-lfs smudge -- %f
\tprocess = git-lfs filter-process
\trequired = true
"""


@dataclass
class Outcome:
    """How a request stands.

    Attributes:
        status: the answer's status, ``pending`` when it waits for a person, ``silent`` without either.
        said: everything that the requester is told.
    """

    status: str
    returncode: int | None = None
    said: str = ""

    @property
    def ok(self) -> bool:
        """Whether the operation ran and succeeded."""
        return self.status == "completed" and self.returncode == 0

    @property
    def kind(self) -> str:
        """The outcome in the words of :data:`tests.vectors.model.ANSWERS`."""
        if self.status in ("pending", "silent"):
            return {"pending": "asks", "silent": "silent"}[self.status]
        if self.returncode is None:
            return "refused"
        return "ignored" if self.ok else "fails"


@dataclass
class VectorSite(Site):
    """A site whose node-local state and programs lie outside the home."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.outside.mkdir(exist_ok=True)
        self.env["PATH"] = f"{self.home}/bin:{self.outside}/bin:{os.environ['PATH']}"
        self.env["AEXP_RELAY_TRUST_REMOTES"] = ":".join(
            str(path) for path in (self.origin, *(self.origin_of(one) for one in VECTORS.values()))
        )
        (self.home / ".gitconfig").write_text(GLOBAL)

    @property
    def outside(self) -> Path:
        """What only the login node has."""
        return self.home.parent / "outside"

    def origin_of(self, vector: Vector) -> Path:
        """The origin of a vector's working copy."""
        return self.home / f"origins/{vector.id.lower()}.git"


@dataclass
class Ground:
    """A home with a daemon in which vectors are tried, on remotes that are paths.

    Attributes:
        folder: where everything lies.
        news: the commit that the origin gets while nobody looks.
    """

    folder: Path
    site: VectorSite = field(init=False)
    beacon: Beacon = field(init=False)
    news: str = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.site = VectorSite(self.folder / "home")
        self.beacon = Beacon()
        self._make_templates()
        self.furnish()

    @property
    def templates(self) -> Path:
        """The repositories that each vector gets a copy of."""
        return self.site.outside / "templates"

    def furnish(self) -> None:
        """Make what the remotes need."""

    def url_of(self, origin: Path) -> str:
        """The URL under which a working copy knows its origin."""
        return str(origin)

    def _make_templates(self) -> None:
        site, origin = self.site, self.templates / "origin.git"
        plain = ("-c", "init.templateDir=")
        site.git(*plain, "init", "-q", "--bare", str(origin), cwd=self.folder)
        made = self.templates / "behind"
        site.git(*plain, "clone", "-q", str(origin), str(made), cwd=self.folder)
        for name in ("data.txt", "mine.txt", "filtered.dat"):
            (made / name).write_text("".join(LINES))
        first = site.commit("first", cwd=made)
        site.git("branch", "private", cwd=made)
        site.git("push", "-q", "origin", "main:other", "main:gone", cwd=made)
        site.git("push", "-q", "-u", "origin", "main", cwd=made)
        shutil.copytree(made, self.templates / "ahead", symlinks=True)
        other = self.templates / "colleague"
        site.git(*plain, "clone", "-q", str(origin), str(other), cwd=self.folder)
        (other / "filtered.dat").write_text("news\n")
        self.news = site.commit("data.txt", cwd=other, text="".join(["news\n", *LINES]))
        site.git("push", "-q", cwd=other)
        # The origin has the objects of the news, and nothing that shows them yet.
        site.git("update-ref", "refs/heads/main", first, cwd=origin)
        ahead = self.templates / "ahead"
        site.commit("data.txt", cwd=ahead, text="".join([*LINES, "mine\n"]))
        shutil.copytree(ahead, self.templates / "diverged", symlinks=True)

    def scene(self, vector: Vector) -> Scene:
        """A fresh working copy and origin for a vector; the origin has no news yet."""
        repo, origin = self.clone(vector.id.lower(), vector.start)
        return Scene(self, vector, repo, origin)

    def clone(self, name: str, start: str) -> tuple[Path, Path]:
        """A working copy of this name, and its origin."""
        repo, origin = self.site.home / "repos" / name, self.site.home / f"origins/{name}.git"
        shutil.copytree(self.templates / "origin.git", origin)
        shutil.copytree(self.templates / start, repo, symlinks=True)
        config = repo / ".git/config"
        there = str(self.templates / "origin.git")
        config.write_text(config.read_text().replace(there, self.url_of(origin)))
        return repo, origin

    def advance(self, scene: Scene) -> None:
        """Somebody pushes to the origin."""
        if scene.vector.start != "ahead":
            (scene.origin / "refs/heads/main").write_text(f"{self.news}\n")

    def start(self, env: dict[str, str] | None = None) -> None:
        """Start the daemon."""
        self.site.serve(env=env)

    def ask(self, op: str, args: tuple[str, ...], cwd: Path, request_id: str = "") -> Outcome:
        """Leave a request in the inbox and wait until something has become of it.

        One that waits for a person is rejected, so that it does not wait any longer.
        """
        request_id = self.leave(op, args, cwd, request_id)
        outcome = self.wait(request_id)
        if outcome.status == "pending":
            (self.site.queue / f"rejected/{request_id}").touch()
            said = outcome.said + self.wait(request_id, waiting_is_over=True).said
            return Outcome("pending", None, said)
        return outcome

    def leave(self, op: str, args: tuple[str, ...], cwd: Path, request_id: str = "") -> str:
        """Leave a request in the inbox; its id."""
        request_id = request_id or uuid.uuid4().hex
        draft = self.site.home / f"draft-{request_id}"
        draft.write_text(json.dumps({"op": op, "args": list(args), "cwd": str(cwd)}))
        draft.rename(self.site.queue / f"inbox/{request_id}.json")
        return request_id

    def wait(self, request_id: str, *, waiting_is_over: bool = False) -> Outcome:
        """Wait for the answer to a request, or until it waits for a person."""
        queue, deadline = self.site.queue, time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = _read(queue / f"outbox/{request_id}.json")
            if answer:
                return _outcome(answer)
            pending = None if waiting_is_over else _read(queue / f"pending/{request_id}.json")
            if pending:
                return Outcome("pending", None, json.dumps(pending))
            select.select([], [], [], 0.005)
        self.cancel(request_id)
        return Outcome("silent", None, "no answer")

    def cancel(self, request_id: str) -> None:
        """Withdraw a request, or end its operation."""
        self.site.relay("cancel", request_id, cwd=self.site.home)

    def close(self) -> None:
        """End everything that was started."""
        self.site.close()
        self.beacon.close()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found


def _outcome(answer: dict[str, Any]) -> Outcome:
    said = "\n".join(str(answer.get(key) or "") for key in ("stdout", "error", "hint", "details"))
    return Outcome(str(answer["status"]), answer.get("returncode"), said)
