"""Random bytes, payloads, names and kinds of files: one kind of error, and a daemon that goes on."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped import ALLOWED, RelayValidationError, validate_request
from aexp.airgapped.defaults import cwd_policy, local_filesystem
from aexp.domain import layout, wire
from aexp.domain.checking import checked_request
from aexp.domain.layout import Token
from aexp.domain.requests import Request
from aexp.domain.validation import CwdPolicy
from tests.world import World

ID = "0123456789abcdef0123456789abcdef"
PLAIN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLOW = settings(PLAIN, max_examples=40)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
nasty = st.text("/.~-@:+^ $`;|*?[\\agit\0\n\r\x1b\u202e\ud800\udc80", max_size=40)


@pytest.fixture(scope="module")
def place() -> Iterator[CwdPolicy]:
    """A home with a working copy, for all examples; nothing writes into it."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/repo/.git")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", folder)
            yield cwd_policy(local_filesystem(), f"{folder}/.relay", frozenset())


def judged(body: object, place: CwdPolicy) -> None:
    """Whatever the payload, it is refused with the one error or is safe to run."""
    try:
        op, args, cwd = validate_request(body, place)
    except RelayValidationError as exc:
        assert str(exc).isprintable()  # noqa: PT017
        assert len(str(exc)) < 2500  # noqa: PT017
        return
    assert op in ALLOWED
    assert all(arg and arg[0] != "-" and arg.isprintable() for arg in args)
    assert Path(place.home) in cwd.parents
    assert ".git" not in cwd.parts
    assert isinstance(body, dict)
    # What was let through can be kept, written and read again.
    request = checked_request(body)
    assert checked_request(wire.decode(request.to_bytes())) == request


@PLAIN
@given(body=json_values)
def test_any_payload_is_judged(place: CwdPolicy, body: object) -> None:
    judged(body, place)


@PLAIN
@given(data=st.data())
def test_any_field_of_a_good_request_may_be_anything(place: CwdPolicy, data: st.DataObject) -> None:
    body: dict[str, Any] = {
        "op": "git_push",
        "args": ["origin", "main"],
        "cwd": f"{place.home}/repo",
    }
    for key in data.draw(
        st.lists(st.sampled_from([field.name for field in fields(Request)]), min_size=1, max_size=3)
    ):
        body[key] = data.draw(json_values | nasty | st.sampled_from([*ALLOWED]))
    judged(body, place)


@PLAIN
@given(args=st.lists(nasty | st.text(max_size=12), max_size=4), op=st.sampled_from([*ALLOWED]))
def test_any_arguments_are_judged(place: CwdPolicy, args: list[str], op: str) -> None:
    judged({"op": op, "args": args, "cwd": f"{place.home}/repo"}, place)


@PLAIN
@given(
    start=st.sampled_from(["", "/", "~", "~/", "HOME", "HOME/", "HOME/repo/", "/proc/self/"]),
    rest=nasty,
)
def test_any_folder_is_judged(place: CwdPolicy, start: str, rest: str) -> None:
    cwd = start.replace("HOME", place.home) + rest
    judged({"op": "git_status", "args": [], "cwd": cwd}, place)


