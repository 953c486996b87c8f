"""What the programs say when they fail, and what each of these sentences means for a person.

Git runs with ``LC_ALL=C.UTF-8``, so its words are the English ones. What a remote says comes with ``remote:``
in front: where a rule names the beginning of a line, no remote can say it in git's place.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Why an operation failed, for programs."""

    NOT_FAST_FORWARD = "not-fast-forward"
    NO_UPSTREAM = "no-upstream"
    NO_SUCH_BRANCH = "no-such-branch"
    CONFLICT = "conflict"
    UNCOMMITTED_CHANGES = "uncommitted-changes"
    AUTHENTICATION_FAILED = "authentication-failed"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    PROMPT_DISABLED = "terminal-prompt-disabled"
    REMOTE_UNREACHABLE = "remote-unreachable"
    HOOK_DECLINED = "hook-declined"
    LOCK_PRESENT = "lock-file-present"
    DISK_FULL = "disk-full"
    COMMAND_NOT_FOUND = "command-not-found"
    WANDB_KEY_MISSING = "wandb-key-missing"
    SYNC_FAILED = "sync-failed"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True)
class Rule:
    """A line of output, and what it means.

    Attributes:
        hint: what to do next, in fixed words; ``{again}`` stands for the command that asks again,
            ``{branch}`` for the branch of a push.
        begins: how the line begins; empty for any line.
        holds: what stands in the line besides.
        op: the operation that it is about; empty for all.
        beside: how another line of the same output must begin; empty for none.
        weak: whether it counts only where no other rule fits: a symptom of many causes.
    """

    kind: Kind
    hint: str
    begins: str = ""
    holds: tuple[str, ...] = ()
    op: str = ""
    beside: str = ""
    weak: bool = False


_RESTART = "`aexp relay restart` (the daemon reads this when it starts), then {again}."
_BEHIND = "Somebody pushed before you: `aexp relay rebase`, then {again}."
_APART = "Your branch and its upstream both have commits of their own: `aexp relay rebase` puts yours on top."
_NO_UPSTREAM = (
    "This branch has no upstream. `aexp relay push`, `aexp relay fetch`, then: `git branch -u origin/NAME` "
    "(needs no network)."
)
_LOST_UPSTREAM = (
    "The remote has no branch of the name that yours takes for its upstream: `aexp relay push` sends yours, "
    "`git branch -u origin/NAME` takes another (needs no network)."
)
_NO_BRANCH = "There is no local branch {branch}: `git branch` lists them."
_RESOLVE = (
    "Resolve it where you are, without a network: `git rebase @{upstream}`, then `aexp relay push`."
)
_STOPPED = f"`git status` shows how the working copy was left; clean it first. {_RESOLVE}"
_DIRTY = "Put your changes aside with `git stash -u` (or commit them), then {again}, then `git stash pop`."
_PASSWORD = (
    "The remote refused the user name and token that the login node has for it. There, renew them; one "
    f"`git ls-remote` by hand in this folder shows that they work. Then {_RESTART}"
)
_FORBIDDEN = (
    "The remote knows who you are and does not permit this: ask its owner for access, or see with "
    "`git remote -v` whether it is the right one."
)
_NO_SSH_KEY = (
    "The remote accepted no ssh key of the login node, where nobody is asked for a passphrase. There, "
    f"`ssh-add` the key or name it in ~/.ssh/config; then, from that shell, {_RESTART}"
)
_NEW_HOST = (
    "The login node does not know this host's key. There, run `git ls-remote` once by hand in this folder, "
    f"compare the fingerprint with the published one and agree to it; then {_RESTART}"
)
_OTHER_HOST = (
    "The host shows another key than before: it has a new one, or somebody stands in between. Ask its owner "
    f"for the fingerprint first. If it is right, `ssh-keygen -R HOST` on the login node; then {_RESTART}"
)
_PROMPT = (
    "The remote wants a user name and token, and the login node has none and cannot ask. There, give git "
    "a credential helper (`git help gitcredentials`), fill it with one `git ls-remote` by hand in this "
    f"folder, then {_RESTART} A remote over ssh needs none."
)
_UNREACHABLE = (
    "The login node does not reach the remote: see with `git remote -v` whether the address is right, and on "
    "the login node with `git ls-remote` whether the host answers (it may need a proxy); then {again}."
)
_NO_REPOSITORY = (
    "No repository is at the remote's URL, or you may not see it: compare `git remote -v`, and mend it with "
    "`git remote set-url`."
)
_CERTIFICATE = (
    "The login node does not trust the remote's certificate. There, name its authority with "
    f"`git config --global http.sslCAInfo FILE`; then {_RESTART}"
)
_HOOK = (
    "A rule of the remote refused the push; its reasons are the lines with `remote:`. Mend the commits (such "
    "as `git commit --amend`), or send another branch: `aexp relay push -b BRANCH`."
)
_LOCK = (
    "Another git runs in this repository, or one was killed there. `find .git -name '*.lock'` shows the "
    "file; make sure that no git of yours runs, on either node, then remove it, then {again}."
)
_THEIR_LOCK = (
    "Another push runs in the remote repository, or one was killed there: {again}. If it stays, its owner "
    "must remove the `.lock` file there."
)
_SPACE = (
    "A disk or quota is full: see `df -h .`, `df -i .` and `quota -s`, here and on the login node. "
    "Free space, then {again}."
)
_THEIR_SPACE = "The remote has no space left; its owner must free some, then {again}."
_NO_LFS = (
    "git-lfs is not there on the login node: install it outside the home or load its module, then "
    "`aexp relay restart` from that shell, then {again}."
)
_NO_PROGRAM = (
    "A program that is needed is not there on the login node; the line above names it. Install it, then "
    "`aexp relay restart` from a shell that finds it, then {again}."
)
_NO_KEY = f"wandb has no key on the login node. There, `wandb login`; then {_RESTART}"
_BAD_KEY = (
    f"The server refused wandb's key. On the login node, `wandb login --relogin`; then {_RESTART}"
)
_NO_SERVER = (
    "wandb on the login node does not reach its server: see there with `wandb login --verify` whether it "
    "answers (it may need a proxy); then {again}."
)
_SLOW_SERVER = (
    "wandb was ended before it had an answer from its server. On the login node, `wandb login --verify` "
    "shows whether it answers; then {again}."
)
_UNSENT = "Nothing was sent. On the login node, see what `wandb login --verify` says; then {again}."
_CHANGED = "Nothing was sent. Wait until the run has ended, then {again}."
_PARTLY = "Look at the run on the server; then {again} again."

