"""Family R: what ``git pull --rebase`` can be led to."""

from functools import partial

from tests.vectors.model import vector
from tests.vectors.scene import Scene

_HOOKS = (
    "pre-rebase",
    "post-checkout",
    "post-rewrite",
    "reference-transaction",
    "prepare-commit-msg",
    "post-commit",
)


def _hook(scene: Scene, name: str) -> None:
    scene.hook(name)


for _name in _HOOKS:
    vector(f"R01-{_name}", "exec", "rebase", f"hook {_name}", start="diverged", ours="ignored")(
        partial(_hook, name=_name)
    )


@vector("R02", "exec", "rebase", "commit.gpgSign and gpg.program", start="diverged")
def _sign(scene: Scene) -> None:
    scene.config("commit.gpgSign", "true")
    scene.config("gpg.program", scene.script())


@vector("R04", "exec", "rebase", "merge.x.driver, by .git/info/attributes", start="diverged")
def _driver(scene: Scene) -> None:
    scene.attributes("* merge=x\n")
    scene.config("merge.x.driver", scene.script())


@vector(
    "R05",
    "exec",
    "rebase",
    "pull.rebase=interactive and sequence.editor",
    start="diverged",
    lands=False,
    ours="ignored",
)
def _interactive(scene: Scene) -> None:
    scene.config("pull.rebase", "interactive")
    scene.config("sequence.editor", scene.script())


@vector("R07", "exec", "rebase", "rebase.autoStash and a clean filter", start="diverged")
def _autostash(scene: Scene) -> None:
    scene.config("rebase.autoStash", "true")
    scene.config("filter.x.clean", scene.script(then="cat"))
    scene.attributes("*.txt filter=x\n")
    (scene.repo / "mine.txt").write_text("changed\n")


@vector("R08", "exec", "rebase", "pull.twohead=<strategy in ~/bin>", start="diverged")
def _strategy(scene: Scene) -> None:
    scene.config("pull.twohead", scene.helper("git-merge"))


@vector("R09", "exec", "rebase", "core.editor", start="diverged", lands=False, ours="ignored")
def _editor(scene: Scene) -> None:
    scene.config("core.editor", scene.script())


@vector("R10", "exec", "rebase", "trailer.x.command", start="diverged", lands=False, ours="ignored")
def _trailer(scene: Scene) -> None:
    scene.config("trailer.x.key", "X")
    scene.config("trailer.x.ifmissing", "add")
    scene.config("trailer.x.command", scene.script())


@vector(
    "R11",
    "exec",
    "rebase",
    "a stale rebase-merge whose plan runs a command",
    start="diverged",
    lands=False,
)
def _stale_plan(scene: Scene) -> None:
    plan = scene.git_dir / "rebase-merge"
    plan.mkdir()
    onto = scene.git("rev-parse", "HEAD~1")
    files = {
        "git-rebase-todo": f"exec {scene.script()}\n",
        "head-name": "refs/heads/main\n",
        "onto": f"{onto}\n",
        "orig-head": f"{scene.git('rev-parse', 'HEAD')}\n",
        "interactive": "",
        "done": "",
        "end": "1\n",
        "msgnum": "0\n",
    }
    for name, text in files.items():
        (plan / name).write_text(text)


@vector("X30", "exec", "rebase", "gpg.format=ssh and gpg.ssh.defaultKeyCommand", start="diverged")
def _key_command(scene: Scene) -> None:
    scene.config("commit.gpgSign", "true")
    scene.config("gpg.format", "ssh")
    scene.config("gpg.ssh.defaultKeyCommand", scene.script(then="echo key::ssh-ed25519 AAAA x"))


@vector("X31", "exec", "rebase", "gpg.ssh.program", start="diverged")
def _ssh_signer(scene: Scene) -> None:
    scene.config("commit.gpgSign", "true")
    scene.config("gpg.format", "ssh")
    scene.config("user.signingKey", "key::ssh-ed25519 AAAA x")
    scene.config("gpg.ssh.program", scene.script())


@vector(
    "X32",
    "exec",
    "rebase",
    "rebase.instructionFormat adds a line `exec <command>` to the plan",
    start="diverged",
    ours="ignored",
)
def _format(scene: Scene) -> None:
    scene.config("rebase.instructionFormat", f"%s%nexec {scene.script()}")


@vector(
    "X33",
    "exec",
    "rebase",
    "a branch.main.rebase that makes it interactive",
    start="diverged",
    lands=False,
    ours="ignored",
)
def _branch_rebase(scene: Scene) -> None:
    scene.config("branch.main.rebase", "merges")
    scene.config("sequence.editor", scene.script())


@vector(
    "X34",
    "exec",
    "rebase",
    "the commit's message holds a line that a plan would run",
    start="diverged",
    lands=False,
    ours="ignored",
)
def _message(scene: Scene) -> None:
    scene.git("commit", "-q", "--amend", "-m", f"x\rexec {scene.script()}\n\nexec {scene.script()}")


@vector("X35", "exec", "rebase", "rerere and a merge driver for its cache", start="diverged")
def _rerere(scene: Scene) -> None:
    scene.config("rerere.enabled", "true")
    scene.config("merge.x.driver", scene.script())
    scene.config("merge.x.recursive", "x")
    scene.config("merge.default", "x")
