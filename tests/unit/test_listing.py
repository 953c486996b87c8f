"""What ``ls`` says of requests, and what arguments of the verbs may look like."""

from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner, Result

from aexp.adapters.executor.recording import Plan
from aexp.cli import consent, grants, inspection, log, operations, wait
from aexp.cli.listing import ls
from aexp.cli.relay import relay
from aexp.cli.telling import Teller, Voice
from aexp.domain.consent import State
from tests.world import World


@pytest.fixture
def served(home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A pull that did what it should, a fetch that failed."""
    world = World(home, lambda one: Plan(returncode=1 if one.op == "git_fetch" else 0))
    world.serve()
    for op in ("git_pull", "git_fetch"):
        world.client().submit(op).result()
    monkeypatch.setattr("aexp.cli.clients.queue_of", lambda _: world.queue)
    monkeypatch.setattr("aexp.airgapped.defaults.local_filesystem", lambda: world.filesystem)
    return world


def listed(*words: str) -> Result:
    return CliRunner().invoke(ls, [*words], catch_exceptions=False)


def test_an_operation_that_failed_is_told_from_one_that_did_not(served: World) -> None:
    told = {line.split()[2]: line.split()[1] for line in listed().stdout.splitlines()}
    assert told == {"OPERATION": "STATE", "git_pull": "ok", "git_fetch": "failed"}
    assert '"state": "completed"' in listed("--json").stdout
    assert '"failed"' not in listed("--json").stdout


@pytest.mark.parametrize(
    ("states", "ops"),
    [
        (("ok",), {"git_pull"}),
        (("failed",), {"git_fetch"}),
        (("ok", "failed"), {"git_pull", "git_fetch"}),
        (("completed",), {"git_pull", "git_fetch"}),
        (("crashed",), set()),
    ],
)
def test_states_are_asked_for_as_they_are_shown_and_as_they_are(
    served: World, states: tuple[str, ...], ops: set[str]
) -> None:
    told = listed(*(word for state in states for word in ("--state", state))).stdout
    assert {line.split()[2] for line in told.splitlines()[1:]} == ops


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (("--open",), "2 others"),
        (("--op", "wandb-sync", "--open"), "2 others"),
        (("--op", "pull", "--state", "failed"), "2 others"),
    ],
)
def test_where_nothing_fits_the_others_are_counted(
    served: World, words: tuple[str, ...], others: str
) -> None:
    assert f"No requests that fit; {others}: aexp relay ls" in listed(*words).stderr


def test_where_there_is_none_the_first_one_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(home)
    monkeypatch.setattr("aexp.cli.clients.queue_of", lambda _: world.queue)
    assert "No requests. The first one: aexp relay git-status" in listed("--open").stderr


def read(command: click.Command, *words: str) -> object:
    return command.make_context("aexp", [*words]).params["op"]


@pytest.mark.parametrize(
    ("typed", "op"),
    [("wandb-sync", "wandb_sync"), ("wandb_sync", "wandb_sync"), ("push", "git_push"),
     ("git-push", "git_push")],
)  # fmt: skip
def test_an_operation_may_be_typed_as_its_verb(typed: str, op: str) -> None:
    assert read(grants.grant, typed, "--for", "2h") == op
    assert read(operations.request, typed) == op


def test_what_is_no_operation_is_a_mistake_or_left_to_the_relay() -> None:
    with pytest.raises(click.BadParameter, match="'git_status' is not one of 'git_pull'"):
        read(grants.grant, "git_status", "--for", "2h")
    assert read(operations.request, "git-pul") == "git-pul"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (consent.approve, "aexp relay pending lists them; aexp relay approve -i asks for each."),
        (consent.reject, "aexp relay pending lists them."),
        *((verb, "aexp relay ls lists them.")
          for verb in (inspection.show, inspection.cancel, wait.wait, log.log)),
    ],
)  # fmt: skip
def test_who_gives_no_id_is_told_where_they_are(command: click.Command, told: str) -> None:
    with pytest.raises(click.MissingParameter) as caught:
        command.main([], prog_name="aexp", standalone_mode=False)
    assert caught.value.format_message() == f"Missing argument 'ID'. {told}"


def test_every_id_of_a_request_has_such_a_hint() -> None:
    context = click.Context(relay)
    for verb in relay.list_commands(context):
        command = relay.get_command(context, verb)
        for one in [] if command is None else command.params:
            if one.name == "request_id":
                assert "lists them" in (one.type.get_missing_message(one, context) or "")


def told_of(
    world: World, name: str, state: State, monkeypatch: pytest.MonkeyPatch, older_s: float = 0.0
) -> None:
    """Tell of a state on a terminal that cannot go back in a line."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("aexp.cli.telling.PATIENT_S", 0.0)
    monkeypatch.setenv("TERM", "dumb")
    Teller(world.queue, "e07b493b" + "0" * 24, name, Voice.NORMAL, older_s).tell(state)


@pytest.mark.parametrize(
    ("name", "state", "older_s", "told"),
    [
        ("e07b493b", State.RUNNING, 0.0, "e07b493b runs, 0 s; Ctrl-C leaves it running\n"),
        ("git_pull", State.RUNNING, 0.0, "git_pull runs as e07b493b, 0 s; Ctrl-C"),
        ("git_pull", State.APPROVED, 0.0, "git_pull waits for its turn, waiting for 0 s\n"),
        ("git_pull", State.APPROVED, 60.0, "git_pull waits for its turn, submitted 1 min 00 s ago\n"),
    ],
)  # fmt: skip
def test_how_a_request_stands_is_said_once_and_for_how_long(
    served: World,
    name: str,
    state: State,
    older_s: float,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told_of(served, name, state, monkeypatch, older_s)
    assert told in capsys.readouterr().err
