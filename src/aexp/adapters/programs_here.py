"""Asking a program of this node that answers at once or not at all."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from aexp.domain.errors import RelayStartError


def answer_of(
    argv: Sequence[str], env: Mapping[str, str], *, within_s: float, hint: str
) -> subprocess.CompletedProcess[str]:
    """What a program said, and how it ended.

    Args:
        within_s: seconds that it may take.
        hint: what to do when it does not answer.

    Raises:
        RelayStartError: it could not be started, or took too long.
    """
    try:
        return subprocess.run(
            [*argv],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        name = os.path.basename(argv[0])
        raise RelayStartError(f"{name} does not answer: {exc}.", hint) from exc
