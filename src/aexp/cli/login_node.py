"""The container behind the commands of the login node."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aexp.container import Container
    from aexp.settings import Layer, Settings


def login_layers(environ: Mapping[str, str] | None = None, **given: Any) -> "list[Layer]":
    """What sets something on the login node: options, the environment, the user's file; no repository's.

    Raises:
        SettingsError: a setting cannot be used, or others can write the user's file.
    """
    from aexp.settings import policy_file, stacked

    return stacked(environ, policy_file(os.environ if environ is None else environ), **given)


def consent_is_set(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment or the user's file says what counts as consent.

    Where neither does, the original's command line has another default than ours.

    Raises:
        SettingsError: as for :func:`login_layers`.
    """
    from aexp.settings import origin_of

    return origin_of("consent", login_layers(environ)) != "default"


def tell_ignored(indent: str = "") -> None:
    """Say that a repository's file of settings does not count here, where there is one."""
    from aexp.airgapped.defaults import absolute
    from aexp.cli.terminal import echo
    from aexp.domain.text import visible
    from aexp.settings import local_files

    ignored = local_files().repository_path(absolute("."))
    if ignored:
        shown = visible(ignored, limit=500)
        told = f"note: {shown} does not count: a daemon takes nothing from a repository"
        echo(f"{indent}{told}", err=True)


def container(
    queue: str | None = None,
    *,
    wake: int | None = None,
    environ: Mapping[str, str] | None = None,
    settings: "Settings | None" = None,
) -> "Container":
    """The wiring for one command of the login node; a client's is in :mod:`aexp.cli.clients`.

    Args:
        queue: what ``--queue`` said.
        wake: a descriptor that wakes the daemon.
        environ: the environment that counts in place of this process's own.
        settings: what is set, if that was read already.

    Raises:
        SettingsError: a setting cannot be used, or the queue is on another machine.
    """
    from aexp.cli.far import refuse_far
    from aexp.container import Container
    from aexp.settings import settings_of

    settings = settings or settings_of(login_layers(environ, queue=queue))
    refuse_far(settings.queue)
    built = Container(settings=settings)
    if wake is not None:
        built.wake.override(wake)
    if environ is not None:
        built.environ.override(environ)
    return built
