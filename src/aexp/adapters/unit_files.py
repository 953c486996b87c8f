"""The user's units of systemd: files in the shared home, and the manager of this node (systemctl(1))."""

import contextlib
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from aexp.adapters.plain_files import read_anywhere, write_private
from aexp.adapters.programs_here import answer_of
from aexp.adapters.remedies import reason, remedy
from aexp.domain.errors import FilesystemError, RelayStartError
from aexp.domain.text import visible

ANSWERS_IN_S = 60.0
_VERSION = re.compile(r"systemd (\d{1,6})\b", re.ASCII)


class UserUnits:
    """The units of this user, and systemd on this node.

    Args:
        environ: says where both are.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._program = shutil.which("systemctl", path=self._environ.get("PATH"))
        config = self._environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        self.folder = Path(config) / "systemd/user"

    @property
    def runtime(self) -> str:
        """The folder of this user's manager, whether it is there or not."""
        return self._environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"

    @property
    def available(self) -> bool:
        """Whether systemd runs units of this user on this node."""
        return self._program is not None and Path(self.runtime, "systemd/private").exists()

    @property
    def version(self) -> int:
        """The version of systemd on this node; 0 when it does not tell."""
        try:
            match = _VERSION.match(self._run("--version").stdout)
        except RelayStartError:
            return 0
        return int(match[1]) if match else 0

    def read(self, name: str) -> str | None:
        """What a unit's file holds, None when there is none.

        Raises:
            FilesystemError: it cannot be read.
        """
        path = self.folder / name
        try:
            data = read_anywhere(path)
        except OSError as exc:
            raise FilesystemError(f"{path} cannot be read: {reason(exc)}.", remedy(exc)) from exc
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def write(self, name: str, text: str) -> Path:
        """Write a unit's file, in one step.

        Raises:
            FilesystemError: it cannot be written; the one before is as it was.
        """
        path = self.folder / name
        draft = path.with_name(f".{name}.{uuid.uuid4().hex[:8]}")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(draft, text.encode("utf-8", "surrogateescape"))
            draft.replace(path)
        except OSError as exc:
            raise FilesystemError(f"{path} cannot be written: {reason(exc)}.", remedy(exc)) from exc
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()
        return path

    def remove(self, name: str) -> None:
        """Remove a unit's file; none is well, too.

        Raises:
            FilesystemError: it cannot be removed.
        """
        path = self.folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise FilesystemError(f"{path} cannot be removed: {reason(exc)}.", remedy(exc)) from exc

    def manage(self, *words: str) -> None:
        """``systemctl --user WORDS``.

        Raises:
            RelayStartError: it failed; the error has its words.
        """
        done = self._run("--user", *words)
        if done.returncode != 0:
            said = visible((done.stderr or done.stdout).strip(), limit=600)
            raise RelayStartError(
                f"systemctl --user {' '.join(words)} failed: {said}", "Try it by hand."
            )

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        if self._program is None:
            raise RelayStartError("systemctl is not there.", "Is this node run by systemd?")
        env = {**self._environ, "XDG_RUNTIME_DIR": self.runtime}
        argv = [self._program, *words]
        return answer_of(argv, env, within_s=ANSWERS_IN_S, hint="Try it by hand.")
