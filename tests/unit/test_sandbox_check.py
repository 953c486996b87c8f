"""The rules that `aexp sandbox check` applies, on READMEs as people write them."""

import json
import time

import pytest

from aexp.domain.findings import Level
from aexp.domain.sandbox_check import (
    LARGE_BYTES,
    complete,
    judge_notebook,
    judge_readme,
    judge_risks,
    judge_sizes,
    judge_statement,
    judge_threshold,
)
from aexp.domain.sandbox_readme import left_open, placeholders, title_in
from aexp.domain.sandbox_templates import filled, slot_values
from aexp.domain.sandbox_texts import README

STATEMENT = (
    "A longer warm-up, from 1 % to 5 % of the steps, lowers the loss, because it damps Adam."
)
RISK = "{0}. **Leakage:** of test rows\n   - I would notice by: {1}\n   - [ ] checked\n"
FRESH = filled({}, slot_values("2026-11-23_probe", "Probe", "/repo", inside=True))["README.md"]


def readme(
    statement: str = STATEMENT,
    drop: str = "- I would drop the idea if the loss did not move.",
    risks: str = "".join(RISK.format(number, "a duplicate check") for number in (1, 2, 3)),
    calibrated: bool = False,
) -> str:
    mark = "x" if calibrated else " "
    return (
        "# 2026-11-23_probe — Probe\n\nMode: exploratory\n\n- Owner: Ada\n\n"
        f"## Directional statement\n\n**{statement}**\n\n{drop}\n\n"
        f"## Shortcut risks\n\nWays to be fooled.\n\n{risks}\n"
        f"## Stages\n\n- [x] **0. Sanity:** runs\n- [{mark}] **1. Calibration:** repeats\n"
        "- [ ] **4. Decision:** drop or promote; why: [...]\n"
    )


def test_a_filled_in_readme_passes_and_is_complete() -> None:
    assert {finding.level for finding in judge_readme(readme())} == {Level.OK}
    assert complete(readme())
    assert complete(readme().replace("\n", "\r\n"))


def test_a_fresh_readme_breaks_the_rules_on_statement_and_risks_and_no_other() -> None:
    findings = {finding.name: finding.level for finding in judge_readme(FRESH)}

    assert findings == {
        "statement": Level.FAIL,
        "threshold": Level.OK,
        "risks": Level.FAIL,
        "readme": Level.WARN,
    }
    assert not complete(FRESH)


def test_the_form_filled_in_in_place_is_complete() -> None:
    text = FRESH.replace("increases / decreases", "increases")
    before, stages = text.split("## Stages")
    for placeholder in placeholders(before.replace("\n", " ")):
        before = before.replace(placeholder, "a word")
    # Line ends inside a placeholder are the README's own.
    assert complete(f"{before.replace('`[square brackets]`', '')}## Stages{stages}")


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "[X] increases [Y], because [Z].",
        "More data changes the loss, because of noise.",
        "Warm-up affects accuracy, because it damps.",
        "Warm-up increases / decreases accuracy, because it damps.",
        "Warm-up raises or lowers accuracy, because it damps.",
        "Dropout changes accuracy, because it blurs.",
        "Gradient boosting with cutout and a helper changes accuracy, because it blurs.",
    ],
)
def test_a_statement_without_one_direction_fails(statement: str) -> None:
    text = readme(statement=statement.replace("More data", "Data"))
    assert judge_statement(text).level is Level.FAIL


@pytest.mark.parametrize(
    "statement",
    [
        "Warm-up increases accuracy by reducing variance.",
        "Training is faster with [0, 1] inputs, since they are scaled.",
        "Warm-up lifts recall, because it damps.",
        "With depth the gradients' norm goes up, because nothing damps it.",
        "Dropout hurts recall as in [12], because it blurs.",
        "A [paper](https://example.org) says that X lowers Y because Z.",
    ],
)
def test_a_statement_with_one_direction_passes(statement: str) -> None:
    assert judge_statement(readme(statement=statement)).level is Level.OK


def test_a_statement_without_a_reason_is_a_warning() -> None:
    assert judge_statement(readme(statement="Warm-up raises accuracy.")).level is Level.WARN


