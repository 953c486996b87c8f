"""Which settings of a repository the relay takes over, which it refuses, and which it leaves out.

A repository's configuration can name programs, proxies and other hosts, and the requester can write it. So
none of it is used as it lies there: what an operation needs is copied, key by key, from the list below.
The names are those of git-config(1).
"""

import re
from collections.abc import Callable
from enum import StrEnum

from aexp.domain.git_setting import Setting


class Fate(StrEnum):
    """What becomes of a setting."""

    KEEP = "keep"  # copied, it only says how things are stored or named
    REFUSE = "refuse"  # it could run a program or lead elsewhere: an error that names it
    DROP = "drop"  # left out, and the answer says so
    IGNORE = "ignore"  # left out, and nothing changes by that


_TRUTH = re.compile(r"true|false|yes|no|on|off|0|1|", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,12}[kmg]?", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9:=._-]{0,63}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,256}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_BRANCH_REF = re.compile(r"refs/heads/(?!.*\.\.)[^\x00-\x20\x7f~^:?*\[\\]{1,240}")
REFSPEC = re.compile(
    r"\^refs/[A-Za-z0-9._/*+@=#%-]+"
    r"|\+?refs/[A-Za-z0-9._/*+@=#%-]+:refs/(?:remotes|tags)/[A-Za-z0-9._/*+@=#%-]+"
)

_BOOLEANS = (
    "core.filemode core.ignorecase core.symlinks core.precomposeunicode core.logallrefupdates "
    "core.sparsecheckout core.sparsecheckoutcone core.trustctime core.preloadindex core.quotepath "
    "core.untrackedcache core.protecthfs core.protectntfs core.commitgraph core.multipackindex "
    "core.longpaths core.fscache index.sparse pack.usesparse "
    "remote.*.prune remote.*.promisor remote.*.skipfetchall "
    "remote.*.skipdefaultupdate"
)
_NUMBERS = (
    "core.repositoryformatversion core.compression core.loosecompression core.bigfilethreshold "
    "core.packedgitlimit core.packedgitwindowsize core.deltabasecachelimit core.abbrev "
    "http.postbuffer http.lowspeedlimit http.lowspeedtime pack.windowmemory index.version"
)
_WORDS = (
    "core.autocrlf core.eol core.safecrlf core.checkstat core.sharedrepository "
    "extensions.objectformat extensions.partialclone remote.*.partialclonefilter "
    "i18n.commitencoding i18n.logoutputencoding lfs.repositoryformatversion status.showuntrackedfiles"
)
_TEXTS = "user.name user.email author.name author.email committer.name committer.email"


def _table() -> dict[str, Callable[[str], bool]]:
    def matching(pattern: re.Pattern[str]) -> Callable[[str], bool]:
        return lambda value: pattern.fullmatch(value) is not None

    kinds = ((_BOOLEANS, _TRUTH), (_NUMBERS, _NUMBER), (_TEXTS, _TEXT), (_WORDS, _WORD))
    table = {key: matching(pattern) for keys, pattern in kinds for key in keys.split()}
    table["branch.*.remote"] = matching(_NAME)
    table["branch.*.merge"] = matching(_BRANCH_REF)
    table["branch.*.rebase"] = matching(_TRUTH)
    table["remote.*.tagopt"] = matching(re.compile(r"--(?:no-)?tags"))
    table["http.version"] = matching(re.compile(r"HTTP/(?:1\.1|2)"))
    table["remote.*.fetch"] = matching(REFSPEC)
    return table


_KEPT = _table()

# Their absence would change what an operation does or where it goes, so nothing runs without the owner.
_REFUSED = re.compile(
    r"core\.(?:sshcommand|gitproxy|askpass|worktree|alternaterefscommand|fsmonitor)"
    r"|include\.path|includeif\..*"
    r"|url\..*"
    r"|credential(?:\..*)?"
    r"|http\..*"
    r"|protocol\..*"
    r"|filter\..*\.(?:clean|smudge|process)"
    r"|merge\..*\.driver"
    r"|remote\..*\.(?:uploadpack|receivepack|vcs|proxy|proxyauthmethod|followremotehead)"
    r"|gpg\.(?:.*\.)?program|gpg\.ssh\.defaultkeycommand"
    r"|submodule\..*\.update"
    r"|hook\..*"
    r"|extensions\..*"
    r"|pull\.(?:twohead|octopus)|branch\..*\.mergeoptions"
    r"|lfs\.(?:extension\..*|customtransfer\..*|standalonetransferagent|.*\.standalonetransferagent"
    r"|gitprotocol|tlsskipverify)"
    r"|uploadpack\.packobjectshook|gc\.recentobjectshook",
    re.DOTALL,
)
# What the relay says or decides itself, and what its operations never look at.
_IGNORED = re.compile(
    r"core\.(?:bare|editor|pager|excludesfile|attributesfile|commentchar|whitespace)"
    r"|(?:alias|pager|color|column|diff|difftool|mergetool|gui|gitk|advice|log|format|blame|rerere"
    r"|sequence|trailer|interactive|instaweb|man|help|web|browser|init|clone|tag|stash|notes|branch"
    r"|maintenance|gc|receive|uploadpack|uploadarchive|transfer|pack|repack|feature|submodule"
    r"|status|versionsort|worktree|checkout|svn-remote|svn|merge|rebase|pull|push|fetch|commit|remotes"
    r"|trace2|sendemail|sendpack|imap|lfs|nbdime|dvc|github|gitlab|hub|gh|vscode)\..*"
    r"|filter\..*\.required|merge\..*\.name"
    r"|remote\.(?:pushdefault|.*\.gh-resolved|.*\.prunetags)|user\.signingkey|remote\..*\.(?:url|pushurl|lfsurl|lfspushurl)",
    re.DOTALL,
)


# A value of these that we do not know could lead elsewhere; of the others it is only left out.
_TELLING = frozenset(
    {"remote.*.fetch", "branch.*.remote", "branch.*.merge", "core.repositoryformatversion"}
)
_HARMLESS = {
    # The relay reads a worktree's own configuration itself.
    "extensions.worktreeconfig": _TRUTH,
    "extensions.preciousobjects": _TRUTH,
    "extensions.refstorage": re.compile("files"),
    # True means git's own watcher; only a program's name is worth an error.
    "core.fsmonitor": _TRUTH,
}


def fate(setting: Setting) -> Fate:
    """What becomes of a setting of a repository."""
    value = "" if setting.value is None else setting.value
    accepts = _KEPT.get(setting.shape)
    harmless = _HARMLESS.get(setting.key)
    if accepts is not None and accepts(value):
        return Fate.KEEP
    if (harmless is not None and harmless.fullmatch(value)) or _standard_lfs(setting):
        return Fate.IGNORE
    if setting.shape == "branch.*.remote" and value == ".":
        # Only an operation on that branch needs it, and says so then.
        return Fate.DROP
    if _REFUSED.fullmatch(setting.key) or (accepts is not None and setting.shape in _TELLING):
        return Fate.REFUSE
    if accepts is not None:
        return Fate.DROP
    return Fate.IGNORE if _IGNORED.fullmatch(setting.key) else Fate.DROP


def can_be_trusted(setting: Setting) -> bool:
    """Whether the owner may accept it: it is refused by itself, and says all that it does.

    What a file that is included holds could change after it was accepted; and some settings the relay
    switches off in any case.
    """
    useless = ("core.fsmonitor", "core.alternaterefscommand", "core.worktree", "core.askpass")
    if setting.section in ("include", "includeif", "extensions") or setting.key in useless:
        return False
    return fate(setting) is Fate.REFUSE


LFS_FILTER = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.process": "git-lfs filter-process",
    "filter.lfs.required": "true",
}
"""What ``git lfs install`` writes; the relay sets it itself where LFS is in use."""


