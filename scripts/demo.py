"""The relay at work: a real daemon, real clients, a real git, in a throwaway home.

Run it with ``make demo``. It ends with 0 only if every step went as it must, so CI runs it as well.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from demo_screen import DemoError, Screen
from demo_world import PATIENCE_S, Done, World

T = TypeVar("T")
LOGIN, COMPUTE, OTHER = "login", "compute", "other"
INVALID = 65
TRAIL = "--trail"
"""The option that shows the whole of the audit trail at the end."""
PROGRAM = """\
from aexp.airgapped import RelayClient
client = RelayClient()
handle = client.submit("git_fetch")  # returns at once
print(client.status().ok, handle.result().ok, client.handle(handle.id).state)
"""


def start(screen: Screen, world: World) -> None:
    """The login node's part: one process that serves the queue."""
    with screen.step(LOGIN, "aexp relay serve") as step:
        world.start_daemon()
        step.quote(world.relay("status").must(0, "up").out.splitlines()[0])


def work_with_git(screen: Screen, world: World) -> None:
    """A day's git from a node without internet."""
    with screen.step(COMPUTE, "aexp relay git-status") as step:
        (world.project / "notes.md").write_text("to do\n", encoding="utf-8")
        step.quote(world.relay("git-status").must(0, "? notes.md").out)
        (world.project / "notes.md").unlink()

    with screen.step(OTHER, "git push, from a colleague's clone"):
        world.colleague_pushes("data.csv", "1,2\n", "Add data")

    with screen.step(COMPUTE, "aexp relay fetch") as step:
        step.quote(world.relay("fetch").must(0, "main").out.splitlines()[-1])

    with screen.step(COMPUTE, "aexp relay pull") as step:
        world.relay("pull").must(0, "Fast-forward")
        _must((world.project / "data.csv").read_text(encoding="utf-8") == "1,2\n", "no data.csv")
        step.quote("fast-forward; data.csv is here")

    with screen.step(COMPUTE, "git commit; aexp relay push") as step:
        world.commit(world.project, "train.py", "print('better')\n", "Train better")
        world.relay("push").must(0, "main")
        step.quote(f"origin/main is at '{_agreed(world)}'")


def diverge(screen: Screen, world: World) -> None:
    """Both sides have moved: pull declines, as git does, and rebase brings them together."""
    with screen.step(OTHER, "git push; we commit something, too"):
        world.colleague_pushes("README", "Read me.\n", "Add a README")
        world.commit(world.project, "model.py", "layers = 3\n", "Add a model")

    with screen.step(COMPUTE, "aexp relay pull") as step:
        done = world.relay("pull").must(128, "Not possible to fast-forward")
        step.outcome = "declined"
        fatal = next(line for line in done.out.splitlines() if line.startswith("fatal:"))
        step.quote(f"exit 128, git's own: {fatal}")

    with screen.step(COMPUTE, "aexp relay rebase; aexp relay push") as step:
        world.relay("rebase").must(0)
        world.relay("push").must(0, "main")
        step.quote(f"origin/main is at '{_agreed(world)}'")


def work_with_python(screen: Screen, world: World) -> None:
    """The same from a program, in a process of its own."""
    with screen.step(COMPUTE, "python, the client API") as step:
        for line in PROGRAM.splitlines():
            step.said.append(f">>> {line}")
        done = world.run([sys.executable, "-P", "-c", PROGRAM], world.project)
        step.quote(done.must(0, "True True completed").out)


def be_refused(screen: Screen, world: World) -> None:
    """What the closed list does not hold is not run, whoever asks."""
    for arguments in (
        ("git_clone",),
        ("git_push", "https://example.invalid", "main"),
        ("git_push", "--", "origin", "--force"),
    ):
        with screen.step(COMPUTE, f"aexp relay request {' '.join(arguments)}") as step:
            done = world.relay("request", *arguments).must(INVALID, "error:")
            step.outcome = "refused"
            step.quote(f"exit {INVALID}: {done.err.splitlines()[0]}")

    with screen.step(COMPUTE, "a file put into inbox/ by hand: git_gc") as step:
        request_id = "0" * 31 + "1"
        body = {"op": "git_gc", "args": [], "cwd": str(world.project)}
        draft = world.queue / "forged"
        draft.write_text(json.dumps(body), encoding="utf-8")
        draft.rename(world.queue / "inbox" / f"{request_id}.json")
        answer = world.queue / "outbox" / f"{request_id}.json"
        _wait_for(lambda: answer.name in [file.name for file in answer.parent.iterdir()])
        told = json.loads(answer.read_text(encoding="utf-8"))
        _must(told["status"] == "validation", str(told))
        step.outcome = "refused"
        step.quote(f"by the daemon: {told['error']}")


