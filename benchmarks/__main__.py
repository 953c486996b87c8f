"""``python -m benchmarks``: run, compare, plot."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import compare, measures, table
from benchmarks.bench import ROOT, Bench
from benchmarks.results import Results
from benchmarks.run import run

DEFAULT_OUT = "build/benchmarks/results.json"


def main(argv: list[str] | None = None) -> int:
    """The command line; 1 when a measure failed or something got worse, 2 for a wrong argument."""
    args = _parser().parse_args(argv)
    status: int = args.act(args)
    return status


def _run(args: argparse.Namespace) -> int:
    try:
        names = measures.chosen(args.only)
    except ValueError as exc:
        return _wrong(str(exc))
    if args.scratch is not None:
        args.scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="aexp-bench-", dir=args.scratch))
    try:
        results = run(Bench(folder, quick=args.quick), names)
        if results.machine["filesystem"] == "tmpfs":
            print("note: syncing costs nothing on tmpfs; see --scratch", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.save(args.out)
    print(table.render(results))
    print(f"written to {args.out}", file=sys.stderr)
    return 1 if results.failed else 0


def _compare(args: argparse.Namespace) -> int:
    try:
        old, new = Results.load(args.old), Results.load(args.new)
    except (OSError, ValueError) as exc:
        return _wrong(str(exc))
    changes = compare.changes(old, new)
    print(compare.render(changes, compare.differences(old, new), new.failed))
    return 1 if new.failed or any(change.worse for change in changes) else 0


def _plot(args: argparse.Namespace) -> int:
    try:
        results = Results.load(args.results)
    except (OSError, ValueError) as exc:
        return _wrong(str(exc))
    from benchmarks.plots import draw

    for path in draw(results, args.to):
        print(path)
    return 0


def _page(args: argparse.Namespace) -> int:
    try:
        print(table.page(Results.load(args.results)))
    except (OSError, ValueError) as exc:
        return _wrong(str(exc))
    return 0


def _wrong(what: str) -> int:
    print(what, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run", help="measure; about eight minutes")
    one.add_argument(
        "--quick", action="store_true", help="one or two minutes, for the shape of things"
    )
    one.add_argument("--only", metavar="NAME,NAME", help=f"of {', '.join(measures.NAMES)}")
    one.add_argument("--out", type=Path, default=Path(DEFAULT_OUT), metavar="FILE.json")
    one.add_argument(
        "--scratch",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="where to measure; on a real disk",
    )
    one.set_defaults(act=_run)
    two = commands.add_parser("compare", help="two runs side by side; 1 when something got worse")
    two.add_argument("old", type=Path)
    two.add_argument("new", type=Path)
    two.set_defaults(act=_compare)
    four = commands.add_parser("targets", help="the targets of a run as a Markdown table")
    four.add_argument("results", type=Path)
    four.set_defaults(act=_page)
    three = commands.add_parser("plot", help="draw a run")
    three.add_argument("results", type=Path)
    three.add_argument("--to", type=Path, default=ROOT / "docs/performance", metavar="FOLDER")
    three.set_defaults(act=_plot)
    return parser


if __name__ == "__main__":
    sys.exit(main())