@pytest.mark.parametrize(
    "claim",
    [
        "Warm-up raises accuracy by 2 points, because it damps.",
        "Warm-up raises accuracy by at least 0.5 %, because it damps.",
        "Warm-up gives p < 0.05 and more accuracy, because it damps.",
        "Warm-up raises accuracy ≥ 0.9, because it damps.",
        "Warm-up is 3x faster, because it damps.",
        "Warm-up gives a 10% speedup, because it damps.",
        "Warm-up raises accuracy (+2%), because it damps.",
        "Warm-up improves top-1 accuracy 2x, because it damps.",
        "Warm-up lowers the loss at least twofold, because it damps.",
        "Warm-up lowers the loss by a factor of 3, because it damps.",
        "Warm-up raises accuracy by about two points, because it damps.",
        "Warm-up lowers the loss beyond 2 σ, because it damps.",  # noqa: RUF001
    ],
)
def test_a_threshold_before_the_calibration_fails_and_after_it_passes(claim: str) -> None:
    assert judge_threshold(readme(statement=claim)).level is Level.FAIL
    assert judge_threshold(readme(statement=claim, calibrated=True)).level is Level.OK
    in_drop = readme(drop=f"- I would drop the idea if I saw this: {claim}")
    assert judge_threshold(in_drop).level is Level.FAIL


@pytest.mark.parametrize(
    "statement",
    [
        STATEMENT,
        "A c++20 build with 1+2 layers lowers the loss, because it damps.",
        "Averaged over 3 seeds, 8 heads lower the loss, because they specialise.",
        "Cutting the batch from 512 to at least 64 raises accuracy, because of noise.",
        "ResNet-50 on CIFAR-10 improves with 2 layers of BERT, because of features.",
        "Warm-up raises accuracy on 10 % of the labels, because it damps.",
    ],
)
def test_numbers_that_claim_no_effect_pass(statement: str) -> None:
    assert judge_threshold(readme(statement=statement)).level is Level.OK


@pytest.mark.parametrize(
    ("risks", "level"),
    [
        ("".join(RISK.format(n, "a look") for n in (1, 2, 3)) + RISK.format(4, "[...]"), Level.OK),
        ("".join(RISK.format(n, "a look") for n in (1, 2)), Level.FAIL),
        ("".join(RISK.format(n, "") for n in (1, 2, 3)), Level.FAIL),
        ("".join(RISK.format(n, "[...]") for n in (1, 2, 3)), Level.FAIL),
        ("".join(RISK.format(n, "TODO") for n in (1, 2, 3)), Level.FAIL),
        ("".join(RISK.format(n, "_(TBD, FIXME)_") for n in (1, 2, 3)), Level.FAIL),
        ("".join(RISK.format(n, "TODO: a look") for n in (1, 2, 3)), Level.OK),
        ("1. **Leakage check:** a\n2. **Guard:** b\n3. **Detect:** c\n", Level.FAIL),
        ("- A. Mitigation: split by day\n- B. Mitigation: shuffle\n- C. Check: repeat\n", Level.OK),
        ("".join(f"{n}. A\n\n    - Caught by: x\n\n" for n in (1, 2, 3)), Level.OK),
        ("", Level.FAIL),
    ],
)  # fmt: skip
def test_three_risks_with_mitigations_are_asked_for(risks: str, level: Level) -> None:
    assert judge_risks(readme(risks=risks)).level is level


@pytest.mark.parametrize("heading", ["## Directional statement", "## Shortcut risks"])
def test_a_readme_without_a_part_fails_and_says_which(heading: str) -> None:
    text = readme().replace(heading, "## Something else")

    failed = [finding for finding in judge_readme(text) if finding.level is Level.FAIL]
    assert [heading.removeprefix("## ") in finding.what for finding in failed] == [True]


@pytest.mark.parametrize("hidden", ["<!-- {} -->", "```\n{}\n```", ""])
def test_what_follows_the_statement_is_not_taken_for_it(hidden: str) -> None:
    text = readme().replace(f"**{STATEMENT}**", hidden.format(STATEMENT))
    assert judge_statement(text).level is Level.FAIL


@pytest.mark.parametrize("never_closed", ["<!-- ", "```\n", "~~~ text\n"])
def test_what_is_never_closed_hides_all_that_follows(never_closed: str) -> None:
    text = readme().replace("## Shortcut risks", f"{never_closed}## Shortcut risks")
    assert judge_risks(text).what == 'the README has no part "Shortcut risks"'


