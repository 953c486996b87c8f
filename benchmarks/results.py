"""What a run found, as it is kept in a JSON file.

Names of figures are ``measure.what`` with further dots where needed: ``round_trip.git_alone.p50``.
"""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

from benchmarks import stats

FORMAT = 1


class _Frozen(BaseModel):
    # What is computed is written for readers and not read again.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Limit(_Frozen):
    """A target: what a value must not exceed, or must reach."""

    at_most: float | None = None
    at_least: float | None = None

    def allows(self, value: float) -> bool:
        """Whether the value meets the target."""
        low_enough = self.at_most is None or value <= self.at_most
        return low_enough and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        most = [] if self.at_most is None else [f"at most {self.at_most:g}"]
        least = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        return ", ".join([*most, *least])


class Series(_Frozen):
    """Values of one thing, one for each repetition, and the target for their median."""

    samples: tuple[float, ...] = Field(min_length=1)
    limit: Limit | None = None

    @field_validator("samples")
    @classmethod
    def _round(cls, samples: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(stats.rounded(sample) for sample in samples)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def median(self) -> float:
        """The middle one."""
        return stats.rounded(stats.median(self.samples))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.samples)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def most(self) -> float:
        """The largest."""
        return max(self.samples)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def met(self) -> bool | None:
        """Whether the median meets the target, None without a target."""
        return None if self.limit is None else self.limit.allows(self.median)


class Ratio(Series):
    """A figure divided by another of the same run, or that one divided by it when ``inverted``."""

    to: str
    inverted: bool = False


class Figure(Series):
    """One measured quantity.

    Attributes:
        name: which one.
        unit: of the samples, for example ``ms``.
        better: whether less or more is better.
        grain: the smallest change that means anything.
        ours: whether it is the relay's; the others are baselines.
        ratios: how it stands to its baselines.
        note: what a reader should know, one sentence.
    """

    name: str
    unit: str
    better: Literal["less", "more"] = "less"
    grain: float = 0.0
    ours: bool = True
    ratios: tuple[Ratio, ...] = ()
    note: str = ""

    @property
    def targets(self) -> list[Series]:
        """The figure and its ratios, as far as they have a target."""
        return [series for series in (self, *self.ratios) if series.limit is not None]


class Results(_Frozen):
    """One run.

    Attributes:
        machine: what it was measured on, and what was measured.
        figures: in the order in which they were measured.
        skipped: what was not measured, and why.
        failed: the measures that broke, and how.
        seconds: how long each measure took.
    """

    version: int = FORMAT
    machine: dict[str, str] = {}
    figures: tuple[Figure, ...] = ()
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    seconds: dict[str, float] = {}

    def find(self, name: str) -> Figure | None:
        """The figure of that name, None when it was not measured."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def to_text(self) -> str:
        """JSON, with the keys in order, so that two runs can be compared line by line."""
        facts = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the file, and the folder where it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_text(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """The run in a file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not the results of a run.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
