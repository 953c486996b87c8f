"""Programs that a machine may lack; ``AEXP_EXPECT_HOSTS=1`` promises that they are here."""

import os
import shutil

from tests.lab.mounts import skip_or_fail

_MORE = "/usr/local/sbin:/usr/sbin:/sbin"


def need_program(name: str) -> str:
    """The absolute path of a program; the test is skipped (or fails, where it was promised) without it."""
    # Servers often lie in folders that only root has on the PATH.
    path = f"{os.environ.get('PATH', '')}:{_MORE}"
    return shutil.which(name, path=path) or skip_or_fail(
        f"{name} is not installed", "AEXP_EXPECT_HOSTS"
    )
