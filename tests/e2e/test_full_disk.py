"""A disk of one megabyte that a request fills: it is answered all the same, and the daemon goes on."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aexp.airgapped import RelayClient, RelayStartError, RelayStorageError
from tests.lab.mounts import or_skip, tmpfs
from tests.site import Site, stand_in

LONG = 20_000
"""Bytes of output that no reserve holds."""


@pytest.fixture
def disk(site: Site) -> Iterator[Path]:
    """A disk that is mounted in the working copy: there a command may write."""
    # Who is not root skips, in CI too: mounting takes root, and CI promises FUSE alone.
    with or_skip(tmpfs(site.repo / "disk", "1m"), "AEXP_EXPECT_TMPFS") as made:
        yield made
        site.close()


@pytest.fixture(autouse=True)
def served(disk: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon whose pull fills the disk, and says much when the file ``loud`` is there."""
    monkeypatch.setenv("HOME", str(site.home))
    stand_in(
        site,
        f"""#!/bin/sh
[ "$1" = pull ] || exec {shutil.which("git")} "$@"
cat /dev/zero > {disk}/objects 2>/dev/null
[ ! -e {site.home}/loud ] || printf "%{LONG}s" x
echo "no space for objects"
exit 7
""",
    )
    site.serve("--queue", str(disk / "relay"))


def client(site: Site, disk: Path) -> RelayClient:
    return RelayClient(queue=disk / "relay", cwd=site.repo)


def full(disk: Path) -> bool:
    return os.statvfs(disk).f_bavail == 0


def beat(disk: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((disk / "relay/heartbeat").read_bytes())
    return found


def whole(disk: Path) -> bool:
    """Whether everything with a final name can be read to its end."""
    files = [*disk.glob("relay/outbox/*"), *disk.glob("relay/inbox/*"), disk / "relay/heartbeat"]
    return all(isinstance(json.loads(file.read_bytes()), dict) for file in files)


def ended_quietly(site: Site) -> bool:
    daemon = site.daemons[-1]
    assert daemon.poll() is None
    assert site.end(daemon) == 0
    assert daemon.stderr is not None
    return daemon.stderr.read() == ""


def test_the_pull_that_filled_the_disk_is_answered_and_the_daemon_beats_on(
    site: Site, disk: Path
) -> None:
    result = client(site, disk).request("git_pull", timeout=20.0)
    assert (result.returncode, result.stdout) == (7, "no space for objects\n")
    assert full(disk)
    before = beat(disk)["seq"]
    site.until("it beats on", lambda: beat(disk)["seq"] > before)
    # The client finds no room for the request, or the daemon none for its answer: nothing runs either way.
    with pytest.raises((RelayStorageError, RelayStartError), match=r"space|room") as caught:
        client(site, disk).status(timeout=20.0)
    assert f"{disk}/relay/" in caught.value.what
    assert whole(disk)
    (disk / "objects").unlink()
    assert client(site, disk).status(timeout=20.0).returncode == 0
    assert ended_quietly(site)


def test_an_answer_that_does_not_fit_tells_the_end_of_its_output(site: Site, disk: Path) -> None:
    (site.home / "loud").touch()
    result = client(site, disk).request("git_pull", timeout=20.0)
    assert result.returncode == 7
    assert len(result.stdout) < LONG
    assert result.stdout.endswith("no space for objects\n")
    assert full(disk)
    assert whole(disk)
    assert ended_quietly(site)
