"""The container behind the commands of the login node."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aexp.container import Container


def container(
    queue: str | None = None,
    *,
    wake: int | None = None,
    environ: Mapping[str, str] | None = None,
    **given: Any,
) -> "Container":
    """The wiring for one command of the login node; a client's is in :mod:`aexp.cli.clients`.

    Args:
        queue: what ``--queue`` said.
        wake: a descriptor that wakes the daemon.
        environ: the environment that counts in place of this process's own.
        given: further settings (None means not given).

    Raises:
        SettingsError: a setting cannot be used.
    """
    from aexp.container import Container
    from aexp.settings import load_settings

    built = Container(settings=load_settings(environ, queue=queue, **given))
    if wake is not None:
        built.wake.override(wake)
    if environ is not None:
        built.environ.override(environ)
    return built
