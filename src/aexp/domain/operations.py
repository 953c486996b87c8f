"""The closed list: every operation that the login node can run, and the one way to spell each.

Nothing in a request reaches a command line but the arguments that an operation's own patterns
match in full, in the places that its builder gives them. What a configuration could switch on is
switched off by name, also where the configuration is not used anyway. Git shows its progress to a terminal
alone, unless it is asked for it.
"""

import re
from collections.abc import Callable, Mapping
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


Argv = tuple[str, ...]


@dataclass(frozen=True)
class OpSpec:
    """One operation of the closed list.

    Attributes:
        name: what a request calls it.
        build: the command line for its arguments.
        summary: one line for people.
        parameters: what the request must give, in order; none is optional.
        more: what it may give besides, any number of times; None for nothing.
        needs_consent: whether a person on the login node decides each time before it runs.
        connects: whether it talks to another host, so that a person may have to be asked where to.
        shares: whether requests that ask for the very same, and have not started, may share one run.
        durable: whether its request and its answer must outlive a power cut; what only asks need not.
        repeatable: whether a second run does no harm; then nobody need know after a power cut that the first
            had begun.
        time_limit_s: seconds after which the operation is ended.
    """

    name: str
    build: Callable[[Argv], Argv]
    summary: str
    parameters: tuple[Parameter, ...] = field(default=())
    more: Parameter | None = None
    needs_consent: bool = False
    connects: bool = True
    shares: bool = False
    durable: bool = True
    repeatable: bool = False
    time_limit_s: float = 600.0

    @property
    def starts_once(self) -> bool:
        """Whether its start must outlive a power cut, so that whoever comes after it never runs it again."""
        return self.durable and not self.repeatable

    def argv(self, args: Argv) -> Argv:
        """The command line. ``args`` must have passed the validation of this operation.

        Behind those of a push there may be the object id that is sent in place of the branch.
        """
        return self.build(args)


def _fixed(*argv: str) -> Callable[[Argv], Argv]:
    return lambda _: argv


def _push(args: Argv) -> Argv:
    remote, branch, *commit = args
    source = commit[0] if commit else f"refs/heads/{branch}"
    what = branch if branch == "HEAD" else f"{source}:refs/heads/{branch}"
    return (
        *("git", "push", "--no-force", "--no-mirror", "--no-tags", "--no-follow-tags"),
        *("--no-prune", "--no-signed", "--recurse-submodules=no", "--progress", "--", remote, what),
    )


def _wandb(args: Argv) -> Argv:
    return ("wandb", "sync", *args)


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

RUN = Parameter(
    name="run",
    pattern=re.compile(
        r"(?!.*(?:^|/)\.\.?(?:/|\Z))(?!.*//)(?:[A-Za-z0-9_][A-Za-z0-9_./@+=,-]*/)?(?:offline-)?run-[A-Za-z0-9_-]+",
        re.ASCII,
    ),
    allowed="the path of an offline run below the folder, such as wandb/offline-run-20260101_120000-ab12cd34",
)

_OPERATIONS = (
    OpSpec(
        "git_pull",
        _fixed(
            *("git", "pull", "--ff-only", "--no-rebase", "--no-recurse-submodules"),
            *("--no-autostash", "--no-verify-signatures", "--no-edit", "--progress"),
        ),
        "bring in upstream commits, fast-forward only",
    ),
    OpSpec("git_push", _push, "send a branch to a remote", (REMOTE, BRANCH)),
    OpSpec(
        "git_fetch",
        _fixed(
            *("git", "fetch", "--all", "--prune", "--no-recurse-submodules", "--no-auto-gc"),
            "--progress",
        ),
        "update the remote branches",
        shares=True,
        repeatable=True,
    ),
    OpSpec(
        "git_status",
        _fixed(
            *("git", "--no-optional-locks", "status", "--porcelain=v2"),
            "--ignore-submodules=dirty",
        ),
        "show what changed in the working copy",
        connects=False,
        shares=True,
        durable=False,
        repeatable=True,
        time_limit_s=60.0,
    ),
    OpSpec(
        "git_rebase",
        _fixed(
            *("git", "pull", "--rebase=true", "--no-recurse-submodules", "--no-autostash"),
            *("--no-verify-signatures", "--no-gpg-sign", "--progress"),
        ),
        "replay local commits on top of upstream",
    ),
    OpSpec(
        "wandb_sync",
        _wandb,
        "upload offline Weights & Biases runs",
        more=RUN,
        needs_consent=True,
        time_limit_s=3600.0,
    ),
)

ALLOWED: Mapping[str, OpSpec] = MappingProxyType({spec.name: spec for spec in _OPERATIONS})
"""Operation name to its specification. There is no other way to a command."""

GRANTABLE = tuple(spec.name for spec in _OPERATIONS if spec.needs_consent or spec.connects)
"""The operations for which a person may have to be asked, and that can be granted for a while."""

_REST_OF_RUN = "Part of the run may be on the server; aexp relay wandb-sync sends the rest."


def look_in_part(op: str) -> str:
    """What to tell where an operation was ended, and may have taken effect in part."""
    if op == "wandb_sync":
        return _REST_OF_RUN
    return "It may have taken effect in part: look at `git status` and the remote."


def look_before_again(op: str) -> str:
    """What to tell where it is not known whether an operation took effect."""
    if op == "wandb_sync":
        return _REST_OF_RUN
    return "Look at `git status` and the remote before you submit it again."
