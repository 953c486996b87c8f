"""Where the operations on a working copy would connect, and whether they may at all."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence

from aexp.adapters.workshop.git_layout import bad_copy
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.destinations import Destination
from aexp.domain.errors import RelayValidationError
from aexp.domain.git_setting import Setting
from aexp.domain.operations import BRANCH, REMOTE
from aexp.domain.remote_urls import Transport, path_of, redacted_url, rewritten, transport
from aexp.domain.text import visible

MOST_REMOTES = 64


class GitRemotes:
    """The remotes of one working copy.

    Args:
        rewrites: the login user's own rules for URLs.
        trusted: whether the login node's owner trusts the bare repository at a resolved path.
        lfs: whether git-lfs would be used.
    """

    def __init__(
        self,
        study: GitStudy,
        rewrites: Sequence[Setting],
        trusted: Callable[[str], bool],
        *,
        lfs: bool,
    ) -> None:
        self._study = study
        self._rewrites = (*rewrites, *(one for one in study.kept if one.section == "url"))
        self._trusted = trusted
        self._lfs = lfs

    def names(self) -> list[str]:
        """The remotes that have a URL and a plain name.

        Raises:
            RelayValidationError: there are too many.
        """
        found = dict.fromkeys(
            one.subsection
            for one in self._study.settings
            if one.shape == "remote.*.url" and one.value
        )
        if len(found) > MOST_REMOTES:
            raise bad_copy(
                self._study.layout.root,
                f"has {len(found)} remotes",
                f"`git remote remove` some: at most {MOST_REMOTES} are looked at.",
            )
        return [name for name in found if REMOTE.accepts(name)]

    def wanted(self, op: str, args: tuple[str, ...]) -> tuple[Destination, ...]:
        """Where an operation would connect.

        Raises:
            RelayValidationError: a remote is not configured, or may not be used; says what to do.
        """
        if op == "git_push":
            return (self._destination(args[0], "push"),)
        if op == "git_fetch":
            return tuple(self._destination(name, "fetch") for name in self._all())
        if op in ("git_pull", "git_rebase"):
            return (self._destination(self._upstream(), "fetch"),)
        return ()

    def configured(self) -> tuple[Destination, ...]:
        """Every place that the working copy names and that could be used."""
        return tuple(self._configured())

    def _configured(self) -> Iterator[Destination]:
        for name in self.names():
            for verb in ("fetch", "push"):
                try:
                    yield self._destination(name, verb)
                except RelayValidationError:
                    # Not one that could be used: whoever asks for it is told why.
                    continue

    def _all(self) -> list[str]:
        names = [name for name in self.names() if not self._skipped(name)]
        if not names:
            raise bad_copy(
                self._study.layout.root,
                "has no remote to fetch from",
                "Add one: `git remote add origin URL`.",
            )
        return names

    def _skipped(self, name: str) -> bool:
        # A key without a value means true, and is an empty text here.
        said = (
            value.lower() in ("", "true", "yes", "on", "1")
            for key in ("skipfetchall", "skipdefaultupdate")
            for value in self._study.values(f"remote.{name}.{key}")
        )
        return any(said)

    def _upstream(self) -> str:
        study = self._study
        if not study.branch:
            raise bad_copy(
                study.layout.root, "has a detached HEAD", "Go to a branch: git switch NAME"
            )
        named = study.value(f"branch.{study.branch}.remote")
        names = self.names()
        if named == ".":
            raise bad_copy(
                study.layout.root,
                f"has the branch {visible(study.branch, limit=80)}, whose upstream is a local branch",
                "Give it one on a remote: git branch -u REMOTE/BRANCH",
            )
        return named or (names[0] if len(names) == 1 else "origin")

    def _destination(self, name: str, verb: str) -> Destination:
        study = self._study
        urls = study.values(f"remote.{name}.url")
        pushed = study.values(f"remote.{name}.pushurl") if verb == "push" else []
        if not urls or not REMOTE.accepts(name):
            raise self._unknown(name, verb)
        used = pushed or urls
        if len(used) > 1:
            raise bad_copy(
                study.layout.root,
                f"has {len(used)} URLs for the remote {name}",
                "Leave it one URL, and give the others names of their own: `git remote add`.",
            )
        # A URL for pushing alone is not rewritten by pushInsteadOf, as in git-config(1).
        plain = rewritten(used[0], self._rewrites, push=verb == "push" and not pushed)
        url = self._usable(name, plain, verb)
        return Destination(name, verb, url, self._lfs_url(name, verb) if self._lfs else "")

    def _unknown(self, name: str, verb: str) -> RelayValidationError:
        shown, known = visible(name, limit=64), ", ".join(self.names())
        do = f"The remotes there: {known}." if known else "Add it: `git remote add` with its URL."
        if verb == "push" and BRANCH.accepts(name):
            do += f" If {shown} is a branch: aexp relay push -b {shown}"
        elif verb != "push":
            do += " Another upstream: git branch -u REMOTE/BRANCH"
        problem = f"is not one of {self._study.layout.root}"
        return RelayValidationError(f"remote {shown}", problem, do=do)

    def _usable(self, name: str, url: str, verb: str) -> str:
        way = transport(url)
        if way is Transport.PATH:
            path = path_of(url) or ""
            real = os.path.realpath(os.path.join(self._study.layout.root, path))
            if not self._trusted(real):
                raise _untrusted(name, real, verb)
            return real
        if way is Transport.NONE:
            raise bad_copy(
                self._study.layout.root,
                f"has the remote {name} with the URL '{visible(redacted_url(url), limit=120)}', which the "
                "relay does not use",
                "Give it another with `git remote set-url`: https://…, ssh://…, user@host:path, or a path "
                "that is trusted.",
            )
        return url

    def _lfs_url(self, name: str, verb: str) -> str:
        study = self._study
        keys = ["lfs.url", f"remote.{name}.lfsurl"]
        if verb == "push":
            keys = ["lfs.pushurl", "lfs.url", f"remote.{name}.lfspushurl", f"remote.{name}.lfsurl"]
        tree = {one.key: one.value for one in study.tree_lfs}
        for source in (study.value, tree.get):
            for key in keys:
                found = source(key)
                if found:
                    return self._checked_lfs(key, found)
        return ""

    def _checked_lfs(self, key: str, url: str) -> str:
        if transport(url) in (Transport.HTTPS, Transport.SSH):
            return url
        raise bad_copy(
            self._study.layout.root,
            f"sets {key} = '{visible(redacted_url(url), limit=120)}' for git-lfs, "
            "which the relay does not use",
            "Give git-lfs another there: https://… or ssh://….",
        )


def _untrusted(name: str, path: str, verb: str) -> RelayValidationError:
    shown = visible(path, limit=400)
    # A command to paste names the whole path or none, and nothing in it acts on the shell.
    typed = shlex.quote(path) if shown == path else "PATH"
    again = "aexp relay push again" if verb == "push" else "ask again"
    return RelayValidationError(
        f"remote {name}",
        f"is a repository on this filesystem, {shown}, whose hooks would run on the login node",
        do="On the login node, if you trust that repository: "
        f"aexp relay trust --remote {typed}; then {again}.",
    )
