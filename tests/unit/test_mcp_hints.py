"""What an agent is told to do next: by its tools, and never what is a person's."""

import pytest

from aexp.cli.mcp.hints import for_agent, next_step
from aexp.domain.errors import RelayDownError, RelayNotFoundError, RelayValidationError
from aexp.domain.failure_rules import LAST_RULES, OWN_RULES, RULES

REMOTE = (
    "On the login node, if you trust that repository: aexp relay trust --remote /r; then ask again."
)
KEY = (
    "Take it out: `git config --unset-all KEY`; or, on the login node, accept it: "
    "`aexp relay trust --cwd /r --key core.sshcommand`."
)


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ("", ""),
        ("Change the branch.", "Change the branch."),
        ("`aexp relay ls` lists the ids.", "relay_list lists the ids."),
        ("See: aexp sandbox ls.", "See: sandbox_list."),
        ("Then `aexp relay show ab12 --queue /q` tells.", "Then relay_result tells."),
        (
            "Somebody pushed before you: `aexp relay rebase`, then `aexp relay push` again.",
            "Somebody pushed before you: relay_submit with op git_rebase, then relay_submit with op "
            "git_push again.",
        ),
        (
            "Send another branch: `aexp relay push -b BRANCH`.",
            "Send another branch: relay_submit with op git_push.",
        ),
        (
            "Choose with --cells, with --param, or write it with --allow-undefined.",
            "Choose with cells, with parameters, or write it with allow_undefined.",
        ),
    ],
)
def test_a_command_that_a_tool_does_is_named_by_the_tool(hint: str, told: str) -> None:
    assert for_agent(hint) == told


@pytest.mark.parametrize(
    "hint",
    [
        REMOTE,
        KEY,
        "Submit it again and have it approved with relay-approve.",
        "Choose one of auto, nfs (AEXP_RELAY_PROFILE).",
        "`aexp relay restart` from that shell, then ask again.",
        "`aexp config show` lists the settings that there are.",
        "aexp relay lsx",
    ],
)
def test_what_is_a_persons_is_said_to_be(hint: str) -> None:
    told = for_agent(hint)

    assert told.startswith(f"Tell the person: {hint.rstrip('.')}. ")
    assert "do not type it yourself" in told


def test_no_rule_for_a_failure_leaves_a_command_to_the_agent() -> None:
    for rule in (*RULES, *LAST_RULES, *OWN_RULES):
        told = for_agent(rule.hint)
        assert "aexp " not in told or told.startswith("Tell the person: "), told


def test_an_error_has_the_same_next_step() -> None:
    refused = RelayValidationError("remote", "is a path", do=REMOTE)
    assert next_step(refused).startswith("Tell the person: On the login node")
    assert next_step(RelayNotFoundError("none", "`aexp relay ls` lists the ids.")) == (
        "relay_list lists the ids."
    )
    down = next_step(RelayDownError("down", "aexp relay up. Then `aexp relay show ab12` tells."))
    assert down == (
        "Ask the person. aexp relay up. Then relay_result tells. Do not try ssh, a tunnel or another way out."
    )
    assert next_step(RelayDownError("down")) == ""
