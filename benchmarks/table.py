"""Results as plain text on a terminal, and the targets as a table of a page."""

from collections.abc import Iterable

from benchmarks.results import Figure, Limit, Ratio, Results, Series

_VERDICTS = {True: "met", False: "NOT MET"}


def number(value: float) -> str:
    """A value with three digits that count, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 if abs(value) < 10 else 1
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.{digits}f}"


def render(results: Results) -> str:
    """Everything that a run found, measure by measure, and what it means for the targets."""
    lines: list[str] = []
    measure = ""
    for figure in results.figures:
        name, _, what = figure.name.partition(".")
        if name != measure:
            measure = name
            lines += ["", f"{name}  ({results.seconds.get(name, 0):.0f} s)"]
        lines += _figure(what, figure)
    lines += _told("skipped", results.skipped.items())
    lines += _told("FAILED", results.failed.items())
    return "\n".join([*lines, "", summary(results)])


def summary(results: Results) -> str:
    """One line: how many targets are met."""
    targets = [series for figure in results.figures for series in figure.targets]
    met = sum(1 for series in targets if series.met)
    failed = f", {len(results.failed)} measures failed" if results.failed else ""
    return f"{met} of {len(targets)} targets met{failed}"


def _figure(what: str, figure: Figure) -> list[str]:
    shown = what if figure.ours else f"({what})"
    spread = f"{number(figure.least)} … {number(figure.most)}"
    line = f"  {shown:<26}{number(figure.median):>9} {figure.unit:<9} {spread:<22}"
    told = [_against(ratio) for ratio in figure.ratios]
    if figure.limit is not None:
        told.insert(0, _verdict(figure.limit, figure.met))
    lines = [f"{line}{told[0] if told else ''}".rstrip()]
    lines += [f"{'':<70}{more}" for more in told[1:]]
    if figure.note:
        lines.append(f"      {figure.note}")
    return lines


def _against(ratio: Ratio) -> str:
    name = ratio.to.partition(".")[2]
    text = f"{number(ratio.median)} x {'better than ' if ratio.inverted else ''}{name}"
    return text if ratio.limit is None else f"{text}, {_verdict(ratio.limit, ratio.met)}"


def _verdict(limit: Limit, met: bool | None) -> str:
    return f"{limit}: {_VERDICTS.get(met is True)}"


def _told(what: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, why in entries for line in ("", f"{what} {name}: {why}")]


def page(results: Results) -> str:
    """The targets as a table of a Markdown page: what, target, measured with its spread, met or missed."""
    lines = ["| what | target | measured (least to most) | |", "|---|---|---|---|"]
    for figure in results.figures:
        for series in figure.targets:
            lines.append(_row(figure, series))
    return "\n".join(lines)


def _row(figure: Figure, series: Series) -> str:
    what, unit = f"`{figure.name}`", f" {figure.unit}"
    if isinstance(series, Ratio):
        unit = " x"
        what += f", {'better than' if series.inverted else 'times'} `{series.to}`"
    spread = f"{number(series.least)} to {number(series.most)}"
    measured = f"{number(series.median)}{unit} ({spread})"
    return (
        f"| {what} | {series.limit}{unit} | {measured} | {'met' if series.met else '**missed**'} |"
    )
