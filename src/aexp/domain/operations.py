"""The closed list: every operation that the login node can run, and the one way to spell each.

Nothing in a request reaches a command line but the arguments that an operation's own patterns
match in full, in the places that its ``argv`` gives them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAX_ARGS = 32
MAX_ARG_CHARS = 256


@dataclass(frozen=True)
class Parameter:
    """One argument of an operation.

    Attributes:
        name: how the argument is called in messages.
        pattern: matched in full.
        allowed: what the pattern accepts, in words.
    """

    name: str
    pattern: re.Pattern[str]
    allowed: str

    def accepts(self, value: str) -> bool:
        """Whether the value may stand on the command line in this place."""
        return len(value) <= MAX_ARG_CHARS and self.pattern.fullmatch(value) is not None


@dataclass(frozen=True)
class OpSpec:
    """One operation of the closed list.

    Attributes:
        name: what a request calls it.
        command: the program and its fixed arguments; the request's arguments follow.
        parameters: what the request must give, in order; none is optional.
        needs_consent: whether a person on the login node decides before it runs.
        time_limit_s: seconds after which the operation is ended.
        summary: one line for people.
    """

    name: str
    command: tuple[str, ...]
    summary: str
    parameters: tuple[Parameter, ...] = field(default=())
    needs_consent: bool = False
    time_limit_s: float = 600.0

    def argv(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """The command line. ``args`` must have passed the validation of this operation."""
        return self.command + args


# `git check-ref-format --branch`, narrowed to ASCII, and without `refs/…`: a plain branch name
# cannot be taken for a remote, an option, a refspec or a revision expression.
BRANCH = Parameter(
    name="branch",
    pattern=re.compile(
        r"(?!refs/)(?!.*(?:\.\.|//|/\.|\.lock(?:/|\Z)))"
        r"[A-Za-z0-9_](?:[A-Za-z0-9._/@+=#%-]*[A-Za-z0-9_@+=#%-])?",
        re.ASCII,
    ),
    allowed="HEAD or a plain branch name such as main or feature/x-1",
)
REMOTE = Parameter(
    name="remote",
    pattern=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*", re.ASCII),
    allowed="the name of a remote of the repository, such as origin; never a path or a URL",
)

_OPERATIONS = (
    OpSpec(
        "git_pull", ("git", "pull", "--ff-only"), "bring in upstream commits, fast-forward only"
    ),
    OpSpec("git_push", ("git", "push"), "send a branch to a remote", (REMOTE, BRANCH)),
    OpSpec("git_fetch", ("git", "fetch", "--all", "--prune"), "update the remote branches"),
    OpSpec(
        "git_status",
        ("git", "status", "--porcelain=v2"),
        "show what changed in the working copy",
        time_limit_s=60.0,
    ),
    OpSpec("git_rebase", ("git", "pull", "--rebase"), "replay local commits on top of upstream"),
    OpSpec(
        "wandb_sync",
        ("wandb", "sync", "--sync-all"),
        "upload offline Weights & Biases runs",
        needs_consent=True,
        time_limit_s=3600.0,
    ),
)

ALLOWED: Mapping[str, OpSpec] = MappingProxyType({spec.name: spec for spec in _OPERATIONS})
"""Operation name to its specification. There is no other way to a command."""
