"""Family U: what configuration and hooks make of a plain ``git push origin HEAD``."""

from tests.vectors.large_files import commit_large_file
from tests.vectors.model import vector
from tests.vectors.scene import Scene


@vector("U01", "exec", "push", "hook pre-push", start="ahead", ours="ignored")
def _pre_push(scene: Scene) -> None:
    scene.hook("pre-push")


@vector("U02", "exec", "push", "core.sshCommand", start="ahead", ground="ssh")
def _ssh_command(scene: Scene) -> None:
    scene.config("core.sshCommand", scene.script())


@vector(
    "U03",
    "exec-githost",
    "push",
    "remote.origin.receivepack, over ssh",
    start="ahead",
    ground="ssh",
)
def _receive_pack(scene: Scene) -> None:
    script = scene.script(then='exec git-receive-pack "$@"')
    scene.config("remote.origin.receivepack", script)


@vector("U04", "exec", "push", "remote.origin.pushurl is a repository with a hook", start="ahead")
def _push_url(scene: Scene) -> None:
    scene.config("remote.origin.pushurl", scene.trap())


@vector(
    "U06",
    "exfil",
    "push",
    "remote.origin.pushurl is the attacker's host",
    start="ahead",
    ours="asks",
)
def _push_elsewhere(scene: Scene) -> None:
    scene.config("remote.origin.pushurl", f"{scene.guards_beacon()}/x.git")


@vector("U07", "exec", "push", "push.gpgSign and gpg.program", start="ahead")
def _signed(scene: Scene) -> None:
    scene.config("receive.certNonceSeed", "seed", scene.origin / "config")
    scene.config("push.gpgSign", "true")
    scene.config("gpg.program", scene.script())


@vector("U09", "exec", "push", "url.ext::….pushInsteadOf", start="ahead")
def _push_instead_of(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.config(f"url.ext::{scene.script()} .pushInsteadOf", str(scene.origin.parent))


@vector(
    "U10",
    "exec",
    "push",
    "a remote that is called like the branch, and leads to ext::",
    start="ahead",
)
def _named_like_branch(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    for name in ("HEAD", "main"):
        scene.config(f"remote.{name}.url", f"ext::{scene.script()}")
    scene.attempts = [("main",), ("HEAD",), ("HEAD", "main"), ("main", "main")]


@vector(
    "U11",
    "exfil",
    "push",
    "push.default=matching sends branches that nobody named",
    start="ahead",
    ours="ignored",
)
def _matching(scene: Scene) -> None:
    scene.git("branch", "-f", "other", "HEAD")
    scene.config("push.default", "matching")
    scene.guards_refs(scene.origin, new=["refs/heads/main"])
    scene.attempts = [("origin",), ("origin", "HEAD")]


@vector(
    "X40",
    "exec",
    "push",
    "push.recurseSubmodules=on-demand and a submodule's pre-push hook",
    start="ahead",
    ours="ignored",
)
def _recurse(scene: Scene) -> None:
    module = scene.superproject()
    scene.git("pull", "-q", "--no-recurse-submodules")
    made = scene.site.commit("mine.txt", cwd=scene.repo / "sub", text="mine in sub\n")
    assert made
    scene.git("checkout", "-q", "-B", "main", cwd=scene.repo / "sub")
    scene.site.commit("mine.txt", cwd=scene.repo, text="mine\n")
    scene.config("push.recurseSubmodules", "on-demand")
    scene.hook("pre-push", module)


@vector(
    "X41",
    "exec",
    "push",
    "lfs.customtransfer.x.path for what is uploaded before a push",
    start="ahead",
)
def _lfs_upload(scene: Scene) -> None:
    commit_large_file(scene)
    scene.config("lfs.standalonetransferagent", "x")
    scene.config("lfs.customtransfer.x.path", scene.script())


@vector(
    "X42",
    "exfil",
    "push",
    "push.followTags sends tags that nobody named",
    start="ahead",
    ours="ignored",
)
def _follow_tags(scene: Scene) -> None:
    scene.git("tag", "-a", "-m", "secret", "secret")
    scene.config("push.followTags", "true")
    scene.guards_refs(scene.origin, new=["refs/heads/main"])


@vector("X43", "exfil", "push", "a second URL of origin is the attacker's host", start="ahead")
def _second_url(scene: Scene) -> None:
    scene.config("remote.origin.url", f"{scene.guards_beacon()}/x.git")


@vector(
    "X45",
    "destroy",
    "push",
    "a branch name that is a refspec: +main, :other, main:other",
    start="diverged",
)
def _refspecs(scene: Scene) -> None:
    scene.guards_refs(scene.origin)
    scene.attempts = [("origin", "+main"), ("origin", ":other"), ("origin", "+HEAD:other")]


@vector(
    "X46",
    "exec",
    "push",
    "branch.main.pushRemote and remote.pushDefault lead to ext::",
    start="ahead",
)
def _push_default(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.config("remote.evil.url", f"ext::{scene.script()}")
    scene.config("branch.main.pushRemote", "evil")
    scene.config("remote.pushDefault", "evil")
    scene.attempts = [(), ("origin", "HEAD")]


@vector(
    "X47",
    "exfil",
    "push",
    "HEAD is a symbolic ref to another ref than a branch",
    start="ahead",
    lands=False,
)
def _odd_head(scene: Scene) -> None:
    scene.git("update-ref", "refs/secret/x", "HEAD")
    (scene.git_dir / "HEAD").write_text("ref: refs/secret/x\n")
    scene.guards_refs(scene.origin)
