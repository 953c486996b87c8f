"""Records the walk-through of docs/quickstart.md: real terminals, daemon and git, a throwaway home.

    python scripts/walkthrough.py            prints it
    python scripts/walkthrough.py --write    puts it into docs/quickstart.md
    python scripts/walkthrough.py --check    ends with 1 if docs/quickstart.md tells something else

Names, ids, times and process numbers are changed to such as stay the same; wandb is a stand-in.
"""

import argparse
import difflib
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from demo_screen import DemoError
from demo_world import World
from walkthrough_screen import Terminals

PAGE = Path(__file__).resolve().parents[1] / "docs" / "quickstart.md"
DAEMON, PERSON, AGENT = "daemon", "person", "agent"
PROMPTS = {DAEMON: "ada@login1$ ", PERSON: "ada@login1$ ", AGENT: "ada@gpu017$ "}
_PART = re.compile(r"(<!-- recorded: (\w+) -->\n```console\n).*?(```\n)", re.DOTALL)
_WANDB = """\
#!/bin/sh
case "$1" in
--version) echo "wandb, version 0.31.0"; exit 0 ;;
login) exit 0 ;;
esac
echo "Syncing: https://wandb.example.org/ada/thesis/runs/ab12cd34 ... "
until [ -e "$(dirname "$0")/go" ]; do sleep 0.05; done
for run; do
    for log in "$run"/run-*.wandb; do [ ! -e "$log" ] || : > "$log.synced"; done
done
echo "done."
"""


def main() -> int:
    """Record, then print, write or compare."""
    options = argparse.ArgumentParser(description="Record the walk-through of docs/quickstart.md.")
    options.add_argument("--write", action="store_true", help="put it into docs/quickstart.md")
    options.add_argument("--check", action="store_true", help="compare it with docs/quickstart.md")
    asked = options.parse_args()
    try:
        parts = record()
    except DemoError as exc:
        print(f"It did not go as it must: {exc}", file=sys.stderr)
        return 1
    before = PAGE.read_text(encoding="utf-8")
    after = _PART.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", before)
    if asked.write:
        PAGE.write_text(after, encoding="utf-8")
    elif not asked.check:
        print("\n\n".join(f"--- {name}\n{text}" for name, text in parts.items()))
    elif after != before:
        print(*difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""), sep="\n")
        print("docs/quickstart.md is not what is recorded: python scripts/walkthrough.py --write")
        return 1
    return 0


def record() -> Mapping[str, str]:
    """Each part of the walk-through by its name.

    Raises:
        DemoError: something did not go as it must.
    """
    with World() as world:
        world.build()
        _furnish(world)
        environment = {**world.environment, "PATH": f"{world.home}/bin:{world.environment['PATH']}"}
        with Terminals(PROMPTS, world.home, environment) as terminals:
            said = _play(world, terminals)
            terminals.learn((world.queue / "daemon.log").read_text(encoding="utf-8"))
            return {name: _told(terminals, text, name) for name, text in said.items()}


def _furnish(world: World) -> None:
    """The command by its name, a wandb that takes as long as it is let, and something to push."""
    aexp = world.home / "bin/aexp"
    aexp.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m aexp "$@"\n', encoding="utf-8")
    aexp.chmod(0o755)
    (world.home / "bin/wandb").write_text(_WANDB, encoding="utf-8")
    world.project.rename(world.home / "thesis")
    world.project = world.home / "thesis"
    stamp = "2026-11-23T18:00:00Z"
    world.environment.update(GIT_AUTHOR_DATE=stamp, GIT_COMMITTER_DATE=stamp)
    world.git(world.project, "commit", "--quiet", "--amend", "--no-edit", "--date", stamp)
    world.git(world.project, "push", "--quiet", "--force")
    world.commit(world.project, "train.py", "print('better')\n", "Third run")


def _play(world: World, terminals: Terminals) -> dict[str, str]:
    said: dict[str, str] = {}
    terminals.type(DAEMON, "aexp relay serve")
    terminals.until(DAEMON, "aexp relay serves")
    terminals.run(AGENT, "cd thesis")
    terminals.run(PERSON, "cd thesis")
    said["push"] = terminals.run(AGENT, "aexp relay push")
    terminals.type(AGENT, "aexp relay wandb-sync")
    said["request"] = terminals.until(AGENT, "aexp relay approve", "waits for consent, ")
    short = re.findall(r"approve ([0-9a-f]{8})", said["request"])[-1]
    pending = terminals.run(PERSON, "aexp relay pending")
    terminals.type(PERSON, f"aexp relay approve {short}")
    petition = terminals.until(PERSON, "digits of the digest:")
    digest = re.findall(r"(?m)^digest +([0-9a-f]{64})", petition)[0]
    terminals.answer(PERSON, digest[:4])
    said["approve"] = f"{pending}\n{terminals.ended(PERSON)}"
    said["running"] = terminals.until(AGENT, "Syncing:", "Ctrl-C leaves it running")
    (world.home / "bin/go").touch()
    said["done"] = terminals.ended(AGENT)
    said["serve"] = terminals.until(DAEMON, " done op=wandb_sync")
    return said


def _told(terminals: Terminals, text: str, name: str) -> str:
    here = socket.gethostname()
    host = "login1" if name == "serve" else "gpu017"
    return terminals.told(text, {here: host})


if __name__ == "__main__":
    sys.exit(main())
