"""What a shell offers behind the verbs: request ids, remotes, branches, folders.

Whatever cannot be found out is not offered: a shell that completes has no place for an error.
"""

import os
from collections.abc import Iterable
from contextlib import suppress

import rich_click as click
from click.shell_completion import CompletionItem

from aexp.domain.errors import AexpError
from aexp.domain.operations import ALLOWED, BRANCH, REMOTE, Parameter

SHORT = 8
"""Digits of an id that are offered where they name one request only."""
MOST = 200
PATIENCE_S = 2.0


def ids(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The requests that the queue knows; what the open ones are."""
    return _offered(context, incomplete, answered=True)


def open_ids(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The requests that are not answered."""
    return _offered(context, incomplete)


def pending_ids(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The requests that wait for consent."""
    return _offered(context, incomplete, pending=True)


def folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Left to the shell."""
    return [CompletionItem(incomplete, type="dir")]


def operations(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The closed list."""
    return [
        CompletionItem(spec.name, help=spec.summary)
        for spec in ALLOWED.values()
        if spec.name.startswith(incomplete)
    ]


def remotes(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The remotes of the working copy."""
    return _those(incomplete, _git(context, "remote"), REMOTE)


def branches(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The branches of the working copy."""
    found = _git(context, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
    return _those(incomplete, ["HEAD", *found], BRANCH)


def _offered(
    context: click.Context, incomplete: str, *, answered: bool = False, pending: bool = False
) -> list[CompletionItem]:
    """The open requests with what they are, or the pending ones of them; the answered ones by name alone."""
    from aexp.airgapped.inspection import open_views
    from aexp.cli.clients import queue_of
    from aexp.domain.consent import State

    about: dict[str, str] = {}
    with suppress(AexpError):
        queue = queue_of(context.params.get("queue"))
        if queue.storage.far is not None:
            return []  # A key that completes must not wait for a network.
        for view in open_views(queue):
            if not pending or view.state is State.PENDING:
                about[view.request_id] = f"{view.op} {view.state}"
        for request_id in queue.known_ids() if answered else ():
            about.setdefault(request_id, "")
    fitting = {one: told for one, told in about.items() if one.startswith(incomplete)}
    counts: dict[str, int] = {}
    for one in about:
        counts[one[:SHORT]] = counts.get(one[:SHORT], 0) + 1
    return [
        CompletionItem(_short(one, incomplete, counts), help=told or None)
        for one, told in [*fitting.items()][:MOST]
    ]


def _short(one: str, incomplete: str, counts: dict[str, int]) -> str:
    return one[:SHORT] if counts[one[:SHORT]] == 1 and len(incomplete) <= SHORT else one


def _git(context: click.Context, *args: str) -> list[str]:
    """The lines that git says of the working copy; none where there is none."""
    import shutil
    import subprocess

    git, cwd = shutil.which("git"), context.params.get("cwd")
    if git is None:
        return []
    where = os.path.expanduser(cwd) if isinstance(cwd, str) else "."
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [git, "-C", where, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
        return done.stdout.decode("utf-8", "replace").splitlines()[:MOST]
    return []


def _those(incomplete: str, names: Iterable[str], kind: Parameter) -> list[CompletionItem]:
    # Only what a request may name: what is offered is put on a command line of the shell.
    return [
        CompletionItem(name) for name in names if name.startswith(incomplete) and kind.accepts(name)
    ]
