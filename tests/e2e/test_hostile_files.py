"""A live daemon among hostile files: a good request is answered within seconds, nothing grows."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aexp.domain.liveness import PATIENCE_S
from tests.corpus import cases
from tests.site import Site
from tests.unit.test_corpus import filled_in

ID = "0123456789abcdef0123456789abcdef"
GOOD_WITHIN_S = 10.0
MOST_GROWTH_KB = 60_000
FOLDERS = (
    *("inbox", "pending", "approved", "rejected", "processing", "outbox", "log", "stale"),
    *("replied", "cancel", "waiting", "daemons", "bad", "sweep"),
)


def plant(path: Path, kind: int, outside: Path) -> None:
    """One of the kinds of things that are no request."""
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        path.mkdir()
        (path / "work").write_text("mine")
        path.chmod(0)
    elif kind == 2:
        os.mkfifo(path)
    elif kind == 3:
        path.symlink_to(outside / "precious")
    elif kind == 4:
        path.symlink_to(outside / "new")
    elif kind == 5:
        path.symlink_to(path)
    elif kind == 6:
        path.hardlink_to(outside / "precious")
    elif kind == 7:
        path.write_bytes(os.urandom(300))
    elif kind == 8:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    else:
        path.write_bytes(b'{"op": "git_push", "args": ["--force", "origin", "main"]}')


KINDS = 10


def plant_everywhere(site: Site, outside: Path, me: str) -> None:
    """Every kind in every folder, under names of strangers, of requests and of the daemon's own."""
    number = 0
    for folder in FOLDERS:
        (site.queue / folder).mkdir(exist_ok=True)
        for kind in range(KINDS):
            for pattern in ("{id}.json", "{id}", "{id}.txt", "{id}.{me}.claim", "{id}.{me}.run",
                            "{id}.x.cancelled",
                            "odd\x1b[2K{id}"):  # fmt: skip
                number += 1
                name = pattern.format(id=f"{number:032x}", me=me)
                plant(site.queue / folder / name, kind, outside)