@PLAIN
@given(
    data=st.binary(max_size=400)
    | json_values.map(lambda v: json.dumps(v).encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_one_object_or_one_error(data: bytes) -> None:
    with suppress(wire.WireError):
        assert isinstance(wire.decode(data), dict)


@PLAIN
@given(data=st.data())
def test_a_good_file_with_a_few_bytes_changed_is_judged(
    place: CwdPolicy, data: st.DataObject
) -> None:
    body = {"op": "git_push", "args": ["origin", "main"], "cwd": f"{place.home}/repo", "ttl_s": 60}
    raw = bytearray(wire.encode(body))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(raw) - 1))
        raw[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with suppress(wire.WireError):
        judged(wire.decode(bytes(raw)), place)


@PLAIN
@given(entry=st.text() | nasty | st.from_regex(r"[0-9a-f]{31,33}\.json.?", fullmatch=True))
def test_any_name_is_a_harmless_one_in_bad_and_rarely_a_request(entry: str) -> None:
    kept = layout.bad(entry)
    folder, _, name = kept.partition("/")
    assert folder == "bad"
    assert name.isascii()
    assert name.isprintable()
    assert "/" not in name
    assert name[0] not in ".-"
    assert len(name) <= 120
    request_id = layout.request_of(entry)
    assert request_id is None or layout.inbox(request_id) == f"inbox/{entry}"
    token = Token.parse(entry)
    assert token is None or token.name == f"processing/{entry}"


PLACES = (
    *(f"inbox/{ID}.json", f"inbox/{ID}.json.tmp", "inbox/odd\x1b[2K", "inbox/caf\udce9", "inbox/..json",
      "inbox/" + "x" * 255),
    *(f"pending/{ID}.json", f"approved/{ID}", f"rejected/{ID}", f"cancel/{ID}", f"outbox/{ID}.json",
      f"replied/{ID}"),
    *(f"processing/{ID}.{{me}}.claim", f"processing/{ID}.{{me}}.run", f"processing/{ID}.json",
      f"log/{ID}.txt"),
    *(f"waiting/{ID}", f"stale/{ID}.x.cancelled", "daemons/{me}.hb", "bad/odd", "tmp/odd",
      "sweep/2020-01-01"),
    *("heartbeat", "pid", "consent.log"),
)  # fmt: skip
KINDS = (
    "bytes",
    "request",
    "folder",
    "full",
    "locked",
    "fifo",
    "link",
    "dangling",
    "hard",
    "sparse",
)
things = st.tuples(st.sampled_from(PLACES), st.sampled_from(KINDS), st.binary(max_size=60))


def plant(world: World, place: str, kind: str, data: bytes) -> None:
    """Put something into the queue, in place of a file that is there."""
    path = world.home / ".relay" / place.format(me=world.login.me)
    if path.is_dir() or not path.parent.is_dir():
        return
    path.unlink(missing_ok=True)
    if kind in ("folder", "full", "locked"):
        path.mkdir(mode=0 if kind == "locked" else 0o700)
        if kind == "full":
            (path / "work").write_bytes(data)
    elif kind in ("link", "dangling"):
        path.symlink_to(world.home / ("precious" if kind == "link" else "new"))
    elif kind == "hard":
        path.hardlink_to(world.home / "precious")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        body = {"op": "git_fetch", "args": [], "cwd": str(world.repo)}
        path.write_bytes(wire.encode(body) if kind == "request" else data)
        if kind == "sparse":
            os.truncate(path, 1 << 40)


@contextmanager
def fresh_world() -> Iterator[World]:
    """A relay in a home of its own, for one example."""
    folder = Path(tempfile.mkdtemp())
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(folder))
            clock = ManualClock()
            (folder / "precious").write_bytes(b"keep")
            queue = open_file_queue(f"{folder}/.relay", clock, "nfs")
            yield World(folder, storage=queue, clock=clock)
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=True)
        shutil.rmtree(folder)


@pytest.mark.thorough
@SLOW
@given(planted=st.lists(st.lists(things, max_size=6), min_size=1, max_size=3))
def test_whatever_is_planted_and_when_the_next_good_request_is_served(
    planted: list[list[tuple[str, str, bytes]]],
) -> None:
    with fresh_world() as world:
        world.serve()
        for batch in planted:
            for thing in batch:
                plant(world, *thing)
            world.pass_time(6)
            assert world.client().status(timeout=10).ok
        world.pass_time(130)
        before = world.queue.beat()
        world.pass_time(12)
        beat = world.queue.beat()
        assert before is not None
        assert beat is not None
        assert beat.raw != before.raw
        assert beat.trouble is None
        # A hard link is another name of the file: only a rename may have met it.
        assert (world.home / "precious").read_bytes() == b"keep"
        assert not (world.home / "new").exists()
