"""What happened in a run, as text that a person can follow."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_REQUEST = re.compile(r"[0-9a-f]{32}")
_PROCESS = re.compile(r"\b([a-z]+\d)-(\d+)-1-[0-9a-f]{8}\b")
_WIDTH = 150


class Step(NamedTuple):
    """One line of a trace.

    Attributes:
        quiet: a look that found nothing new; left out unless everything is asked for.
    """

    when: float
    actor: str
    what: str
    facts: tuple[object, ...]
    quiet: bool


class Trace:
    """Collects steps cheaply and words them when they are read.

    A request is shown as ``r3`` (the third that was seen), a process as ``login1#102``.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._aliases: dict[str, str] = {}

    def alias(self, request_id: str) -> str:
        """The short name of a request."""
        return self._aliases.setdefault(request_id, f"r{len(self._aliases) + 1}")

    def lines(self, *, everything: bool = False) -> list[str]:
        """The trace, one line a step."""
        return [_worded(step, self) for step in self.steps if everything or not step.quiet]


def _worded(step: Step, trace: Trace) -> str:
    text = f"{step.what} {' '.join(_shown(fact) for fact in step.facts)}"
    text = _REQUEST.sub(lambda found: trace.alias(found[0]), text)
    text = _PROCESS.sub(r"\1#\2", text).replace("\n", "\\n")
    return f"{step.when:10.3f}  {step.actor:<12} {text[:_WIDTH]}"


def _shown(fact: object) -> str:
    if isinstance(fact, bytes):
        return f"{len(fact)} bytes"
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        return f"[{' '.join(str(item) for item in fact)}]"
    return str(fact)
