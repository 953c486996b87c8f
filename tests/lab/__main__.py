"""``python -m tests.lab [COMMAND ...]``: a shell (or a command) with the lab up, to try things out."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.mounts import LabError
from tests.lab.stale import CACHE_S, StaleLab, stale_lab

SKIPPED = 77
"""The exit status of automake's tests that cannot run here."""
HELP = f"""\
One folder on two nodes that cache names for {CACHE_S} s: $LAB_LOGIN, $LAB_COMPUTE. Without caches: $LAB_BACK.
Try: aexp relay serve --queue $LAB_LOGIN/q &   aexp relay git-status --queue $LAB_COMPUTE/q
Or:  ls $LAB_COMPUTE/x; touch $LAB_LOGIN/x; ls $LAB_COMPUTE/x   # asked too early; ls $LAB_COMPUTE lists it
"""


def main(command: list[str]) -> int:
    """Run it with the lab up; its exit status, or 77 where the lab cannot be."""
    with tempfile.TemporaryDirectory(prefix="aexp-lab-") as folder:
        try:
            with stale_lab(Path(folder)) as lab:
                return _run(command or [os.environ.get("SHELL") or "sh"], lab)
        except LabError as exc:
            sys.stderr.write(f"The lab cannot be brought up: {exc}.\n")
            return SKIPPED


def _run(command: list[str], lab: StaleLab) -> int:
    places = {
        "LAB_BACK": str(lab.back),
        "LAB_COMPUTE": str(lab.compute),
        "LAB_LOGIN": str(lab.login),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
    }
    sys.stderr.write(HELP)
    process = subprocess.Popen(command, env={**os.environ, **places})
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # Ctrl-C is for what runs in the lab; the lab goes down when that has ended.
            continue
        return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
