"""``aexp relay transports``: what a queue's URL may begin with here."""

import dataclasses

import rich_click as click

from aexp.cli.terminal import echo, print_json
from aexp.cli.wiring import json_option


@click.command()
@json_option
def transports(as_json: bool) -> None:
    """List what a queue's URL may begin with, and what can be used here."""
    from aexp.airgapped.transport_list import transport_views
    from aexp.cli.render import show_table

    views = transport_views()
    if as_json:
        print_json({"transports": [dataclasses.asdict(view) for view in views]})
        return
    rows = [
        (f"{view.scheme}://", view.purpose, view.origin, "yes" if view.usable else "no")
        for view in views
    ]
    show_table([("URL", "FOR", "BROUGHT BY", "HERE"), *rows])
    for view in views:
        if view.remedy:
            echo(f"  {view.scheme}://: {view.remedy}", err=True)
