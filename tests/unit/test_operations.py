"""The closed list, word for word."""

import pytest

from aexp.airgapped import ALLOWED

COMMANDS = {
    "git_pull": (
        [],
        "git pull --ff-only --no-rebase --no-recurse-submodules --no-autostash "
        "--no-verify-signatures --no-edit --progress",
    ),
    "git_push": (
        ["origin", "main"],
        "git push --no-force --no-mirror --no-tags --no-follow-tags --no-prune --no-signed "
        "--recurse-submodules=no --progress -- origin refs/heads/main:refs/heads/main",
    ),
    "git_fetch": ([], "git fetch --all --prune --no-recurse-submodules --no-auto-gc --progress"),
    "git_status": (
        [],
        "git --no-optional-locks status --porcelain=v2 --ignore-submodules=dirty",
    ),
    "git_rebase": (
        [],
        "git pull --rebase=true --no-recurse-submodules --no-autostash --no-verify-signatures "
        "--no-gpg-sign --progress",
    ),
    "wandb_sync": (["wandb/offline-run-1"], "wandb sync wandb/offline-run-1"),
}


def test_the_list_is_closed() -> None:
    assert set(ALLOWED) == set(COMMANDS)
    with pytest.raises(TypeError):
        ALLOWED["git_clone"] = ALLOWED["git_pull"]  # type: ignore[index]


@pytest.mark.parametrize("op", [*COMMANDS])
def test_each_operation_has_one_command_line(op: str) -> None:
    args, line = COMMANDS[op]
    assert " ".join(ALLOWED[op].argv(tuple(args))) == line


def test_only_wandb_sync_waits_for_a_person() -> None:
    assert [op for op, spec in ALLOWED.items() if spec.needs_consent] == ["wandb_sync"]


def test_every_operation_has_a_time_limit() -> None:
    assert all(0 < spec.time_limit_s <= 3600 for spec in ALLOWED.values())
