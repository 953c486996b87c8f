"""What the login node's owner should know of their own git configuration before the relay uses it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aexp.domain.git_config import is_personal
from aexp.domain.git_setting import Setting
from aexp.domain.text import visible

_FALSE = frozenset({"false", "no", "off", "0", ""})
_DESKTOP = ("libsecret", "gnome-keyring", "manager", "manager-core", "osxkeychain", "wincred")
_UNUSED = {
    "GIT_SSH_COMMAND": "set core.sshCommand in your ~/.gitconfig instead",
    "GIT_SSH": "set core.sshCommand in your ~/.gitconfig instead",
    "GIT_CONFIG_GLOBAL": "put what is in that file into your ~/.gitconfig",
    "GIT_CONFIG_COUNT": "put these settings into your ~/.gitconfig",
}


@dataclass(frozen=True)
class Doubt:
    """One thing to know.

    Attributes:
        what: what is so.
        fix: what to do about it.
    """

    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what}; {self.fix}"


def doubts_of_settings(settings: Iterable[Setting], home: str) -> Iterator[Doubt]:
    """What is doubtful in the settings of the machine and the user.

    Args:
        home: the home, which the requester can write.
    """
    found = [*settings]
    stores = {one.value for one in found if one.key == "credential.credentialstore"}
    for one in found:
        value = one.value or ""
        helps = (one.section, one.name) == ("credential", "helper")
        if (one.key == "core.sshcommand" or helps) and (home in value or "~/" in value):
            yield Doubt(
                f"your {one.key} runs a program in your home, {visible(value, limit=200)}: "
                "whoever writes there can run code here",
                "keep it elsewhere",
            )
        if helps and _needs_a_desktop(value) and not stores:
            yield Doubt(
                f"your credential.helper is {visible(value, limit=80)}, which asks a desktop's keyring: a "
                "daemon has none",
                "use an ssh remote, or `git config --global credential.helper store`",
            )
        if (
            (one.section, one.name) == ("http", "sslverify")
            and value.lower() in _FALSE
            and one.value is not None
        ):
            yield Doubt(
                "http.sslVerify is off in your git configuration: your token goes to whoever answers",
                "name the certificate with `git config --global http.sslCAInfo FILE`, and unset it",
            )
    if any(one.section == "includeif" for one in found):
        yield Doubt(
            "includeIf in your git configuration is not followed: identities in it are not used",
            "set user.name and user.email in the repositories that need others",
        )


def doubts_of_environment(environ: Mapping[str, str]) -> Iterator[Doubt]:
    """Variables by which git is often told something, and which the relay does not use."""
    for name, fix in _UNUSED.items():
        if environ.get(name):
            yield Doubt(f"{name} is not used", fix)


def left_out(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The keys of programs that would run in a working copy, and do not come along."""
    names = ("clean", "smudge", "process", "driver", "hookspath")
    found = (one.key for one in settings if one.name in names and not is_personal(one))
    return tuple(dict.fromkeys(found))


def _needs_a_desktop(helper: str) -> bool:
    program = (helper.split() or [""])[0].rpartition("/")[2].removeprefix("git-credential-")
    return program in _DESKTOP
