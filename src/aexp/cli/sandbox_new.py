"""``aexp sandbox new``, ``aexp new-sandbox`` as the same verb, and ``aexp sandbox template``."""

from dataclasses import asdict

import rich_click as click

from aexp.cli.terminal import echo, print_json, show_note
from aexp.cli.wiring import json_option, parent_option
from aexp.domain.sandbox_starter import SETUP, SETUP_OUTSIDE, STARTER
from aexp.domain.sandbox_templates import TEMPLATES, built_in
from aexp.sandbox import SandboxScaffoldResult, scaffold


@click.command()
@click.argument("slug", required=False)
@click.option("--slug", "slug_option", metavar="SLUG", help="The slug, instead of the argument.")
@click.option("--title", help="One line for the README's heading; made from the slug if missing.")
@click.option("--no-notebook", is_flag=True, help=f"Leave {STARTER} out.")
@parent_option
@json_option
def new(
    slug: str | None,
    slug_option: str | None,
    title: str | None,
    no_notebook: bool,
    parent_dir: str | None,
    as_json: bool,
) -> None:
    """Make the sandbox <today>_SLUG: a README.md to fill in, a helpers.py, a first notebook.

    SLUG is a short name such as `lr-warmup`: lower-case letters, digits, single - or _.
    """
    made = scaffold(
        _one_slug(slug, slug_option),
        title=title,
        parent_dir=parent_dir,
        notebook=not no_notebook,
    )
    if as_json:
        print_json(asdict(made))
        return
    echo(_told(made))
    from aexp.sandbox.looking import archived_namesake

    if archived_namesake(made.dir_name, parent_dir=parent_dir):
        show_note(
            f"a sandbox {made.dir_name} was archived. Before the one can follow the other, rename one: "
            f"git mv OLD NEW, such as {made.dir_name}-2."
        )


new_sandbox = click.RichCommand(
    name="new-sandbox", params=new.params, callback=new.callback, help=new.help
)


@click.command()
@click.argument("name", metavar="FILE", type=click.Choice(TEMPLATES))
def template(name: str) -> None:
    """Print a built-in template, to be changed and put into .aexp/templates/sandbox/ of a repository.

    FILE is README.md, helpers.py or 00_feasibility.ipynb. For example:

    aexp sandbox template README.md > .aexp/templates/sandbox/README.md
    """
    echo(built_in()[name], nl=False)


def _one_slug(argument: str | None, option: str | None) -> str:
    if argument is not None and option is not None:
        raise click.UsageError("Give the slug once: as SLUG or with --slug, not both.")
    slug = option if argument is None else argument
    if slug is None:
        raise click.UsageError("Give a slug: SLUG or --slug SLUG.")
    return slug


def _told(made: SandboxScaffoldResult) -> str:
    files = "\n".join(f"  {file}" for file in made.files_created)
    told = f"Made the sandbox {made.dir_path}\n{files}\n\n"
    if any(file.endswith(f"/{STARTER}") for file in made.files_created):
        return f"{told}Next: fill in its README.md before the first result, then open {STARTER}."
    # Outside a repository there is none to look for.
    cell = SETUP_OUTSIDE if made.dir_path.startswith("/") else SETUP
    indented = "\n".join(f"    {line}".rstrip() for line in cell.splitlines())
    return (
        f"{told}Next: fill in its README.md before the first result, save a notebook in that folder, "
        f"and begin it with:\n\n{indented}"
    )
