"""The notebook that a new sandbox begins with: its cells mirror the stages of its README."""

import re
from dataclasses import dataclass
from typing import Any

from aexp.domain.ipynb import written

STARTER = "00_feasibility.ipynb"

SETUP = """\
from aexp.sandbox import setup_sandbox_notebook

paths = setup_sandbox_notebook()

from helpers import REPO_ROOT, SANDBOX_DIR"""
"""The first cell of every notebook of a sandbox that lies in a repository."""

SETUP_OUTSIDE = "from helpers import REPO_ROOT, SANDBOX_DIR"
"""The same outside: there is no repository to find, and Jupyter starts a kernel in its notebook's folder."""

_TITLE = """\
# {{sandbox.name}} — {{sandbox.title}}

Mode: exploratory. What is asked, and how one could be fooled, stands in the `README.md` beside this
notebook: fill that in before the first result. The parts below are its stages."""

_PARAMETERS = """\
# What one would vary. This cell has the tag "parameters": a promoted script makes options of it.
seed = 0
repeats = 5"""

_STAGE = re.compile(
    r"[-*+] \[(?P<mark>[ xX])\] \*\*(?P<number>\d+)\. (?P<name>[^*\n]+?):?\*\*:?(?P<text>.*)"
)


@dataclass(frozen=True)
class Stage:
    """A stage of a README, for example 1, ``Calibration``; ``done`` when its box is ticked."""

    number: int
    name: str
    text: str
    done: bool


def stages_in(readme: str) -> tuple[Stage, ...]:
    """The stages that a README lists, in its order."""
    found = (_STAGE.fullmatch(line.strip()) for line in readme.splitlines())
    return tuple(
        Stage(int(one["number"]), one["name"].strip(), one["text"].strip(), one["mark"] != " ")
        for one in found
        if one
    )


def starter(stages: tuple[Stage, ...]) -> str:
    """The starter notebook as a template: a set-up cell, parameters, and two cells for each stage."""
    cells = [
        _cell("code", "setup", "{{sandbox.setup}}"),
        _cell("markdown", "title", _TITLE),
        _cell("code", "parameters", _PARAMETERS, tags=["parameters"]),
    ]
    for place, stage in enumerate(stages):
        heading = f"## Stage {stage.number}: {stage.name}\n\n{stage.text}".rstrip()
        name = f"stage-{place}"
        cells.append(_cell("markdown", name, heading))
        cells.append(_cell("code", f"{name}-code", f"# Code of stage {stage.number} goes here."))
    python = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    return written({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell(kind: str, name: str, source: str, tags: list[str] | None = None) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {"tags": tags} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