def _standard_lfs(setting: Setting) -> bool:
    # `git lfs install --skip-smudge` adds this option; the owner's own configuration decides that.
    standard = LFS_FILTER.get(setting.key)
    if standard is None:
        return False
    value = "true" if setting.value is None else setting.value
    return value.replace("--skip ", "").replace(" --skip", "") == standard


# Of the login user's own settings only those come along that say who they are and how to reach a host.
_GLOBAL = re.compile(
    r"(?:user|author|committer)\.(?:name|email|useconfigonly)"
    r"|(?:credential|http|https|url|ssh|safe|protocol)\..*"
    r"|core\.(?:sshcommand|gitproxy|autocrlf|eol|safecrlf|quotepath|compression|loosecompression"
    r"|bigfilethreshold|packedgitlimit|packedgitwindowsize|abbrev|sharedrepository|trustctime"
    r"|checkstat|preloadindex|precomposeunicode|protecthfs|protectntfs)"
    r"|lfs\.(?!customtransfer|extension|standalonetransferagent).*"
    r"|(?:pull|merge)\.(?:ff|conflictstyle|renames|renamelimit|stat)"
    r"|(?:fetch|pack|checkout|index)\.(?:parallel|threads|windowmemory|workers|version|prunetags)"
    r"|transfer\.(?:fsckobjects|hiderefs)|fetch\.fsckobjects|i18n\..*|advice\..*"
    r"|status\.showuntrackedfiles",
    re.DOTALL,
)


def is_personal(setting: Setting) -> bool:
    """Whether a setting of the login user's own (or the machine's) configuration comes along."""
    return _GLOBAL.fullmatch(setting.key) is not None or _standard_lfs(setting)
