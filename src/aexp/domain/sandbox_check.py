"""What a sandbox must show before a result of it counts for anything. Pure."""

from collections.abc import Mapping

from aexp.domain.errors import SandboxError
from aexp.domain.findings import Finding, Level, fail, ok, warn
from aexp.domain.ipynb import read_notebook
from aexp.domain.sandbox_readme import (
    RISKS,
    STATEMENT,
    calibrated,
    drop_rule_in,
    left_open,
    placeholders,
    risks_in,
    statement_in,
)
from aexp.domain.sandbox_templates import sets_up
from aexp.domain.sandbox_words import both_directions, has_direction, has_reason, threshold_in
from aexp.domain.text import amount

LARGE_BYTES = 5 << 20
LEAST_RISKS = 3


def complete(readme: str) -> bool:
    """Whether all that has to be written before the first result is written."""
    return (
        judge_statement(readme).level is Level.OK
        and judge_risks(readme).level is Level.OK
        and not left_open(readme)
    )


def judge_readme(readme: str) -> list[Finding]:
    """The findings on a README, in the order of its parts."""
    return [
        judge_statement(readme),
        judge_threshold(readme),
        judge_risks(readme),
        _judge_rest(readme),
    ]


def judge_statement(readme: str) -> Finding:
    """Whether the statement is filled in and says which way the effect goes."""
    name, statement = "statement", statement_in(readme)
    if statement is None:
        fix = f'Write "## {STATEMENT}": X increases (or decreases) Y, because Z.'
        return fail(name, f'the README has no part "{STATEMENT}"', fix)
    if not statement or placeholders(statement):
        fix = "Fill it in, before the first result: X increases (or decreases) Y, because Z."
        return fail(name, "the directional statement is not filled in", fix)
    both = both_directions(statement)
    if both or not has_direction(statement):
        seen = f': "{both}"' if both else ""
        fix = 'Say which: "increases", "lowers", "faster", ... Without a direction, anything fits.'
        return fail(name, f"the statement has no single direction{seen}", fix)
    if not has_reason(statement):
        return warn(
            name, "the statement names no mechanism", 'Add "because ...": what is it that acts?'
        )
    return ok(name, "filled in, with a direction")


def judge_threshold(readme: str) -> Finding:
    """Whether no size of the effect is claimed before the noise has been measured."""
    name = "threshold"
    claims = f"{statement_in(readme) or ''} {drop_rule_in(readme)}"
    found = threshold_in(claims)
    if calibrated(readme):
        return ok(name, "the calibration is done, so that a threshold may be stated")
    if found is None:
        return ok(name, "none is claimed before the calibration")
    fix = "State the direction alone; add the size after stage 1, with the measurement behind it."
    return fail(name, f'"{found}" is claimed before the calibration', fix)


def judge_risks(readme: str) -> Finding:
    """Whether at least three ways to be fooled are named, each with what would catch it."""
    name, risks = "risks", risks_in(readme)
    if risks is None:
        fix = f'Write "## {RISKS}": at least {LEAST_RISKS}, each with "I would notice by: ...".'
        return fail(name, f'the README has no part "{RISKS}"', fix)
    done = sum(risk.filled and risk.mitigated for risk in risks)
    if done >= LEAST_RISKS:
        return ok(name, f"{done} shortcut risks, each with what would catch it")
    fix = f'Fill in at least {LEAST_RISKS} items of the list, each with "I would notice by: ...".'
    return fail(
        name, f"{done} of at least {LEAST_RISKS} shortcut risks are filled in and mitigated", fix
    )


def judge_notebook(path: str, text: str) -> list[Finding]:
    """Whether the notebook at ``path`` can be read, and sets itself up first.

    Args:
        path: relative to the sandbox, for the words.
        text: the file's.
    """
    try:
        first = read_notebook(text).first_code()
    except SandboxError as exc:
        return [fail("notebooks", f"{path}: {exc.what}", exc.hint)]
    parses = ok("notebooks", f"{path} can be read")
    if first is None or sets_up(first.source):
        return [
            parses,
            ok("first-cell", f"{path} {'sets itself up' if first else 'runs nothing yet'}"),
        ]
    fix = "Begin it with: from aexp.sandbox import setup_sandbox_notebook; setup_sandbox_notebook()"
    return [parses, fail("first-cell", f"{path}: the first cell of code does not set it up", fix)]


def judge_sizes(about_to_go: Mapping[str, int]) -> Finding:
    """Whether nothing large is about to be committed.

    Args:
        about_to_go: path to bytes of what is changed, or new and not passed over by git.
    """
    large = {path: size for path, size in about_to_go.items() if size >= LARGE_BYTES}
    if not large:
        return ok("size", f"nothing of {amount(LARGE_BYTES)} or more is about to be committed")
    named = ", ".join(f"{path} ({amount(large[path])})" for path in sorted(large)[:3])
    more = f" and {len(large) - 3} more" if len(large) > 3 else ""
    fix = "Move it to outputs/large/ or checkpoints/, clear a notebook's outputs, or ignore it."
    return fail("size", f"about to be committed: {named}{more}", fix)


def _judge_rest(readme: str) -> Finding:
    rest = left_open(readme)
    if not rest:
        return ok("readme", "everything before the stages is filled in")
    named = ", ".join(map(str, rest[:3]))
    more = f" and {len(rest) - 3} more" if len(rest) > 3 else ""
    return warn(
        "readme", f"still to be filled in: {named}{more}", "Fill it in, or delete the line."
    )