def be_protected(screen: Screen, world: World) -> None:
    """What the requester writes into the repository runs nothing on the login node."""
    canary = world.home / "canary"
    with screen.step(COMPUTE, "a hook and core.sshCommand planted; aexp relay fetch") as step:
        world.git(world.project, "config", "core.sshCommand", f"touch {canary}")
        done = world.relay("fetch").must(INVALID, "core.sshcommand")
        step.outcome = "refused"
        step.quote(f"exit {INVALID}: {done.err.splitlines()[0].split(', which')[0]}")
        world.git(world.project, "config", "--unset", "core.sshCommand")

    with screen.step(COMPUTE, "the hook alone; aexp relay fetch") as step:
        hook = world.project / ".git/hooks/reference-transaction"
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n", encoding="utf-8")
        hook.chmod(0o755)
        world.colleague_pushes("more.csv", "3,4\n", "Add more data")
        done = world.relay("fetch", "--json").must(0)
        _must(not canary.exists(), "the hook has run")
        step.quote(f"fetched; {json.loads(done.out)['notices'][0]}")
        hook.unlink()


def ask_for_consent(screen: Screen, world: World) -> None:
    """wandb-sync waits until a person on the login node says yes."""
    with screen.step(LOGIN, "aexp relay install-helpers"):
        world.relay("install-helpers").must(0, "relay-approve")

    with screen.step(COMPUTE, "aexp relay wandb-sync") as step:
        told = world.home / "wandb-sync.txt"
        client = world.relay_in_background(told, "wandb-sync")
        prompt = _wait_for(lambda: told.read_text(encoding="utf-8"))
        _must("waits for consent" in prompt, prompt)
        step.outcome = "waits"
        step.quote(prompt)

    short_id = prompt.split()[-1]
    with screen.step(COMPUTE, "touch approved/<id>: an approval forged in the queue") as step:
        (pending,) = (world.queue / "pending").iterdir()
        (world.queue / "approved" / pending.stem).touch()
        note = _wait_for(lambda: told.read_text(encoding="utf-8").removeprefix(prompt))
        _must("does not count" in note, note)
        step.outcome = "ignored"
        step.quote(note)

    with screen.step(LOGIN, f"relay-approve {short_id}") as step:
        helper = world.queue / "_bin" / "relay-approve"
        step.quote(world.run([str(helper), short_id], world.home).must(0, "approved").out)

    with screen.step(COMPUTE, "the same aexp relay wandb-sync goes on") as step:
        status = client.wait(PATIENCE_S)
        said = told.read_text(encoding="utf-8").removeprefix(prompt + note)
        step.quote(Done(status, said, "").must(0, "stand-in for wandb").out)


def stop(screen: Screen, world: World) -> None:
    """SIGTERM, and what the daemon leaves: its log."""
    with screen.step(LOGIN, "kill -TERM <daemon>") as step:
        status = world.stop_daemon()
        _must(status == 0, f"the daemon ended with {status}")
        _must(not world.processes(wait_s=2.0), "processes are left")
        step.quote(f"the daemon ended with exit status {status}; no process is left")

    log = (world.queue / "daemon.log").read_text(encoding="utf-8")
    lines = log.splitlines()
    (request_id,) = {line.split()[2] for line in lines if " approve " in line}
    its = [line for line in lines if request_id in line]
    rest = "" if TRAIL in sys.argv else f"; `python scripts/demo.py {TRAIL}` shows all {len(lines)}"
    screen.title(f"The lines of daemon.log on that wandb-sync{rest}")
    for line in lines if TRAIL in sys.argv else its:
        screen.evidence(line)
    for word in ("received", "rejected", "pending", "approve", "started", "done", "stopped"):
        _must(f" {word}" in log, f"no '{word}' in daemon.log")


ACTS = (
    start,
    work_with_git,
    diverge,
    work_with_python,
    be_refused,
    be_protected,
    ask_for_consent,
    stop,
)


def main() -> int:
    """Play all of it; 0 if every step went as it must."""
    screen = Screen()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with World() as world:
            screen.title("aexp relay: a login node and a compute node share one throwaway home")
            screen.text(f"  home: {world.home}, deleted at the end")
            screen.text("  wandb: a small stand-in script; no account and no network is used\n")
            screen.home = str(world.home)
            world.build()
            for act in ACTS:
                act(screen, world)
    except DemoError as exc:
        screen.failure(str(exc))
        return 1
    except subprocess.TimeoutExpired as exc:
        screen.failure(f"{exc.cmd} took longer than {exc.timeout:.0f} s.")
        return 1
    except KeyboardInterrupt:
        screen.failure("It was interrupted; the daemon was stopped and the home deleted.")
        return 130
    except BrokenPipeError:
        # Nobody reads us any more; the interpreter must not try to flush at its end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if world.base.exists():
        screen.failure(f"{world.base} could not be deleted.")
        return 1
    screen.end("All as it must be, and nothing is left behind.")
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)


def _agreed(world: World) -> str:
    """The subject of the commit that both origin and our clone are at."""
    ours = world.git(world.project, "log", "-1", "--format=%H %s")
    theirs = world.git(world.home / "origin.git", "log", "-1", "--format=%H %s", "main")
    _must(ours == theirs, f"origin is at {theirs}, we are at {ours}")
    return ours.partition(" ")[2]


def _wait_for(look: Callable[[], T]) -> T:
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() > until:
            raise DemoError("it did not come in time")
        time.sleep(0.02)
    return found


if __name__ == "__main__":
    sys.exit(main())
