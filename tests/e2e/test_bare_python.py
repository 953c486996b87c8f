"""A Python that was built without pidfd_open and memfd_create, as conda's: what people do works with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site import PATIENCE_S, Site

BARE = """
import os, signal
for module, name in (os, "pidfd_open"), (os, "memfd_create"), (signal, "pidfd_send_signal"):
    vars(module).pop(name, None)
"""


@pytest.fixture
def bare(site: Site) -> Site:
    """A site on which every Python is such a one."""
    folder = site.home / "bare"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BARE)
    site.env["PYTHONPATH"] = str(folder)
    ask = [sys.executable, "-P", "-c", "import os; print(hasattr(os, 'memfd_create'))"]
    done = subprocess.run(ask, env=site.env, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    return site


def test_a_push_is_previewed_approved_with_a_signature_and_the_daemon_ended(
    bare: Site, tmp_path: Path
) -> None:
    key, signers = tmp_path / "key", tmp_path / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers.write_text(f"ada {key.with_suffix('.pub').read_text()}")
    strict = ("--strict", "--consent", "signed", "--allowed-signers", str(signers))
    daemon = bare.serve(*strict)
    bare.commit("second")
    request_id = bare.relay("push", "--no-wait").stdout.strip()
    bare.until("it waits", (bare.queue / f"pending/{request_id}.json").exists)
    approved = bare.relay("approve", request_id, "--key", str(key))
    assert approved.returncode == 0, approved.stderr
    assert "commit " in approved.stderr
    done = bare.relay("wait", request_id, "--timeout", "30")
    assert done.returncode == 0, done.stderr
    assert bare.git("rev-parse", "main", cwd=bare.origin) == bare.git("rev-parse", "main")
    down = bare.relay("down")
    assert down.returncode == 0, down.stderr
    assert daemon.wait(timeout=PATIENCE_S) == 0
    assert "defect" not in bare.trail()


@pytest.mark.skipif(
    shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is not installed"
)
def test_restart_ends_one_and_starts_one(bare: Site, tmp_path: Path) -> None:
    bare.env["TMUX_TMPDIR"] = str(tmp_path)
    assert bare.relay("up").returncode == 0
    try:
        done = bare.relay("restart")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert bare.relay("pull", "--timeout", "30").returncode == 0
    finally:
        done = bare.relay("down")
        subprocess.run(["tmux", "kill-server"], env=bare.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
