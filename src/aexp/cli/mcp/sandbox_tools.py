"""The tools of the sandboxes. They work in the repository around the server's folder."""

from typing import Annotated

from pydantic import Field

from aexp.cli.mcp.answers import Checks, Made, Promoted, Sandboxes
from aexp.domain.errors import SandboxError
from aexp.domain.findings import Level
from aexp.domain.sandbox_starter import STARTER
from aexp.sandbox import check_sandboxes, list_sandboxes, promote_notebook, scaffold
from aexp.sandbox.places import current_folder, find_repo_root, local_filesystem
from aexp.sandbox.promotion_source import source_at

MOST = 50
"""Sandboxes that are told at once."""


def new(
    slug: Annotated[
        str, Field(description="A short name such as lr-warmup: a-z, digits, single - or _.")
    ],
    title: Annotated[
        str | None, Field(description="The question, in one line; it becomes the heading.")
    ] = None,
    notebook: Annotated[bool, Field(description="Whether to write a first notebook.")] = True,
) -> Made:
    """Make a dated sandbox for exploratory work: a README to fill in before the first result, a helpers.py, a
    first notebook. Never overwrites anything. Nothing in a sandbox is a finding.
    """
    made = scaffold(slug, title=title, notebook=notebook)
    then = f", then open {STARTER}" if notebook else ""
    return Made(
        summary=f"Made the sandbox {made.dir_path}",
        next=f"Fill in its README.md with the person before the first result{then}.",
        sandbox=made,
    )


def listed(
    archived: Annotated[bool, Field(description="Those that were put away, too.")] = False,
    limit: Annotated[int, Field(ge=1, le=200)] = MOST,
) -> Sandboxes:
    """The latest sandboxes of the repository, the oldest of them first, and what git knows of each."""
    views = list_sandboxes(archived=archived)
    return Sandboxes(
        summary="1 sandbox" if len(views) == 1 else f"{len(views)} sandboxes",
        next="" if views else "sandbox_new makes one.",
        sandboxes=views[-limit:],
        left_out=max(len(views) - limit, 0),
    )


def check(
    name: Annotated[
        str | None, Field(description="A slug or a folder's name; all where none is given.")
    ] = None,
) -> Checks:
    """Check sandboxes by their rules: what is missing in the README, broken notebooks, large files. Of many,
    some of those with a broken rule are told.
    """
    checks = check_sandboxes(name)
    broken = [one.dir_path for one in checks if one.level is Level.FAIL]
    told = f"{len(checks)} checked, {len(broken)} with a broken rule"
    return Checks(
        summary=told,
        next="Mend what has the level fail: see `fix`." if broken else "",
        sandboxes=sorted(checks, key=lambda one: one.level is not Level.FAIL)[:MOST],
        left_out=max(len(checks) - MOST, 0),
    )


def promote(
    notebook: Annotated[
        str, Field(description="Its path; or a sandbox's slug, where it holds one notebook.")
    ],
    to: Annotated[str, Field(description="The script, which must not exist; or a folder for it.")],
    cells: Annotated[
        str | None,
        Field(description="Numbers (1 is the topmost), ranges, ids: 3,5-8,train."),
    ] = None,
    tag: Annotated[str | None, Field(description="The cells with this tag.")] = None,
    parameters: Annotated[
        list[str] | None, Field(description="Only these variables become options.")
    ] = None,
    experiment: Annotated[
        str | None, Field(description="The tracked experiment, such as E012.")
    ] = None,
    allow_undefined: Annotated[
        bool, Field(description="Write it although it would not find some names.")
    ] = False,
    dry_run: Annotated[
        bool, Field(description="Write nothing, show what would change; false writes.")
    ] = True,
) -> Promoted:
    """Make a script of cells of a sandbox's notebook, with options and its origin in the header. Without
    cells and tag: those that begin with `#| export`. The notebook stays as it is and nothing is overwritten.
    Writes nothing unless dry_run is false: show the person the diff and every warning first.
    """
    _must_lie_here(notebook)
    made = promote_notebook(
        notebook,
        to=to,
        cells=cells,
        tag=tag,
        parameters=None if parameters is None else tuple(parameters),
        experiment=experiment,
        allow_undefined=allow_undefined,
        dry_run=dry_run,
    )
    cell = f"{len(made.cells)} {'cell' if len(made.cells) == 1 else 'cells'} of {made.notebook}"
    if dry_run:
        told = f"{cell} would become {made.script}; nothing was written"
        then = "Show the person the diff and the warnings; then again with dry_run false."
    else:
        told = f"Promoted {cell} to {made.script}"
        then = "Run it with --help, and commit it with the sandbox's README."
    return Promoted(summary=told, next=then, promotion=made)


def _must_lie_here(notebook: str) -> None:
    """Promoting goes by the notebook's own repository: let that be the server's, or one in it."""
    files = local_filesystem()
    root = find_repo_root(str(current_folder()), files)
    source = source_at(notebook, files)
    if root is None or not f"{source.root}/".startswith(f"{root}/"):
        raise SandboxError(
            f"{source.path} lies outside the repository that this server was started in.",
            "Promote it where it lies: `aexp sandbox promote`, typed in that repository.",
        )
