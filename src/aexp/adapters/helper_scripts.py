"""The shell helpers that a person uses on the login node, in ``_bin`` of the queue."""

import contextlib
import os
import shlex
import uuid
from pathlib import Path

from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import RelayStorageError

_VERBS = {
    "relay-approve": "approve",
    "relay-reject": "reject",
    "relay-list-pending": "pending",
}
_SCRIPT = """\
#!/bin/sh
# Installed by `aexp relay install-helpers`: {name} works on the queue that this file lies in.
# Whoever can write the queue can replace this file; the console script {name}, which came with aexp,
# does the same for the default queue, or with --queue.
queue=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
python={python}
if [ ! -x "$python" ]; then
    echo "{name}: $python is gone; run aexp relay install-helpers again" >&2
    exit 127
fi
# -P: nothing in the current folder can stand in for a module.
exec "$python" -P -m aexp relay {verb} --queue "$queue" "$@"
"""


def install_helpers(queue_folder: str, python: str) -> list[Path]:
    """Write the helpers; existing ones are replaced in one step.

    Args:
        queue_folder: the queue's absolute path.
        python: the interpreter that has aexp.

    Raises:
        RelayStorageError: they cannot be written.
    """
    folder = Path(queue_folder) / "_bin"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [_install(folder / name, verb, python) for name, verb in _VERBS.items()]
    except OSError as exc:
        raise RelayStorageError(
            f"The helpers could not be written to {folder}: {reason(exc)}.", remedy(exc)
        ) from exc


def _install(path: Path, verb: str, python: str) -> Path:
    text = _SCRIPT.format(name=path.name, verb=verb, python=shlex.quote(python))
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o700)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return path
