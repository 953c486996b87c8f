"""Why a command failed and what to do next, from what it said. For the daemon; clients pass it on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aexp.domain.failure_rules import LAST_RULES, OWN_RULES, RULES, Kind, Rule

LOOK_BYTES = 64 * 1024
"""The end of an output that is looked at."""

_AGAIN = {
    "git_pull": "`aexp relay pull`",
    "git_push": "`aexp relay push` again",
    "git_fetch": "`aexp relay fetch`",
    "git_status": "`aexp relay git-status`",
    "git_rebase": "`aexp relay rebase`",
    "wandb_sync": "`aexp relay wandb-sync`",
    "git_ls_remote": "`aexp relay doctor` again",
}


@dataclass(frozen=True)
class Failure:
    """What a failure is.

    Attributes:
        hint: what to do next, for people, in fixed words: nothing of the output is repeated, of the
            request the branch alone.
    """

    kind: Kind
    hint: str


def failure_of(op: str, returncode: int, output: bytes, args: Sequence[str] = ()) -> Failure | None:
    """What made an operation fail; None when it did not, or when nothing that it said is known.

    Where the output says several things, the last one counts: programs go on after what they can bear.

    Args:
        returncode: the exit status; negative for a signal.
        output: all of it, or the last ``LOOK_BYTES`` at least.
        args: the arguments that the operation ran with, as they were validated.
    """
    if returncode == 0:
        return None
    said = _end_of(output)
    for rules in (RULES, LAST_RULES):
        rule = _best([rule for rule in rules if rule.op in ("", op)], said)
        if rule is not None:
            branch = args[1] if op == "git_push" and len(args) > 1 else "of that name"
            hint = rule.hint.replace("{again}", _AGAIN.get(op, "ask again"))
            return Failure(rule.kind, hint.replace("{branch}", branch))
    return None


def kind_of_refusal(what: str) -> Kind | None:
    """The kind of an error of our own that says why nothing was started; None for those without one."""
    rule = _best(OWN_RULES, what)
    return None if rule is None else rule.kind


def _end_of(output: bytes) -> str:
    end = output[-LOOK_BYTES:]
    if len(output) >= LOOK_BYTES:
        # What may be the rest of a line must not be taken for the beginning of one.
        end = end.partition(b"\n")[2]
    # Git writes over its own progress with a bare carriage return.
    return end.decode("utf-8", "replace").replace("\r", "\n")


def _best(rules: Iterable[Rule], text: str) -> Rule | None:
    best, key = None, (False, -1)
    for rule in rules:
        found = _last_line(rule, text)
        if found >= 0 and (not rule.weak, found) > key:
            best, key = rule, (not rule.weak, found)
    return best


def _last_line(rule: Rule, text: str) -> int:
    """Where the last line begins that the rule fits; -1 for none. Each line is looked at once."""
    if rule.beside and f"\n{rule.beside}" not in f"\n{text}":
        return -1
    sought, end = rule.begins or rule.holds[0], len(text)
    while (found := text.rfind(sought, 0, end)) >= 0:
        start = text.rfind("\n", 0, found) + 1
        stop = text.find("\n", found)
        line = text[start : stop if stop >= 0 else len(text)]
        if line.startswith(rule.begins) and all(part in line for part in rule.holds):
            return start
        end = start
    return -1
