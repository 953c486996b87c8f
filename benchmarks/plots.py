"""Pictures of a run, as PNG and as SVG; the same results give the same files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.results import Figure, Results

OURS, THEIRS, TARGET = "#1f6f8b", "#b0b7bf", "#c0392b"
_STYLE = {
    "svg.hashsalt": "aexp",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


class _MissingError(Exception):
    """The run lacks a figure that a picture needs."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw what the run allows.

    Returns:
        The files that were written; a picture whose figures were not measured is left out.
    """
    done = []
    for name, draw_one in _PICTURES.items():
        with picture(folder / name) as (axes, written), suppress(_MissingError):
            draw_one(axes, results)
        done += written
    return done


@contextmanager
def picture(stem: Path) -> Iterator[tuple[Any, list[Path]]]:
    """Axes to draw on, and the files that they are written to when the block has ended.

    A block that drew nothing leaves no files.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    stem.parent.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
        try:
            yield axes, written
            if axes.has_data():
                written += _save(figure, stem)
        finally:
            plt.close(figure)


def _save(figure: Any, stem: Path) -> list[Path]:
    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    figure.savefig(png, dpi=150, metadata={"Software": None})
    figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return [png, svg]


def _get(results: Results, name: str) -> Figure:
    found = results.find(name)
    if found is None:
        raise _MissingError(name)
    return found


def _errors(figures: Sequence[Figure]) -> list[list[float]]:
    below = [figure.median - figure.least for figure in figures]
    return [below, [figure.most - figure.median for figure in figures]]


def _bars(axes: Any, labels: Sequence[str], figures: Sequence[Figure], form: str) -> None:
    """Horizontal bars, the first on top, with the spread of the repetitions and the value."""
    places = [*range(len(figures))]
    axes.barh(
        places,
        [figure.median for figure in figures],
        xerr=_errors(figures),
        color=[OURS if figure.ours else THEIRS for figure in figures],
        error_kw={"ecolor": "#444444", "capsize": 2, "lw": 1},
    )
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    for place, figure in zip(places, figures, strict=True):
        axes.annotate(
            format(figure.median, form),
            (figure.most, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.grid(axis="x", alpha=0.3)


def _round_trip(axes: Any, results: Results) -> None:
    names = {
        "git alone": "git_alone.p50",
        "raw file calls and git": "raw_limit.p50",
        "aexp": "p50",
        "huey, file storage": "huey.p50",
        "original schedule": "original.p50",
    }
    figures = [_get(results, f"round_trip.{name}") for name in names.values()]
    axes.set_xscale("log")
    _bars(axes, [*names], figures, ".3g")
    axes.set_xlim(
        min(figure.least for figure in figures) / 2, max(figure.most for figure in figures) * 2.5
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("median of a round trip of git_status, ms (log scale)")


def _throughput(axes: Any, results: Results) -> None:
    counts = [
        int(figure.name.split(".")[1])
        for figure in results.figures
        if figure.name.startswith("many_clients.")
        and figure.name.endswith(".rate")
        and figure.name.split(".")[1].isdigit()
    ]
    pool = _get(results, "many_clients.pool.rate")
    original = _get(results, "many_clients.original.rate")
    figures = [_get(results, f"many_clients.{count}.rate") for count in counts]
    medians = [figure.median for figure in figures]
    axes.errorbar(
        counts, medians, yerr=_errors(figures), color=OURS, marker="o", capsize=3, label="aexp"
    )
    for count, value in zip(counts, medians, strict=True):
        axes.annotate(
            f"{value:.0f}", (count, value), xytext=(0, 8), textcoords="offset points", ha="center"
        )
    axes.axhline(pool.median, color=THEIRS, label="two workers starting git, no queue")
    axes.axhline(pool.median * 0.7, color=TARGET, ls=":", label="target with 32 clients: 70 %")
    axes.plot([counts[-1]], [original.median], "s", color="#555555", label="original schedule")
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_ylim(0, max(pool.most, *medians) * 1.35)
    axes.set_xlabel("client processes")
    axes.set_ylabel("git_status requests a second")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, ncols=2, loc="upper left", fontsize=9)


def _idle(axes: Any, results: Results) -> None:
    names = {
        "idle daemon": "daemon",
        "with many requests that wait": "pending",
        "with many old files": "old_files",
        "client that waits for a person": "client",
        "idle daemon, original schedule": "original",
    }
    figures = [_get(results, f"idle.{name}.calls") for name in names.values()]
    _bars(axes, [*names], figures, ".1f")
    axes.set_xlim(0, max(figure.most for figure in figures) * 1.15)
    most = next((one.limit.at_most for one in figures if one.limit), None)
    if most is not None:
        axes.axvline(most, color=TARGET, ls=":", label=f"target for a daemon: {most:g}")
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=9)
    axes.set_xlabel("file system calls a second")


_PICTURES: dict[str, Callable[[Any, Results], None]] = {
    "round_trip": _round_trip,
    "throughput": _throughput,
    "idle": _idle,
}
