"""Family D: what the daemon was started with, and what changes around it afterwards."""

from tests.vectors.model import vector
from tests.vectors.scene import Scene
from tests.world import executable


@vector(
    "D01",
    "exec",
    "status",
    "~/bin/git is planted in front of the PATH",
    ground="own",
    ours="ignored",
)
def _git(scene: Scene) -> None:
    executable(scene.site.home / "bin/git", scene.script().read_text())


@vector(
    "D02",
    "exec",
    "status",
    "~/.gitconfig is edited after the daemon's start",
    ground="own",
    ours="ignored",
)
def _global(scene: Scene) -> None:
    scene.config("core.fsmonitor", scene.script(), scene.site.home / ".gitconfig")


@vector(
    "D04",
    "exec",
    "status",
    "GIT_CONFIG_* in the daemon's environment",
    ground="own",
    before=True,
    ours="ignored",
)
def _configuration(scene: Scene) -> None:
    scene.environment = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(scene.script()),
    }


@vector(
    "D04-ssh",
    "exec",
    "fetch",
    "GIT_SSH_COMMAND in the daemon's environment",
    ground="own-ssh",
    before=True,
    ours="ignored",
)
def _ssh_command(scene: Scene) -> None:
    scene.environment = {"GIT_SSH_COMMAND": str(scene.script())}


@vector(
    "X63",
    "exec",
    "fetch",
    "the user in a URL of ssh is a command, and the user's own ssh settings hand it to a shell",
    ground="own-ssh",
    before=True,
    lands=False,
)
def _user_in_url(scene: Scene) -> None:
    config = scene.site.home / ".ssh/config"
    config.write_text(f'Match exec "true %r"\n  Compression yes\n{config.read_text()}')
    scene.replace("remote.origin.url", f"ssh://a$(touch${{IFS}}canary)@githost{scene.origin}")
    seen = scene.repo / "canary"
    scene.alarms.append(lambda output: "the command in the URL ran" if seen.exists() else "")


@vector(
    "D05",
    "exec",
    "fetch",
    "~/bin/ssh is planted in front of the PATH",
    ground="own-ssh",
    ours="ignored",
)
def _ssh(scene: Scene) -> None:
    executable(scene.site.home / "bin/ssh", scene.script().read_text())


@vector(
    "X61",
    "exec",
    "status",
    "~/.config/git/config is planted after the daemon's start",
    ground="own",
    ours="ignored",
)
def _config_home(scene: Scene) -> None:
    folder = scene.site.home / ".config/git"
    folder.mkdir(parents=True)
    scene.config("core.fsmonitor", scene.script(), folder / "config")


@vector(
    "X62",
    "exec",
    "status",
    "GIT_DIR, GIT_EXEC_PATH in the daemon's environment",
    ground="own",
    before=True,
    ours="ignored",
)
def _exec_path(scene: Scene) -> None:
    for name in ("git-status", "git"):
        executable(scene.place / f"programs/{name}", scene.script().read_text())
    elsewhere = scene.place / "elsewhere"
    scene.git("init", "-q", str(elsewhere))
    scene.config("core.fsmonitor", scene.script(), elsewhere / ".git/config")
    scene.environment = {
        "GIT_EXEC_PATH": str(scene.place / "programs"),
        "GIT_DIR": str(elsewhere / ".git"),
    }
