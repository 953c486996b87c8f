"""Long-lived helper processes that take orders as lines of JSON and answer each with one line."""

import json
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bench import ROOT

PATIENCE_S = 300.0


class HelperError(Exception):
    """A helper process broke, or said nothing for too long."""


def module_env(env: Mapping[str, str]) -> dict[str, str]:
    """The environment, with this package in reach of ``python -P -m``."""
    return {**env, "PYTHONPATH": str(ROOT)}


class Helper:
    """``python -m MODULE ARGS``, to be used in a with statement.

    Args:
        module: a module whose main function is :func:`serve` or reads orders like it.
        env: all of its environment.
        cwd: where it works.
    """

    def __init__(self, module: str, *args: str, env: Mapping[str, str], cwd: Path) -> None:
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *args],
            cwd=cwd,
            env=module_env(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, **order: Any) -> None:
        """Give an order; :meth:`receive` gets the answer."""
        if self._process.stdin is None:
            raise HelperError(f"{self._name} has no input")
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as exc:
            raise self._broken() from exc

    def receive(self) -> Any:
        """The answer to the oldest order that was not answered yet.

        Raises:
            HelperError: the process ended, or did not answer in time.
        """
        out = self._process.stdout
        if out is None:
            raise HelperError(f"{self._name} has no output")
        # Answers are read one by one, so that nothing is in the buffer when we wait.
        ready, _, _ = select.select([out], [], [], PATIENCE_S)
        line = out.readline() if ready else ""
        if not line:
            raise self._broken()
        return json.loads(line)

    def ask(self, **order: Any) -> Any:
        """Give an order and wait for its answer."""
        self.send(**order)
        return self.receive()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _broken(self) -> HelperError:
        self._process.kill()
        _, errors = self._process.communicate()
        last = (errors or "").strip().splitlines()[-4:]
        return HelperError(f"{self._name} gave no answer: {' | '.join(last) or 'it said nothing'}")
