"""``aexp``: the entry point of the command line."""

import os
import sys


def main() -> None:
    """Run the command line: its plainest spellings by themselves, everything else with click."""
    try:
        plain = "_AEXP_COMPLETE" not in os.environ and _quick(sys.argv[1:])
    except BrokenPipeError:
        # Nobody reads on. The interpreter flushes once more at its end, which must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if not plain:
        from aexp.cli.root import root

        root(prog_name="aexp")


def _quick(words: list[str]) -> bool:
    """Do what the words say, if that can be done without click; False when nothing was done."""
    if words == ["--version"]:
        from aexp import __version__

        sys.stdout.write(f"aexp {__version__}\n")
        sys.stdout.flush()
        return True
    if words[:1] != ["relay"]:
        return False
    from aexp.cli.quick import quick

    return quick(words[1:])