def memory_kb(pid: int) -> int:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def cpu_s(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beat(site: Site) -> dict[str, Any]:
    """The daemon's beat."""
    found: dict[str, Any] = json.loads((site.queue / "heartbeat").read_text())
    return found


def a_good_request_is_answered(site: Site) -> None:
    """Also that it did not take long."""
    began = time.monotonic()
    done = site.relay("git-status", "--timeout", "50")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < GOOD_WITHIN_S


@pytest.fixture
def outside(site: Site) -> Path:
    """A folder that nothing may touch."""
    folder = site.home / "outside"
    folder.mkdir()
    (folder / "precious").write_text("keep\n")
    return folder


def nothing_happened(outside: Path) -> bool:
    """Whether the folder is as it was."""
    names = [path.name for path in outside.iterdir()]
    return names == ["precious"] and (outside / "precious").read_text() == "keep\n"


def test_every_kind_of_thing_in_every_folder_of_a_live_queue(site: Site, outside: Path) -> None:
    daemon = site.serve()
    a_good_request_is_answered(site)
    memory = memory_kb(daemon.pid)
    plant_everywhere(site, outside, beat(site)["daemon"])
    a_good_request_is_answered(site)
    site.until("the inbox is dealt with", lambda: requests_left(site) == [])
    seq = beat(site)["seq"]
    site.until("it beats", lambda: beat(site)["seq"] >= seq + 2)
    a_good_request_is_answered(site)
    assert beat(site)["trouble"] is None
    assert nothing_happened(outside)
    assert memory_kb(daemon.pid) - memory < MOST_GROWTH_KB
    used = cpu_s(daemon.pid)
    seq = beat(site)["seq"]
    site.until("it beats twice more", lambda: beat(site)["seq"] >= seq + 2)
    assert cpu_s(daemon.pid) - used < 5
    assert site.end(daemon) == 0
    # And a daemon that finds all of it at its start.
    plant_everywhere_again(site, outside)
    again = site.serve()
    a_good_request_is_answered(site)
    assert nothing_happened(outside)
    assert site.end(again) == 0


def plant_everywhere_again(site: Site, outside: Path) -> None:
    for number, folder in enumerate(FOLDERS):
        for kind in range(KINDS):
            name = f"{10**6 + number * KINDS + kind:032x}.json"
            plant(site.queue / folder / name, kind, outside)


def requests_left(site: Site) -> list[str]:
    """What bears a request's name and is still in the inbox."""
    names = os.listdir(site.queue / "inbox")
    return [name for name in names if len(name) == 37 and name.endswith(".json")]


def test_the_whole_corpus_in_a_live_inbox(site: Site, outside: Path) -> None:
    daemon = site.serve()
    good = json.dumps({"op": "git_status", "args": [], "cwd": str(site.repo)}).encode()
    inbox = site.queue / "inbox"
    bad: list[str] = []
    for number, case in enumerate([*cases.payloads(), *cases.files()]):
        data = filled_in(case.data, site.home)
        if not isinstance(data, bytes):
            data = json.dumps(data).encode("utf-8", "surrogatepass")
        if case.good:
            continue
        request_id = f"{number:032x}"
        bad.append(request_id)
        site.put_request(request_id, data)
    for case in cases.names():
        if not case.good:
            (inbox / case.data).write_bytes(good)
    a_good_request_is_answered(site)
    site.until("all are answered", lambda: len(os.listdir(site.queue / "outbox")) > len(bad))
    for request_id in bad:
        answer = json.loads((site.queue / f"outbox/{request_id}.json").read_text())
        assert answer["status"] == "validation", answer
        assert len(json.dumps(answer)) < 4000
    assert len(os.listdir(site.queue / "bad")) <= 200
    assert site.end(daemon) == 0


def test_the_beat_goes_on_and_a_good_request_is_served_among_five_thousand_bad_files(
    site: Site, outside: Path
) -> None:
    daemon = site.serve()
    a_good_request_is_answered(site)
    memory = memory_kb(daemon.pid)
    kinds = [kind for kind in range(KINDS) if kind != 1]
    for number in range(5000):
        plant(site.queue / f"inbox/{number:032x}.json", kinds[number % len(kinds)], outside)
    client = subprocess.Popen(
        [*site_command(), "git-status", "--timeout", "50"],
        cwd=site.repo, env=site.env, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    began, last, longest = cpu_s(daemon.pid), time.monotonic(), 0.0
    seq, answered = beat(site)["seq"], 0.0

    def all_done() -> bool:
        nonlocal last, longest, seq, answered
        now = beat(site)["seq"]
        if now != seq:
            longest, last, seq = max(longest, time.monotonic() - last), time.monotonic(), now
        if not answered and client.poll() is not None:
            answered = cpu_s(daemon.pid) - began
        return bool(answered) and requests_left(site) == []

    site.until("all are taken in", all_done)
    assert client.returncode == 0
    # In the daemon's own time, whatever else this machine does; and it was never taken for dead.
    assert answered < 15
    assert longest < PATIENCE_S
    assert memory_kb(daemon.pid) - memory < MOST_GROWTH_KB
    assert len([name for name in os.listdir(site.queue / "bad") if "json" in name]) < 2000
    assert site.trail().count("\n") < 1500
    assert nothing_happened(outside)
    assert site.end(daemon) == 0


def site_command() -> list[str]:
    """The command line that :meth:`Site.relay` runs."""
    return [sys.executable, "-P", "-m", "aexp", "relay"]


def test_a_queue_that_others_can_write_is_refused_with_what_to_type(site: Site) -> None:
    site.end(site.serve())
    (site.queue / "inbox").chmod(0o777)
    done = site.relay("serve")
    assert done.returncode != 0
    assert f"chmod go-w {site.queue}/inbox" in done.stderr
    (site.queue / "inbox").chmod(0o700)
    site.serve()
    a_good_request_is_answered(site)


def test_a_folder_of_the_queue_that_became_a_link_is_refused(site: Site, outside: Path) -> None:
    site.end(site.serve())
    (site.queue / "log").rename(site.home / "was")
    (site.queue / "log").symlink_to(outside)
    done = site.relay("serve")
    assert done.returncode != 0
    assert "symbolic link" in done.stderr
    assert nothing_happened(outside)


def test_a_log_of_the_daemon_that_was_replaced_does_not_end_it(site: Site, outside: Path) -> None:
    daemon = site.serve()
    for kind in range(7):
        log = site.queue / "daemon.log"
        if os.path.lexists(log):
            log.rename(site.home / f"was{kind}")
        plant(log, kind, outside)
        a_good_request_is_answered(site)
    assert daemon.poll() is None
    assert nothing_happened(outside)
