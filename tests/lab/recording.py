"""A stand-in for git that notes which pushes began and which ended, so that double runs are found."""

import shutil
from collections import Counter
from pathlib import Path

from tests.site import Site, stand_in

_SCRIPT = """\
#!/bin/sh
[ "$1" = push ] || exec {git} "$@"
for last; do :; done
set -- push origin "${{last#*:refs/heads/}}"
echo "began $3" >> {notes}
{work}
echo "ended $3" >> {notes}
echo "pushed $3"
"""


class Recording:
    """What the pushes of a site did; each is known by the branch that it sends.

    Args:
        work: what a push does, in shell; its branch is ``$3``.
    """

    def __init__(self, site: Site, work: str = ":") -> None:
        self._notes = site.home / "pushes"
        self._notes.touch()
        stand_in(site, _SCRIPT.format(notes=self._notes, work=work, git=shutil.which("git")))

    def began(self) -> Counter[str]:
        """How often the push of each branch began."""
        return self._noted("began")

    def ended(self) -> Counter[str]:
        """How often the push of each branch came to its end."""
        return self._noted("ended")

    def _noted(self, event: str) -> Counter[str]:
        lines = self._notes.read_text(encoding="utf-8").splitlines()
        return Counter(line.split()[1] for line in lines if line.startswith(event))


def working_copies(home: Path, count: int) -> list[Path]:
    """Folders that look like working copies; operations in two of them may run at once."""
    copies = [home / f"copy{number}" for number in range(count)]
    for copy in copies:
        (copy / ".git").mkdir(parents=True)
    return copies