@pytest.mark.parametrize("bullet", "-*+")
def test_a_stage_may_be_ticked_below_any_bullet(bullet: str) -> None:
    text = readme("X raises Y by 2 points, because Z.", calibrated=True)
    assert judge_threshold(text.replace("- [", f"{bullet} [")).level is Level.OK


@pytest.mark.thorough
@pytest.mark.parametrize(
    "part",
    ["<!--", "```\n", "[a\n", "## " + " " * 99, "9", "by 9", "1. x\n", "- [ ] **1. ", "increas"],
)
def test_no_readme_takes_long(part: str) -> None:
    text = readme(f"X raises Y {part * (100_000 // len(part))}") + part * (100_000 // len(part))

    begin = time.process_time()
    judge_readme(text)
    assert time.process_time() - begin < 5


def test_what_stands_in_comments_and_code_is_not_read() -> None:
    text = readme().replace(
        "Mode:", "<!-- [later] -->\n`[square brackets]`\n```\n[x y]\n```\nMode:"
    )
    assert complete(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the tokens [PAD], [CLS] and [MASK_2]", []),
        ("a [link][ref], a [link][] and a [link](x)\n[ref]: http://x", []),
        ("[0, 1] and [12] and [x] and [ ] and [^note] and [@key]", []),
        ("[TODO] [TBD] [Y] [name] [...]", ["[TODO]", "[TBD]", "[Y]", "[name]", "[...]"]),
        (
            "[X: what I change,\n from what] lowers [Loss]",
            ["[X: what I change, from what]", "[Loss]"],
        ),
    ],
)
def test_what_is_to_be_filled_in_is_told_from_tokens_links_and_intervals(
    text: str, found: list[str]
) -> None:
    assert placeholders(text) == found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_to_be_filled_in_is_told_with_its_line(end: str) -> None:
    text = (
        "# T\n<!-- a\nb\n\n-->\n- Owner: [name]\n```\n[code]\n```\n\n## Mechanism\n\n1. [X\nleads]\n"
        "2. `[y]` [z]\n\n## Shortcut risks\n\n[r]\n\n## Test plan\n\n[a]\n\n## Stages\n\n[b]\n"
    ).replace("\n", end)

    assert [str(one) for one in left_open(text)] == [
        *("[name] (line 6)", "[X leads] (line 13)", "[z] (line 15)", "[a] (line 23)"),
    ]
    assert (
        "[name] (line 6), [X leads] (line 13), [z] (line 15) and 1 more"
        in judge_readme(text)[-1].what
    )


def test_a_comment_in_a_paragraph_does_not_end_it() -> None:
    assert (
        judge_statement(readme(statement=f"A longer <!-- or\n\nso --> {STATEMENT[9:]}")).level
        is Level.OK
    )


def test_the_title_is_read_from_the_heading() -> None:
    assert title_in(FRESH) == "Probe"
    assert title_in("# Just this\n") == "Just this"
    assert title_in("no heading") == ""
    assert title_in(README) == "{{sandbox.title}}"


def notebook(*sources: str) -> str:
    cells = [{"cell_type": "code", "source": source} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "cells": cells})


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (notebook("from helpers import X"), [Level.OK, Level.OK]),
        (notebook("", "setup_sandbox_notebook()", "1"), [Level.OK, Level.OK]),
        (notebook(), [Level.OK, Level.OK]),
        (notebook("import numpy", "setup_sandbox_notebook()"), [Level.OK, Level.FAIL]),
        (notebook("# setup_sandbox_notebook()\n1"), [Level.OK, Level.FAIL]),
        ("<<<<<<< HEAD\n{}", [Level.FAIL]),
        ('{"nbformat": 4, "cells": [7]}', [Level.FAIL]),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}', [Level.FAIL]),
    ],
)
def test_notebooks_must_parse_and_set_themselves_up_first(text: str, levels: list[Level]) -> None:
    assert [finding.level for finding in judge_notebook("a.ipynb", text)] == levels


def test_large_files_about_to_be_committed_are_named() -> None:
    assert judge_sizes({"a": LARGE_BYTES - 1}).level is Level.OK
    found = judge_sizes(
        {"b\x1b.pt": 3 << 30, "a": LARGE_BYTES, "c": LARGE_BYTES, "d": LARGE_BYTES, "e": 1}
    )
    assert found.level is Level.FAIL
    assert found.what == (
        r"about to be committed: a (5.0 MiB), b\x1b.pt (3.0 GiB), c (5.0 MiB) and 1 more"
    )
