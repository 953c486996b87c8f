"""What the walk-through types into terminals and reads from them: tmux, and names that never change."""

import hashlib
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from demo_screen import DemoError
from demo_world import PATIENCE_S

COLUMNS, LINES = 300, 60
_LONG, _FOLD = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b"), 8
_TABLE = re.compile(r"(?m)^ID  .*\n(?:[0-9a-f]{8}  .*\n?)+")
_SPAN = re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b")
_ALWAYS = (
    (
        re.compile(r"\b(\d{4})-\d\d-\d\d([ T])\d\d:\d\d:\d\d(?:[.,]\d+)?"),
        r"2026-11-23\g<2>18:09:50",
    ),
    (re.compile(r"(?m)^\d\d:\d\d:\d\d"), "18:09:50"),
    (re.compile(r"\b(pid|process) \d+"), r"\g<1> 7817"),
    (re.compile(r"\bby=\d+"), "by=7817"),
    (re.compile(r" \| [\d.]+ [KMG]iB/s"), ""),
    (re.compile(r" \(from \d+\)"), ""),
    (
        re.compile(r"[\w.]+-[0-9a-f]{8}-\d+-\d+-[0-9a-f]{8}\b"),
        "gpu017-19c29fcf-7863-300655-a920194f",
    ),
    (_SPAN, "1.0 s"),
    (re.compile(r"duration_s=[\d.]+"), "duration_s=1.0"),
    (re.compile(r"\(\d:\d\d\)|\b0:\d\d\b"), "0:01"),
)


class Terminals:
    """Some terminals, each with a shell and a prompt of its own.

    Args:
        prompts: terminal to its prompt.
        home: the folder in which the shells begin, shown as ``/home/ada``.
    """

    def __init__(self, prompts: Mapping[str, str], home: Path, env: Mapping[str, str]) -> None:
        self._prompts = prompts
        self._home = home
        self._env = {**env, "TERM": "xterm-256color"}
        self._socket = str(home / "tmux.sock")
        self._last: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def __enter__(self) -> "Terminals":
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        for name, prompt in self._prompts.items():
            begin = ("-e", f"PS1={prompt}", "-c", str(self._home))
            self._tmux("new-session", "-d", "-s", name, *size, *begin, "bash", "--norc")
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def type(self, where: str, command: str) -> None:
        """Type a command, and Enter."""
        self._last[where] = command
        self._tmux("send-keys", "-t", where, "-l", command)
        self._tmux("send-keys", "-t", where, "Enter")

    def answer(self, where: str, words: str) -> None:
        """Type what a running command asks for, and Enter."""
        self._tmux("send-keys", "-t", where, "-l", words)
        self._tmux("send-keys", "-t", where, "Enter")

    def until(self, where: str, *words: str) -> str:
        """The screen from the last command on, once it shows the words.

        Raises:
            DemoError: it does not.
        """
        until = time.monotonic() + PATIENCE_S
        while True:
            text = self._from_command(where)
            if all(word in text for word in words):
                return text
            if time.monotonic() > until:
                raise DemoError(f"{where} does not show {words}:\n{text}")
            time.sleep(0.05)

    def ended(self, where: str) -> str:
        """The same once the prompt is back, without it.

        Raises:
            DemoError: it does not come.
        """
        prompt = self._prompts[where].strip()
        until = time.monotonic() + PATIENCE_S
        while not (text := self._from_command(where)).endswith(f"\n{prompt}"):
            if time.monotonic() > until:
                raise DemoError(f"the prompt of {where} does not come back:\n{text}")
            time.sleep(0.05)
        return text.removesuffix(f"\n{prompt}")

    def run(self, where: str, command: str) -> str:
        """Type a command and give what stands there when it has ended."""
        self.type(where, command)
        return self.ended(where)

    def learn(self, text: str) -> None:
        """Its ids and digests are to be told by others, in this order."""
        for found in _LONG.findall(text):
            self._known.setdefault(found, _made_up(found, len(self._known)))

    def told(self, text: str, hosts: Mapping[str, str]) -> str:
        """The text with names, ids, times and process numbers that are the same in every recording."""
        text = text.replace(str(self._home), "/home/ada")
        for real, made in {**self._known, **hosts}.items():
            text = text.replace(real, made).replace(real[:_FOLD], made[:_FOLD])
            text = text.replace(f"digest: {real[:4]}", f"digest: {made[:4]}")
        for pattern, made in _ALWAYS:
            text = pattern.sub(made, text)
        return _TABLE.sub(lambda found: _aligned(found[0]), text)

    def _from_command(self, where: str) -> str:
        text = self._tmux("capture-pane", "-p", "-J", "-S", "-", "-t", where)
        start = text.rfind(f"{self._prompts[where]}{self._last[where]}")
        if start < 0:
            # The shell has not shown it yet; what stands there belongs to the command before.
            return ""
        return "\n".join(line.rstrip() for line in text[start:].rstrip().splitlines())

    def _tmux(self, *args: str) -> str:
        argv = ["tmux", "-S", self._socket, "-f", "/dev/null", *args]
        done = subprocess.run(argv, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoError(f"tmux {args[0]}: {done.stderr.strip()}")
        return done.stdout


def _made_up(real: str, number: int) -> str:
    """Digits of the same length that look like any other's."""
    return hashlib.sha256(f"walk-through {number}".encode()).hexdigest()[: len(real)]


def _aligned(table: str) -> str:
    """The columns as wide as what stands in them now."""
    rows = [re.split(" {2,}", line) for line in table.splitlines()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)
