"""Where a promoted script comes from, at its top."""

from dataclasses import dataclass
from datetime import date

from aexp.domain.text import visible


@dataclass(frozen=True)
class Provenance:
    """What the header tells.

    Attributes:
        notebook: its path, relative to the repository's root.
        sha256: of the notebook's file.
        commit: the newest commit that touched the notebook, and whether it has changed since.
        cells: the numbers of the cells, and their ids where they have one.
        experiment: the tracked experiment, or None.
        day: of the promotion.
        made_by: the program and its version.
    """

    notebook: str
    sha256: str
    commit: str
    cells: tuple[str, ...]
    experiment: str | None
    day: date
    made_by: str

    def header(self) -> str:
        """Comments, one fact a line, and a blank line."""
        facts = {
            "Notebook": visible(self.notebook, limit=1000),
            "SHA-256": self.sha256,
            "Commit": self.commit,
            "Cells": ", ".join(visible(cell, limit=80) for cell in self.cells),
            "Experiment": self.experiment,
            "Date": self.day.isoformat(),
            "Made by": self.made_by,
        }
        lines = (f"# {f'{name}:':<11} {fact}" for name, fact in facts.items() if fact)
        return "\n".join(["# Promoted from a notebook of a sandbox.", "#", *lines]) + "\n\n"
