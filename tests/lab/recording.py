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
echo "began $3" >> .git/pushes
{work}
echo "ended $3" >> .git/pushes
echo "pushed $3"
"""


class Recording:
    """What the pushes of a site did; each is known by the branch that it sends.

    Args:
        work: what a push does, in shell; its branch is ``$3``.
    """

    def __init__(self, site: Site, work: str = ":") -> None:
        # A command may write in its own working copy, and nowhere else in the home.
        self._home = site.home
        stand_in(site, _SCRIPT.format(work=work, git=shutil.which("git")))

    def began(self) -> Counter[str]:
        """How often the push of each branch began."""
        return self._noted("began")

    def ended(self) -> Counter[str]:
        """How often the push of each branch came to its end."""
        return self._noted("ended")

    def _noted(self, event: str) -> Counter[str]:
        notes = [file.read_text(encoding="utf-8") for file in self._home.glob("*/.git/pushes")]
        lines = [line for note in notes for line in note.splitlines()]
        return Counter(line.split()[1] for line in lines if line.startswith(event))


def working_copies(site: Site, count: int) -> list[Path]:
    """Clones of the site's origin; operations in two of them may run at once."""
    copies = [site.home / f"copy{number}" for number in range(count)]
    for copy in copies:
        site.git("clone", "-q", str(site.origin), str(copy), cwd=site.home)
    return copies
