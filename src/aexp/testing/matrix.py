"""A pytest plugin that prints, after a run, which transport keeps which promise of the contract suites.

To have it, write ``pytest_plugins = ["aexp.testing.matrix"]`` in the topmost ``conftest.py``. It also works
where pytest-xdist runs the tests: what a test is about travels with its report.
"""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from aexp.testing.contract import Contract

PROPERTY = "aexp-contract"
KEPT, BROKEN, SKIPPED = "ok", "NO", "--"
_MAKERS = ("storages", "place")
_LEAST_WIDTH, _MOST_WIDTH = 60, 100


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note with each test of a suite which suite, transport and promise it is about."""
    for item in items:
        cls = getattr(item, "cls", None)
        if isinstance(cls, type) and issubclass(cls, Contract):
            promise = getattr(item, "originalname", item.name).removeprefix("test_")
            about = [cls.suite, _transport(item, cls), promise.replace("_", " ")]
            item.user_properties.append((PROPERTY, about))


def pytest_configure(config: pytest.Config) -> None:
    """Gather where the reports come together, which is not on a worker of pytest-xdist."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Matrix(), "aexp-matrix")


class Matrix:
    """What became of each promise, by suite, transport and promise, in the order of the reports."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, dict[str, str]]] = {}
        self._why: dict[tuple[str, str], dict[str, int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what one phase of one test came to."""
        for name, about in report.user_properties:
            if name == PROPERTY and isinstance(about, Sequence):
                self._take_in(report, *map(str, about))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table of each suite that ran."""
        width = min(max(shutil.get_terminal_size((80, 24)).columns, _LEAST_WIDTH), _MOST_WIDTH)
        for suite, by_transport in sorted(self._found.items()):
            terminalreporter.section(f"promises of the {suite}, by transport")
            for line in self._lines(suite, by_transport, width):
                terminalreporter.write_line(line)

    def _take_in(self, report: pytest.TestReport, suite: str, transport: str, promise: str) -> None:
        outcomes = self._found.setdefault(suite, {}).setdefault(transport, {})
        if report.failed:
            outcomes[promise] = BROKEN
        elif report.skipped:
            outcomes.setdefault(promise, SKIPPED)
            reasons = self._why.setdefault((suite, transport), {})
            reasons[_reason(report)] = reasons.get(_reason(report), 0) + 1
        elif report.when == "call":
            outcomes.setdefault(promise, KEPT)

    def _lines(
        self, suite: str, by_transport: dict[str, dict[str, str]], width: int
    ) -> Iterator[str]:
        transports = sorted(by_transport)
        longest = max(map(len, transports))
        for number, transport in enumerate(transports, 1):
            told = self._told(suite, transport, by_transport[transport])
            head = f"{number:>3} {transport:<{longest}}  "
            yield from textwrap.wrap(told, width, initial_indent=head, subsequent_indent=" " * 6)
        promises = sorted({promise for kept in by_transport.values() for promise in kept})
        room = width - 3 * len(transports) - 1
        yield " " * room + "".join(f"{number:>3}" for number in range(1, len(transports) + 1))
        for promise in promises:
            first, *rest = textwrap.wrap(promise, max(room - 1, 20), subsequent_indent="  ")
            marks = [by_transport[transport].get(promise, "") for transport in transports]
            yield f"{first:<{room}}" + "".join(f"{mark:>3}" for mark in marks)
            yield from rest

    def _told(self, suite: str, transport: str, outcomes: dict[str, str]) -> str:
        marks = [*outcomes.values()]
        counts = ((BROKEN, "broken"), (KEPT, "kept"), (SKIPPED, "skipped"))
        told = ", ".join(f"{marks.count(mark)} {word}" for mark, word in counts if mark in marks)
        why = "; ".join(self._why.get((suite, transport), ()))
        return f"{told}: {why}" if why else told


def _transport(item: pytest.Item, cls: type[Contract]) -> str:
    """The class's own name for it, and what the fixture that opens it is parametrised with."""
    callspec: Any = getattr(item, "callspec", None)
    params = {} if callspec is None else callspec.params
    chosen = [str(params[maker]) for maker in _MAKERS if maker in params]
    named = [cls.transport] if cls.transport else []
    return " ".join([*named, *chosen]) or cls.__name__.removeprefix("Test")


def _reason(report: pytest.TestReport) -> str:
    """Why it was skipped."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", "")) or "it is expected to fail"
