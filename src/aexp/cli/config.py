"""``aexp config``: what is set, where it comes from, and whether the files of settings are right."""

import json
import os
import sys

import rich_click as click

from aexp.airgapped.defaults import absolute
from aexp.cli.cells import cells, padded
from aexp.cli.exits import SETTINGS
from aexp.cli.groups import LazyGroup
from aexp.cli.render import show_finding
from aexp.cli.terminal import echo, print_json, style
from aexp.cli.wiring import json_option
from aexp.domain.configuration import KEYS, shown_value
from aexp.domain.findings import Level
from aexp.domain.setting_schema import schema
from aexp.domain.text import visible

COMMANDS = {
    "show": "aexp.cli.config:show",
    "validate": "aexp.cli.config:validate",
    "schema": "aexp.cli.config:print_schema",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def config() -> None:
    """What is set, where it comes from, and whether the files of settings are right."""


@click.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@json_option
def show(origin: bool, as_json: bool) -> None:
    """Show what counts in the current folder, and where the files of settings lie.

    Settings of the login node are shown as for a daemon that is started from this shell.
    """
    from aexp.settings import files_around, local_files, origin_of, settings_of, stacked

    stack = stacked(layers=files_around())
    settings = settings_of(stack)
    told = [
        {
            "key": key.name,
            "value": shown_value(getattr(settings, key.setting)),
            "origin": origin_of(key.setting, stack),
            "policy": key.policy,
        }
        for key in KEYS
    ]
    files = local_files()
    places = {
        "user": files.user_path(os.environ),
        "repository": files.repository_path(absolute(".")),
    }
    if as_json:
        print_json(
            {"settings": told, "files": {name: path or None for name, path in places.items()}}
        )
        return
    _show(told, with_origin=origin)
    for name, path in places.items():
        there = path and os.path.lexists(path)
        echo(
            f"{name}'s file: {visible(path, limit=500) if there else f'none{_would(path)}'}",
            err=True,
        )


@click.command()
@json_option
def validate(as_json: bool) -> None:
    """Check the user's file, that of the repository around the current folder, and the environment.

    Exits with 78 when something in them is wrong.
    """
    from aexp.cli.config_findings import findings_here

    findings = findings_here()
    if as_json:
        from dataclasses import asdict

        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            show_finding(finding)
    sys.exit(SETTINGS if any(one.level is Level.FAIL for one in findings) else 0)


@click.command("schema")
@click.option("--repository", is_flag=True, help="For a repository's file, which sets no policy.")
def print_schema(repository: bool) -> None:
    """Print the JSON Schema of a file of settings, for an editor."""
    echo(json.dumps(schema(of_repository=repository), indent=2))


def _show(told: list[dict[str, object]], *, with_origin: bool) -> None:
    wide = max(len(str(one["key"])) for one in told)
    values = [visible(str(one["value"])) or "-" for one in told]
    long = max(map(cells, values)) if with_origin else 0
    for one, value in zip(told, values, strict=True):
        line = f"{str(one['key']).ljust(wide)}  {padded(value, long)}"
        origin = visible(str(one["origin"]), limit=500)
        echo(f"{line}  {style(origin, 'cyan')}" if with_origin else line)


def _would(path: str) -> str:
    return f", it would be {visible(path, limit=500)}" if path else ""
