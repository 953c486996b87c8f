"""Family F: what ``git fetch --all --prune`` can be led to."""

import os

from tests.vectors.model import vector
from tests.vectors.scene import Scene


@vector("F01", "exec", "fetch", "core.sshCommand", ground="ssh")
def _ssh_command(scene: Scene) -> None:
    scene.config("core.sshCommand", scene.script())


@vector("F02", "exec-githost", "fetch", "remote.origin.uploadpack, over ssh", ground="ssh")
def _upload_pack(scene: Scene) -> None:
    scene.config("remote.origin.uploadpack", scene.script(then='exec git-upload-pack "$@"'))


@vector("F04", "exec", "fetch", "another remote with an ext:: URL, and protocol.ext.allow=always")
def _ext(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.config("remote.x.url", f"ext::{scene.script()}")


@vector("F05", "exec", "fetch", "url.ext::….insteadOf rewrites the URL of origin")
def _instead_of(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    scene.config(f"url.ext::{scene.script()} .insteadOf", str(scene.origin.parent))


@vector("F06", "exec", "fetch", "remote.origin.vcs names a helper in ~/bin")
def _vcs(scene: Scene) -> None:
    scene.config("remote.origin.vcs", scene.helper("git-remote"))


@vector("F07", "exec", "fetch", "core.gitProxy for a git:// URL")
def _git_proxy(scene: Scene) -> None:
    scene.replace("remote.origin.url", "git://nowhere.invalid/x.git")
    scene.config("core.gitProxy", scene.script())


@vector("F09", "exec", "fetch", "hook reference-transaction", ours="ignored")
def _transaction_hook(scene: Scene) -> None:
    scene.hook("reference-transaction")


@vector(
    "F10", "exec", "fetch", "core.hooksPath leads to a hook reference-transaction", ours="ignored"
)
def _hooks_path(scene: Scene) -> None:
    scene.hook("reference-transaction", scene.place)
    scene.config("core.hooksPath", scene.place / "hooks")


def _much_garbage(scene: Scene) -> None:
    folder = scene.git_dir / "objects/17"
    folder.mkdir(exist_ok=True)
    for digit in "123456789":
        (folder / (digit * 38)).write_bytes(b"")


@vector("F11", "exec", "fetch", "gc.auto=1 and a hook pre-auto-gc", until=(2, 40), ours="ignored")
def _auto_gc(scene: Scene) -> None:
    _much_garbage(scene)
    scene.config("gc.auto", "1")
    scene.config("gc.autoDetach", "false")
    scene.hook("pre-auto-gc")


@vector("F12", "exec", "fetch", "gc.auto=1 and gc.recentObjectsHook", lands=False)
def _recent_objects(scene: Scene) -> None:
    _much_garbage(scene)
    scene.config("gc.auto", "1")
    scene.config("gc.autoDetach", "false")
    scene.config("gc.recentObjectsHook", scene.script())


@vector(
    "F13",
    "exec",
    "fetch",
    "fetch.recurseSubmodules and a submodule's core.sshCommand",
    start="ahead",
    ours="ignored",
)
def _recurse(scene: Scene) -> None:
    _lead_submodule_to_ssh(scene)
    scene.config("fetch.recurseSubmodules", "true")


@vector(
    "F14",
    "exec",
    "fetch",
    "a submodule's core.sshCommand, with no configuration above",
    start="ahead",
    ours="ignored",
)
def _on_demand(scene: Scene) -> None:
    _lead_submodule_to_ssh(scene)


def _lead_submodule_to_ssh(scene: Scene) -> None:
    module = scene.superproject()
    scene.git(
        "config", "--file", str(module / "config"), "remote.origin.url", "ssh://nowhere.invalid/x"
    )
    scene.config("core.sshCommand", scene.script(), module / "config")


@vector(
    "F15", "destroy-local", "fetch", "remote.origin.fetch=+refs/heads/*:refs/heads/* with prune"
)
def _refspec(scene: Scene) -> None:
    scene.git("checkout", "-q", "--detach")
    scene.config("remote.origin.fetch", "+refs/heads/*:refs/heads/*")
    scene.guards_refs(scene.git_dir)


@vector("F17", "exfil", "fetch", "the URL of origin is changed to the attacker's host", ours="asks")
def _repointed(scene: Scene) -> None:
    url = scene.guards_beacon()
    scene.replace("remote.origin.url", f"{url}/x.git")


@vector("F18", "exfil", "fetch", "another remote on the attacker's host", ours="asks")
def _extra_remote(scene: Scene) -> None:
    scene.config("remote.backup.url", f"{scene.guards_beacon()}/x.git")


@vector("F19", "write-local", "fetch", "FETCH_HEAD is a link to a file of the login node")
def _fetch_head(scene: Scene) -> None:
    (scene.git_dir / "FETCH_HEAD").unlink(missing_ok=True)
    target = scene.guards_file(scene.node_local / "precious")
    (scene.git_dir / "FETCH_HEAD").symlink_to(target)


@vector("F20", "hang", "fetch", ".git/config is a FIFO")
def _fifo(scene: Scene) -> None:
    (scene.git_dir / "config").unlink()
    os.mkfifo(scene.git_dir / "config")


@vector("F21", "exec", "fetch", "hook.<name>.command for reference-transaction", since=(2, 54))
def _config_hook(scene: Scene) -> None:
    scene.config("hook.x.event", "reference-transaction")
    scene.config("hook.x.command", scene.script())


@vector("X12", "exec", "fetch", "objects/info/alternates and core.alternateRefsCommand")
def _alternates(scene: Scene) -> None:
    info = scene.git_dir / "objects/info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text(f"{scene.site.origin}/objects\n")
    scene.config("core.alternateRefsCommand", scene.script())


@vector(
    "X13",
    "write-local",
    "fetch",
    "logs/refs/remotes/origin/main is a link to a file of the login node",
)
def _linked_log(scene: Scene) -> None:
    log = scene.git_dir / "logs/refs/remotes/origin/main"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    log.symlink_to(scene.guards_file(scene.node_local / "precious"))


@vector("X14", "write-local", "fetch", "refs/remotes is a link to a folder of the login node")
def _linked_refs(scene: Scene) -> None:
    target = scene.guards_folder(scene.node_local / "empty")
    remotes = scene.git_dir / "refs/remotes"
    remotes.rename(scene.place / "moved")
    remotes.symlink_to(target)


@vector("X15", "write-local", "fetch", "objects is a link to a folder of the login node")
def _linked_objects(scene: Scene) -> None:
    target = scene.node_local / "objects"
    (scene.git_dir / "objects").rename(target)
    (scene.git_dir / "objects").symlink_to(target)
    before = sorted(path.name for path in target.rglob("*"))

    def look(output: str) -> str:
        grown = sorted(path.name for path in target.rglob("*")) != before
        return "objects were written to the login node's own disk" if grown else ""

    scene.alarms.append(look)


@vector(
    "X16",
    "exec",
    "fetch",
    "a URL that ssh would take for an option: ssh://-oProxyCommand=…",
    lands=False,
)
def _option_host(scene: Scene) -> None:
    scene.replace("remote.origin.url", f"ssh://-oProxyCommand={scene.script()}/x.git")


@vector(
    "X17",
    "exec",
    "fetch",
    "an old-fashioned remote in .git/remotes that leads to ext::",
    lands=False,
)
def _old_remote(scene: Scene) -> None:
    scene.config("protocol.ext.allow", "always")
    (scene.git_dir / "remotes").mkdir()
    (scene.git_dir / "remotes/backup").write_text(f"URL: ext::{scene.script()}\n")


@vector("X18", "destroy-local", "fetch", "remote.origin.fetch leads into another branch")
def _other_branch(scene: Scene) -> None:
    scene.config("remote.origin.fetch", "+refs/heads/main:refs/heads/private")
    before = scene.git("rev-parse", "private")
    scene.alarms.append(
        lambda output: (
            "" if scene.git("rev-parse", "private") == before else "a local branch was moved"
        )
    )
