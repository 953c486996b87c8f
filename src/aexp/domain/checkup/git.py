"""The owner's own git configuration, as far as it matters to the relay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aexp.domain.findings import Finding, ok, warn
from aexp.domain.git_config import is_personal
from aexp.domain.git_doubts import doubts_of_environment, doubts_of_settings, left_out
from aexp.domain.git_setting import Setting
from aexp.domain.text import capital

_TOLD = frozenset({"credential", "http", "url", "safe"})
_IDENTITY = ("GIT_COMMITTER_EMAIL", "GIT_AUTHOR_EMAIL")
_UNUSED = {
    "commit.gpgsign": "commits that a relayed rebase makes anew are not signed",
    "push.gpgsign": "pushes are not signed",
    "core.askpass": "nobody is asked for a password",
}
_SAFE = "the relay uses only repositories that are yours"


@dataclass(frozen=True)
class OwnGit:
    """What git would be told by its owner.

    Attributes:
        settings: those of the machine and of the user, in git's order.
        environ: the environment of the daemon.
        home: the resolved home.
    """

    settings: tuple[Setting, ...]
    environ: Mapping[str, str]
    home: str


def judge_own_git(name: str, own: OwnGit) -> list[Finding]:
    """What of it is used and what is not, and what keeps a relayed operation from working."""
    doubts = [
        *doubts_of_settings(own.settings, own.home),
        *doubts_of_environment(own.environ),
    ]
    findings = [warn(name, doubt.what, f"{capital(doubt.fix)}.") for doubt in doubts]
    if not _has_identity(own):
        told = "no user.email is set: a rebase can fail, or sign with the name of this host"
        findings.append(warn(name, told, "Type: git config --global user.email YOU@EXAMPLE.ORG"))
    return [ok(name, "; ".join(_notes(own.settings)) or "nothing in yours matters here"), *findings]


def _notes(settings: tuple[Setting, ...]) -> Iterator[str]:
    # Keys alone, without their middle part: both it and the values can hold passwords.
    used = [
        one.shape
        for one in settings
        if (one.section in _TOLD or one.key == "core.sshcommand") and is_personal(one)
    ]
    if used:
        yield f"used: {', '.join(dict.fromkeys(used))}"
    unused = {one.key: f"{one.key} ({_UNUSED[one.key]})" for one in settings if one.key in _UNUSED}
    programs = left_out(settings)
    if unused or programs:
        yield f"not used: {', '.join((*unused.values(), *programs))}"
    if any(one.key == "safe.directory" for one in settings):
        yield f"safe.directory is not needed: {_SAFE}"


def _has_identity(own: OwnGit) -> bool:
    named = any(one.key in ("user.email", "committer.email") and one.value for one in own.settings)
    return named or any(own.environ.get(name) for name in _IDENTITY)
