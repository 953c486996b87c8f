"""The checks of what a daemon needs besides the queue; for the node on which one runs or could."""

from collections.abc import Callable
from functools import wraps

from aexp.airgapped.checkup.ground import Check, Found, Ground
from aexp.domain.checkup import agent, git, log_out, remotes, wandb
from aexp.domain.errors import AexpError, RelayValidationError
from aexp.domain.findings import Finding, fail, ok, warn
from aexp.domain.text import visible

OUTSIDE_S = 10.0
"""Seconds for wandb and for the remotes, which end what they start sooner than that by themselves."""
_GIT_FIX = "Load the module of a newer git, or name one with AEXP_RELAY_GIT."
_POST_FIX = "Run `aexp relay doctor` where the daemon was started."
_NETWORK_FIX = "See what `git ls-remote` says in that folder."


def _where_one_may_serve(look: Callable[[Ground, str], Found]) -> Callable[[Ground, str], Found]:
    @wraps(look)
    def looked(ground: Ground, name: str) -> Found:
        return look(ground, name) if ground.may_serve else None

    return looked


def _elsewhere(ground: Ground, name: str) -> Finding | None:
    if ground.may_serve:
        return _unseen(ground, name)
    host = ground.daemon.host if ground.serves_here is False else None
    where = f"where the daemon runs, on {host}" if host else "on the login node"
    told = "git, keys, wandb, remotes and what a log-out does are not looked at here"
    return ok(name, f"{told}: run `aexp relay doctor` {where}")


def _unseen(ground: Ground, name: str) -> Finding | None:
    trouble = ground.at_post
    if not isinstance(trouble, AexpError):
        return None
    told = f"what follows is of this shell, not of a daemon: {trouble.what}"
    return warn(name, told, trouble.hint or _POST_FIX)


@_where_one_may_serve
def _git(ground: Ground, name: str) -> Finding:
    try:
        return ok(name, ground.login.git())
    except AexpError as exc:
        if ground.serves_here:
            raise
        # Perhaps no daemon is ever to run on this node.
        return warn(name, f"not fit for a daemon on this node: {exc.what}", exc.hint or _GIT_FIX)


@_where_one_may_serve
def _own_git(ground: Ground, name: str) -> Found:
    try:
        return git.judge_own_git(name, ground.login.own_git())
    except AexpError as exc:
        said = fail if ground.serves_here else warn
        return said(name, f"cannot be read: {exc.what}", exc.hint or _GIT_FIX)


@_where_one_may_serve
def _lfs(ground: Ground, name: str) -> Finding:
    found = ground.login.lfs()
    return ok(name, found or "not there; only repositories that keep files with it need it")


@_where_one_may_serve
def _agent(ground: Ground, name: str) -> Finding:
    again = "Before `aexp relay up`" if ground.posted is None else "Before `aexp relay restart`"
    return agent.judge_agent(name, ground.login.agent(), ground.login.whose, again)


@_where_one_may_serve
def _remotes(ground: Ground, name: str) -> Found:
    cwd = ground.copy.cwd
    shown = visible(str(cwd), limit=400)
    try:
        survey = ground.remotes.survey(cwd)
        if survey is None:
            told = f"{shown} lies in no working copy: none to ask"
            if ground.copy.named:
                return fail(name, told, "Name a folder in a clone below your home with -C.")
            return ok(name, f"{told}; name one with -C")
        known = ground.remotes.known(survey.root)
    except RelayValidationError as exc:
        return fail(name, f"the relay refuses {shown}: {exc.what}", exc.hint or _NETWORK_FIX)
    except AexpError as exc:
        said = fail if ground.serves_here else warn
        return said(name, f"none can be asked: {exc.what}", exc.hint or _NETWORK_FIX)
    asked, questions = remotes.sorted_out(survey.configured, known)
    findings = [
        remotes.judge_unasked(name, survey.root, place, before) for place, before in questions
    ]
    few, more = asked[: remotes.MOST_ASKED], asked[remotes.MOST_ASKED :]
    replies = ground.remotes.ask(cwd, [place.destination for place in few]) if few else ()
    findings += [
        remotes.judge_reply(name, place, reply, ground.shown)
        for place, reply in zip(few, replies, strict=True)
    ]
    findings += [ok(name, f"{place.told} was not asked: there are too many") for place in more]
    return findings or [warn(name, f"{shown} has no remote that could be used", _NETWORK_FIX)]


@_where_one_may_serve
def _wandb(ground: Ground, name: str) -> Found:
    return wandb.judge_wandb(name, ground.login.wandb(), ground.login.whose)


@_where_one_may_serve
def _log_out(ground: Ground, name: str) -> Finding:
    return log_out.judge_log_out(name, ground.login.log_out())


ON_THE_LOGIN_NODE = (
    Check("login-node", _elsewhere),
    Check("git", _git),
    Check("git-config", _own_git),
    Check("git-lfs", _lfs),
    Check("ssh-agent", _agent),
    Check("log-out", _log_out),
    Check("wandb", _wandb, limit_s=OUTSIDE_S),
    Check("remote", _remotes, _NETWORK_FIX, limit_s=OUTSIDE_S),
)
