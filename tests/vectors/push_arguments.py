"""Family A: what the arguments of a push can say."""

from tests.vectors.model import vector
from tests.vectors.scene import Scene

_RECEIVE = 'exec git-receive-pack "$@"'


@vector(
    "A01", "exec", "push", "push --receive-pack=<script> <local repository> HEAD", start="ahead"
)
def _receive_pack(scene: Scene) -> None:
    script = scene.script(then=_RECEIVE)
    scene.asks(f"--receive-pack={script}", str(scene.origin), "HEAD")


@vector("A02", "exec", "push", "push --exec=<script>, an alias of it", start="ahead")
def _exec(scene: Scene) -> None:
    scene.asks(f"--exec={scene.script(then=_RECEIVE)}", str(scene.origin), "HEAD")


@vector("A03", "exec", "push", "push --recei=<script>, an abbreviated option", start="ahead")
def _abbreviated(scene: Scene) -> None:
    scene.asks(f"--recei={scene.script(then=_RECEIVE)}", str(scene.origin), "HEAD")


@vector(
    "A04",
    "exec-githost",
    "push",
    "push --receive-pack=<script> origin, over ssh",
    start="ahead",
    ground="ssh",
)
def _receive_pack_over_ssh(scene: Scene) -> None:
    scene.asks(f"--receive-pack={scene.script(then=_RECEIVE)}", "origin", "HEAD")


@vector(
    "A05", "exec", "push", "push <absolute path> HEAD; a hook in that repository", start="ahead"
)
def _absolute_path(scene: Scene) -> None:
    scene.asks(str(scene.trap()), "HEAD")


@vector(
    "A06", "exec", "push", "push <relative path> HEAD; a hook in that repository", start="ahead"
)
def _relative_path(scene: Scene) -> None:
    scene.trap()
    scene.asks(f"../../planted/{scene.repo.name}/trap.git", "HEAD")


@vector(
    "A07",
    "exec",
    "push",
    "push . HEAD:<branch>; the repository's own receiving hooks",
    start="ahead",
)
def _itself(scene: Scene) -> None:
    for name in ("pre-receive", "update"):
        scene.hook(name)
    scene.asks(".", "HEAD:refs/heads/copy")


@vector("A08", "exec", "push", "push --repo=<local path>", start="ahead")
def _repo_option(scene: Scene) -> None:
    scene.asks(f"--repo={scene.trap()}")


@vector("A09", "destroy", "push", "push --force origin main", start="diverged")
def _force(scene: Scene) -> None:
    scene.guards_refs(scene.origin)
    scene.asks("--force", "origin", "main")


@vector("A10", "destroy", "push", "push -f origin main", start="diverged")
def _short_force(scene: Scene) -> None:
    scene.guards_refs(scene.origin)
    scene.asks("-f", "origin", "main")


@vector("A11", "destroy", "push", "push --force-with-lease origin main", start="diverged")
def _lease(scene: Scene) -> None:
    # The lease is on what was fetched last, so it is no obstacle to somebody who fetches first.
    scene.git("fetch", "-q")
    scene.guards_refs(scene.origin)
    scene.asks("--force-with-lease", "origin", "main")


@vector("A12", "destroy", "push", "push --mirror origin", start="diverged")
def _mirror(scene: Scene) -> None:
    scene.guards_refs(scene.origin)
    scene.asks("--mirror", "origin")


@vector("A14", "destroy", "push", "push -d origin other", start="ahead")
def _delete(scene: Scene) -> None:
    scene.guards_refs(scene.origin)
    scene.asks("-d", "origin", "other")


@vector(
    "A16", "exfil", "push", "push --all origin: branches that nobody meant to send", start="ahead"
)
def _all(scene: Scene) -> None:
    scene.guards_refs(scene.origin, new=["refs/heads/main"])
    scene.asks("--all", "origin")


@vector("A17", "exfil", "push", "push --tags origin", start="ahead")
def _tags(scene: Scene) -> None:
    scene.git("tag", "secret")
    scene.guards_refs(scene.origin, new=["refs/heads/main"])
    scene.asks("--tags", "origin")


@vector("A18", "exfil", "push", "push origin refs/stash", start="ahead", lands=False)
def _stash(scene: Scene) -> None:
    (scene.repo / "data.txt").write_text("secret\n")
    scene.git("stash", "push", "-q")
    scene.guards_refs(scene.origin)
    scene.asks("origin", "refs/stash")


@vector(
    "A19",
    "destroy",
    "push",
    "push --no-verify past the user's own pre-push guard",
    start="ahead",
    original="the guard was passed",
)
def _no_verify(scene: Scene) -> None:
    guard = scene.hook("pre-push")
    guard.write_text("#!/bin/sh\nexit 1\n")
    scene.guards_refs(scene.origin)
    scene.asks("--no-verify", "origin", "main")


@vector("A21", "exec", "push", "push --signed with gpg.program", start="ahead")
def _signed(scene: Scene) -> None:
    scene.config("receive.certNonceSeed", "seed", scene.origin / "config")
    scene.config("gpg.program", scene.script())
    scene.asks("--signed", "origin", "HEAD")


@vector(
    "A22",
    "destroy",
    "push",
    "push origin HEAD with remote.origin.push=+…, forced",
    start="diverged",
    ours="fails",
)
def _forced_refspec(scene: Scene) -> None:
    scene.config("remote.origin.push", "+HEAD:refs/heads/main")
    scene.config("remote.origin.push", "+refs/heads/main:refs/heads/main")
    scene.guards_refs(scene.origin)
    scene.attempts = [("origin", "HEAD"), ("origin", "main")]


@vector(
    "A23",
    "destroy",
    "push",
    "push origin with remote.origin.mirror=true",
    start="diverged",
    ours="fails",
)
def _configured_mirror(scene: Scene) -> None:
    scene.config("remote.origin.mirror", "true")
    scene.guards_refs(scene.origin)
    scene.attempts = [("origin",), ("origin", "HEAD")]
