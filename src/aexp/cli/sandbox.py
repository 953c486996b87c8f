"""``aexp sandbox new``, and ``aexp new-sandbox`` as the same verb."""

import json
from dataclasses import asdict

import rich_click as click

from aexp.sandbox import SandboxScaffoldResult, scaffold

_SCHEMA = 1


@click.group()
def sandbox() -> None:
    """Dated folders for exploratory notebooks."""


@sandbox.command("new")
@click.argument("slug", required=False)
@click.option("--slug", "slug_option", metavar="SLUG", help="The slug, instead of the argument.")
@click.option("--title", help="One line for the README's heading; made from the slug if missing.")
@click.option(
    "--parent-dir",
    metavar="DIR",
    help="The folder for sandboxes: absolute, or relative to the repository's root "
    "(notebooks/_sandbox if missing).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def new(
    slug: str | None,
    slug_option: str | None,
    title: str | None,
    parent_dir: str | None,
    as_json: bool,
) -> None:
    """Make the sandbox <today>_SLUG with a README.md to fill in and a helpers.py.

    SLUG is a short name such as `lr-warmup`: lower-case letters, digits, single - or _.
    """
    made = scaffold(_one_slug(slug, slug_option), title=title, parent_dir=parent_dir)
    click.echo(json.dumps({"schema": _SCHEMA, **asdict(made)}) if as_json else _told(made))


new_sandbox = click.RichCommand(
    name="new-sandbox", params=new.params, callback=new.callback, help=new.help
)


def _one_slug(argument: str | None, option: str | None) -> str:
    if argument is not None and option is not None:
        raise click.UsageError("Give the slug once: as SLUG or with --slug, not both.")
    slug = option if argument is None else argument
    if slug is None:
        raise click.UsageError("Give a slug: SLUG or --slug SLUG.")
    return slug


def _told(made: SandboxScaffoldResult) -> str:
    files = "\n".join(f"  {file}" for file in made.files_created)
    return (
        f"Made the sandbox {made.dir_path}\n{files}\n\n"
        "Next: fill in its README.md before the first result, save a notebook in that folder, "
        f"and begin it with:\n\n{_first_cell(made)}"
    )


def _first_cell(made: SandboxScaffoldResult) -> str:
    # Outside a repository there is none to look for; Jupyter starts a kernel in its notebook's
    # folder, where helpers.py can be imported at once.
    if made.dir_path.startswith("/"):
        return "    from helpers import REPO_ROOT, SANDBOX_DIR"
    return (
        "    from aexp.sandbox import setup_sandbox_notebook\n\n"
        f'    paths = setup_sandbox_notebook("{made.dir_name}")\n\n'
        "    from helpers import REPO_ROOT, SANDBOX_DIR"
    )