_PUSH, _WANDB = "git_push", "wandb_sync"
_URL = "fatal: unable to access 'http"
_SPACE_WORDS = ("No space left on device", "Disk quota exceeded")
_SSH_TROUBLE = (
    "ssh: connect to host ",
    "ssh: Could not resolve hostname ",
    "kex_exchange_identification: ",
)
_SSH_CALL = "-oBatchMode=yes"
"""In the name that git gives the shell which starts ssh; what a shell of the remote says has no such name."""
_NOT_FOUND = (": not found", ": command not found", ": No such file or directory")

RULES = (
    Rule(Kind.NOT_FAST_FORWARD, _BEHIND, " ! [rejected]", ("(fetch first)",), _PUSH),
    Rule(Kind.NOT_FAST_FORWARD, _BEHIND, " ! [rejected]", ("(non-fast-forward)",), _PUSH),
    Rule(Kind.NOT_FAST_FORWARD, _BEHIND, " ! [remote rejected]", ("(non-fast-forward)",), _PUSH),
    Rule(
        Kind.NOT_FAST_FORWARD, _BEHIND, "remote: error: cannot lock ref ", ("but expected",), _PUSH
    ),
    Rule(Kind.NOT_FAST_FORWARD, _APART, "fatal: Not possible to fast-forward"),
    Rule(Kind.NO_UPSTREAM, _NO_UPSTREAM, "There is no tracking information for the current branch"),
    Rule(Kind.NO_UPSTREAM, _LOST_UPSTREAM, "Your configuration specifies to merge with the ref "),
    Rule(Kind.NO_SUCH_BRANCH, _NO_BRANCH, "error: src refspec ", (" does not match any",), _PUSH),
    Rule(Kind.CONFLICT, _RESOLVE, "CONFLICT (", beside="aexp: the rebase was aborted"),
    Rule(Kind.CONFLICT, _STOPPED, "CONFLICT ("),
    Rule(Kind.UNCOMMITTED_CHANGES, _DIRTY, "error: cannot pull with rebase: You"),
    Rule(Kind.UNCOMMITTED_CHANGES, _DIRTY, "error: ", (" files would be overwritten by ",)),
    Rule(Kind.AUTHENTICATION_FAILED, _PASSWORD, "fatal: Authentication failed for "),
    Rule(Kind.AUTHENTICATION_FAILED, _PASSWORD, _URL, ("returned error: 401",)),
    Rule(Kind.AUTHENTICATION_FAILED, _FORBIDDEN, _URL, ("returned error: 403",)),
    Rule(Kind.AUTHENTICATION_FAILED, _NO_SSH_KEY, holds=(": Permission denied (",)),
    Rule(Kind.AUTHENTICATION_FAILED, _NO_SSH_KEY, holds=("Too many authentication failures",)),
    Rule(Kind.AUTHENTICATION_FAILED, _BAD_KEY, holds=("API key verification failed",), op=_WANDB),
    Rule(Kind.AUTHENTICATION_FAILED, _BAD_KEY, holds=("user is not logged in",), op=_WANDB),
    Rule(Kind.AUTHENTICATION_FAILED, _BAD_KEY, holds=("API key must ",), op=_WANDB),
    Rule(Kind.HOST_KEY_UNKNOWN, _NEW_HOST, "No ", (" host key is known for ", "strict checking.")),
    Rule(
        Kind.HOST_KEY_CHANGED, _OTHER_HOST, "Host key for ", ("has changed and you have requested",)
    ),
    Rule(Kind.HOST_KEY_UNKNOWN, _NEW_HOST, "Host key verification failed.", weak=True),
    Rule(Kind.PROMPT_DISABLED, _PROMPT, "fatal: could not read ", ("terminal prompts disabled",)),
    Rule(Kind.REMOTE_UNREACHABLE, _CERTIFICATE, _URL, ("certificate",)),
    Rule(Kind.REMOTE_UNREACHABLE, _UNREACHABLE, _URL, weak=True),
    *(Rule(Kind.REMOTE_UNREACHABLE, _UNREACHABLE, words) for words in _SSH_TROUBLE),
    Rule(
        Kind.REMOTE_UNREACHABLE,
        _NO_REPOSITORY,
        "fatal: '",
        (" does not appear to be a git repository",),
    ),
    Rule(Kind.REMOTE_UNREACHABLE, _NO_REPOSITORY, "fatal: repository '", ("' not found",)),
    Rule(Kind.REMOTE_UNREACHABLE, _NO_REPOSITORY, "ERROR: Repository not found"),
    Rule(Kind.REMOTE_UNREACHABLE, _UNREACHABLE, "Connection closed by ", weak=True),
    Rule(Kind.REMOTE_UNREACHABLE, _UNREACHABLE, "error: RPC failed", weak=True),
    Rule(
        Kind.REMOTE_UNREACHABLE,
        _UNREACHABLE,
        "fatal: Could not read from remote repository.",
        weak=True,
    ),
    Rule(
        Kind.REMOTE_UNREACHABLE,
        _NO_SERVER,
        "Error: Failed to authenticate with ",
        op=_WANDB,
        weak=True,
    ),
    Rule(Kind.REMOTE_UNREACHABLE, _NO_SERVER, holds=("Network error",), op=_WANDB, weak=True),
    Rule(Kind.HOOK_DECLINED, _HOOK, " ! [remote rejected]", ("hook declined",), _PUSH),
    Rule(Kind.LOCK_PRESENT, _THEIR_LOCK, "remote: ", ("Unable to create '", ".lock': File exists")),
    Rule(Kind.LOCK_PRESENT, _LOCK, holds=("Unable to create '", ".lock': File exists")),
    *(Rule(Kind.DISK_FULL, _THEIR_SPACE, "remote: ", (words,)) for words in _SPACE_WORDS),
    *(Rule(Kind.DISK_FULL, _SPACE, holds=(words,)) for words in _SPACE_WORDS),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_LFS, holds=("git-lfs", ": not found")),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_LFS, holds=("git-lfs: command not found",)),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_LFS, holds=("'git-lfs' was not found on your path",)),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_LFS, "git: 'lfs' is not a git command"),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_PROGRAM, "error: cannot run ", ("No such file or directory",)),
    *(Rule(Kind.COMMAND_NOT_FOUND, _NO_PROGRAM, holds=(_SSH_CALL, said)) for said in _NOT_FOUND),
    Rule(Kind.COMMAND_NOT_FOUND, _NO_PROGRAM, holds=(" is not installed on the login node, or",)),
    Rule(Kind.WANDB_KEY_MISSING, _NO_KEY, holds=("No API key configured",), op=_WANDB),
    Rule(Kind.WANDB_KEY_MISSING, _NO_KEY, holds=("api_key not configured",), op=_WANDB),
    Rule(Kind.TIMED_OUT, _SLOW_SERVER, "aexp: wandb was ended before anything was sent"),
)
"""In the order in which they count for one and the same line."""

LAST_RULES = (
    Rule(Kind.SYNC_FAILED, _UNSENT, "aexp: nothing was sent.", op=_WANDB),
    Rule(Kind.SYNC_FAILED, _CHANGED, "aexp: a run has changed since", op=_WANDB),
    Rule(Kind.SYNC_FAILED, _PARTLY, holds=("",), op=_WANDB, weak=True),
)
"""For an output that none of the others fits."""

OWN_RULES = (
    Rule(Kind.LOCK_PRESENT, "", "Unable to create '", (".lock': File exists.",)),
    Rule(Kind.COMMAND_NOT_FOUND, "", holds=(" is not installed on the login node",)),
    *(Rule(Kind.DISK_FULL, "", holds=(words,)) for words in _SPACE_WORDS),
)
"""For what the relay itself says of something that it did not start; it has hints of its own."""
