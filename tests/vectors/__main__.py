"""Print the table of all vectors, which is ``docs/vectors.md``: ``python -m tests.vectors``."""

import sys

from tests.vectors.matrix import VECTORS
from tests.vectors.model import ANSWERS, EFFECTS, Vector

LANDED = {
    "exec": "ran",
    "exec-githost": "ran on the git host",
    "destroy": "remote branches lost",
    "destroy-local": "local branches lost",
    "exfil": "sent",
    "token": "given away",
    "write-local": "written",
    "write-home": "written",
    "leak": "shown",
    "hang": "hung, and the daemon with it",
}
ELSEWHERE = (
    "| O08 | wandb_sync: click.py and other modules in the working copy | exec | ran, with `python -m wandb` "
    "| not imported | `tests/e2e/test_wandb.py` |",
    "| O09 | wandb_sync: wandb/settings in the working copy name a server or a proxy | token | given away "
    "| not read | `tests/e2e/test_wandb.py` |",
)
"""Surfaces whose tests need more than git."""
HEAD = """\
# Vectors

What a requester was made to try, each against the real daemon with real git. Written by
`python -m tests.vectors`. Each row is a test, `{test}`: the
plant is made in a throwaway home, the operation is asked for through the queue, the canary must not fire, the
answer must be of the kind that the table says, and an ordinary repository must go on working. The other
direction is tested too: the same plant, with the command line of the original design and no daemon, must do
what the table says of it (with git 2.39).
"""
TEST = "tests/e2e/test_vectors.py::test_nothing_comes_of_it[{}]"


def original(vector: Vector) -> str:
    """What the original design made of a vector."""
    if vector.original:
        return vector.original
    if not vector.lands:
        return "no effect"
    said = LANDED[vector.effect]
    if vector.since is not None:
        return f"{said} (git {vector.since[0]}.{vector.since[1]} and newer)"
    if vector.until is not None:
        return f"{said} (not with the newest git)"
    return said


def row(vector: Vector) -> str:
    """One line of the table."""
    what = vector.what.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
    operation = vector.op.removeprefix("git_")
    if not what.startswith(f"{operation} "):
        what = f"{operation}: {what}"
    ours = ANSWERS.get(vector.ours, vector.ours)
    return f"| {vector.id} | {what} | {vector.effect} | {original(vector)} | {ours} | `[{vector.id}]` |"


def table() -> str:
    """The whole table, ordered by family and number."""
    lines = [
        "| id | what is planted | effect | original design | aexp | test |",
        "|---|---|---|---|---|---|",
        *(row(VECTORS[name]) for name in sorted(VECTORS)),
        *ELSEWHERE,
    ]
    legend = [f"- **{effect}**: {meaning}" for effect, meaning in EFFECTS.items()]
    return "\n".join([HEAD.format(test=TEST.format("<id>")), *legend, "", *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(table())
