"""``aexp relay doctor``."""

import dataclasses
import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from aexp.cli.exits import DOWN
from aexp.cli.render import show_finding
from aexp.cli.terminal import print_json
from aexp.cli.wiring import json_option, queue_option
from aexp.domain.errors import SettingsError
from aexp.domain.text import visible

if TYPE_CHECKING:
    from aexp.airgapped.checkup.ground import Ground
    from aexp.airgapped.queue import RelayQueue
    from aexp.container import Container
    from aexp.domain.findings import Finding
    from aexp.ports.login_node import LoginNode
    from aexp.ports.post import Post, Posted
    from aexp.ports.remotes import Remotes


@click.command()
@click.option(
    "-C",
    "--cwd",
    metavar="DIR",
    help="Ask the remotes of this working copy.  [default: the current folder]",
)
@queue_option
@json_option
def doctor(cwd: str | None, queue: str | None, as_json: bool) -> None:
    """Look for what keeps the relay from working, on either node. Exits with 69 when something does.

    It writes nothing but a few small files in the queue's tmp folder and in one of this node, and removes
    them again. Only remotes that are remembered already are contacted.
    """
    from aexp.domain.findings import Level, worst

    url, coming = _examined(queue, cwd)
    findings = []
    for finding in coming:
        findings.append(finding)
        if not as_json:
            show_finding(finding)
    level = worst(findings)
    if as_json:
        told = [dataclasses.asdict(finding) for finding in findings]
        print_json({"queue": url, "host": os.uname().nodename, "level": level, "findings": told})
    sys.exit(DOWN if level is Level.FAIL else 0)


def _examined(queue: str | None, cwd: str | None) -> "tuple[str, Iterable[Finding]]":
    """The queue's URL, and what is found, as it comes."""
    from aexp.adapters.threads import within
    from aexp.airgapped.doctor import LIMIT_S, examine
    from aexp.cli.clients import queue_of
    from aexp.domain.far import is_far
    from aexp.domain.findings import fail
    from aexp.settings import configured, load_settings

    if is_far(configured(queue=queue).queue):
        found = queue_of(queue)
        return found.storage.url, _of_far(found, cwd)
    try:
        ground = within(LIMIT_S, lambda: _ground(queue, cwd))
    except TimeoutError:
        told = f"the filesystem does not answer: nothing came within {LIMIT_S:.0f} s"
        fix = "Check the mount, and ask the people who run the file server."
        return str(load_settings(queue=queue).queue), [fail("queue", told, fix)]
    return ground.storage.url, examine(ground, within)


def _of_far(queue: "RelayQueue", cwd: str | None) -> "Iterable[Finding]":
    """What is found of a queue on another machine; its far side looks at what is there."""
    from aexp import __version__
    from aexp.airgapped import defaults
    from aexp.airgapped.checkup.far import examine_far

    far = queue.storage.far
    parts = (defaults.system_clock(), defaults.system_processes(), __version__)
    return () if far is None else examine_far(queue, far, cwd, *parts)


def _ground(queue: str | None, cwd: str | None) -> "Ground":
    from aexp.adapters.checkup.node import LocalNodeFacts
    from aexp.airgapped import defaults
    from aexp.airgapped.checkup.ground import Copy, Ground
    from aexp.cli.clients import queue_of
    from aexp.domain.redaction import Redactor, secrets_of

    filesystem = defaults.local_filesystem()
    home = filesystem.resolve(os.path.expanduser("~"))
    folder = filesystem.resolve(defaults.absolute(cwd or "."))
    if cwd is not None and filesystem.kind(folder) != "directory":
        raise SettingsError(f"{visible(folder, limit=400)} is not a folder.", "Check --cwd.")
    return Ground(
        queue=queue_of(queue),
        clock=defaults.system_clock(),
        processes=defaults.system_processes(),
        filesystem=filesystem,
        node=LocalNodeFacts(os.environ, home),
        post_of=partial(_post, queue),
        login_of=partial(_login, home),
        remotes_of=partial(_remotes, home, queue),
        copy=Copy(Path(folder), named=cwd is not None),
        shown=Redactor(secrets_of(os.environ)).text,
    )


def _post(queue: str | None) -> "Post":
    from aexp.cli.login_node import container

    return container(queue).post()


def _login(home: str, posted: "Posted | None") -> "LoginNode":
    from aexp.adapters.checkup.login import LocalLoginNode

    if posted is None:
        return LocalLoginNode(os.environ, home)
    return LocalLoginNode(posted.environ, home, posted.process.pid)


def _remotes(home: str, queue: str | None, posted: "Posted | None") -> "Remotes":
    from aexp.adapters.checkup.remotes import HouseRemotes
    from aexp.cli.login_node import container

    environ = os.environ if posted is None else posted.environ

    def built() -> "Container":
        return container(queue, environ=environ)

    return HouseRemotes(home, lambda: built().workshop(), lambda: built().pins())
