"""``aexp``: the entry point of the command line."""

import os
import sys


def main() -> None:
    """Run the command line: its plainest spellings by themselves, everything else with click."""
    try:
        _run()
    except KeyboardInterrupt:
        # While modules are loaded nobody else is there yet to end as the commands do.
        sys.stderr.write("\n")
        sys.exit(130)
    except BrokenPipeError:
        _write_no_more()
        sys.exit(1)
    except OSError as error:
        if error.filename is not None or not _takes_nothing():
            raise
        from aexp.cli.exits import STORAGE
        from aexp.cli.terminal import show_error
        from aexp.domain.errors import FilesystemError

        _write_no_more()
        why = error.strerror or type(error).__name__
        show_error(
            FilesystemError(
                f"Standard output cannot be written: {why}.",
                "What was asked for may be done all the same: look before you try again.",
            )
        )
        sys.exit(STORAGE)


def _run() -> None:
    try:
        if "_AEXP_COMPLETE" in os.environ or not _quick(sys.argv[1:]):
            from aexp.cli.root import root

            root(prog_name="aexp")
    except SystemExit:
        _flush()
        raise
    _flush()


def _flush() -> None:
    # At the interpreter's end it would be too late to tell of an error. Without a terminal there may be none.
    if sys.stdout is not None:
        sys.stdout.flush()


def _takes_nothing() -> bool:
    """Whether standard output takes nothing any more: then that is what went wrong."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _write_no_more() -> None:
    # The interpreter flushes once more at its end, which must not fail as well.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
