"""The adversarial corpus against the validation, and against a daemon that must go on."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aexp.adapters.clock.manual import ManualClock
from aexp.adapters.storage.fsspec import open_file_queue
from aexp.airgapped import RelayValidationError, State, validate_request
from aexp.domain import layout, wire
from tests.corpus import cases
from tests.corpus.cases import Case
from tests.world import World

PAYLOADS = [*cases.payloads()]
FILES = [*cases.files()]
NAMES = [*cases.names()]


def named(case: Case) -> str:
    return case.name


def filled_in(data: Any, home: Path) -> Any:
    """The case's data with the real places put in."""
    if isinstance(data, str):
        return data.replace("{HOME}", str(home)).replace("{REPO}", f"{home}/repo")
    if isinstance(data, bytes):
        return data.replace(b"{REPO}", f"{home}/repo".encode())
    if isinstance(data, dict):
        return {key: filled_in(value, home) for key, value in data.items()}
    return [filled_in(item, home) for item in data] if isinstance(data, list) else data


def furnish(home: Path) -> None:
    """What the cases' folders speak of."""
    for folder in ("repo/.git/hooks", "repo/src/pkg", "données/実験 1", ".relay/inbox"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / ".relay").chmod(0o700)
    (home / "loop").symlink_to("loop")
    (home / "out").symlink_to("/etc")
    (home / "up").symlink_to("..")
    (home / "to-queue").symlink_to(".relay/inbox")
    (home / "to-git").symlink_to("repo/.git")
    (home / "file").write_text("")
    os.mkfifo(home / "fifo")


@pytest.mark.parametrize("case", PAYLOADS, ids=named)
def test_a_payload_is_let_through_or_refused_with_one_kind_of_error(home: Path, case: Case) -> None:
    furnish(home)
    body = filled_in(case.data, home)
    if case.good:
        op, args, cwd = validate_request(body)
        assert (op, args) == (body["op"], body["args"])
        assert home.resolve() in cwd.parents
        return
    with pytest.raises(RelayValidationError) as caught:
        validate_request(body)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("case", [case for case in PAYLOADS if case.name.startswith("op-")])
def test_an_unknown_operation_is_repeated_in_64_characters_at_most(home: Path, case: Case) -> None:
    with pytest.raises(RelayValidationError) as caught:
        validate_request(filled_in(case.data, home))
    quoted = caught.value.problem.partition("'")[2].partition("'")[0]
    assert len(quoted) <= 64


@pytest.mark.parametrize("case", NAMES, ids=named)
def test_a_name_is_a_requests_or_is_not(case: Case) -> None:
    assert (layout.request_of(case.data) is not None) == case.good


@pytest.fixture
def world(home: Path) -> World:
    """A relay whose queue is a real folder."""
    furnish(home)
    clock = ManualClock()
    return World(home, storage=open_file_queue(f"{home}/.relay", clock, "nfs"), clock=clock)


def as_files(world: World) -> dict[str, Case]:
    """Every case as a file in the inbox; by the id that answers for it."""
    inbox, found = world.home / ".relay/inbox", {}
    for number, case in enumerate([*PAYLOADS, *FILES]):
        request_id = f"{number:032x}"
        data = filled_in(case.data, world.home)
        if not isinstance(data, bytes):
            # What JSON cannot hold is left out; the validation has seen it above.
            data = json.dumps(data).encode("utf-8", "surrogatepass")
        (inbox / f"{request_id}.json").write_bytes(data)
        found[request_id] = case
    return found


def test_a_daemon_answers_the_whole_corpus_and_then_a_good_request(world: World) -> None:
    world.serve()
    found = as_files(world)
    good = json.dumps(filled_in(cases.ask(op="git_fetch"), world.home)).encode()
    strangers = [case for case in NAMES if not case.good]
    for case in strangers:
        (world.home / ".relay/inbox" / case.data).write_bytes(good)
    world.pass_time(40)
    for request_id, case in found.items():
        state = world.answer(request_id).final_state
        # The folder of a good one is no repository, so how it ends is no concern of this test.
        assert (state is not State.INVALID) == case.good, case
    assert world.client().status(timeout=5).ok
    world.pass_time(180)
    hidden = [case.data for case in strangers if case.data.startswith(".")]
    assert sorted(os.listdir(world.home / ".relay/inbox")) == sorted(hidden)
    kept = world.names("bad")
    assert len(kept) <= 200
    assert all(name.isascii() and name.isprintable() and " " not in name for name in kept)
    # None of the strangers was taken for a request.
    fetches = [case for case in PAYLOADS if case.good and case.data["op"] == "git_fetch"]
    assert world.ran.count("git_fetch") == len(fetches)


def test_the_corpus_has_every_class() -> None:
    assert sum(case.good for case in [*PAYLOADS, *FILES, *NAMES]) > 30
    assert sum(not case.good for case in PAYLOADS) > 250
    assert sum(not case.good for case in FILES) > 35
    assert sum(not case.good for case in NAMES) > 35
    for case in FILES:
        # A file is bad by its bytes alone, or is good: nothing here depends on the validation.
        if case.good:
            assert wire.decode(case.data)
