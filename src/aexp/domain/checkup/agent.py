"""The ssh agent: whether it answers, has keys, and will still be there tomorrow."""

import shlex
from dataclasses import dataclass

from aexp.domain.findings import Finding, ok, warn

_START = 'eval "$(ssh-agent)" and ssh-add'


@dataclass(frozen=True)
class Agent:
    """An ssh agent that is named.

    Attributes:
        path: of its socket.
        keys: how many it holds; None when it did not say.
        trouble: what keeps it from being used, as the end of a sentence; empty for nothing.
        forwarded: whether it is the agent of another machine, reached through a log-in.
    """

    path: str
    keys: int | None = None
    trouble: str = ""
    forwarded: bool = False


def judge_agent(name: str, agent: Agent | None, whose: str, again: str) -> Finding:
    """Whether keys with a passphrase can be used, and after a log-out as well.

    Args:
        whose: whose environment names it, for people.
        again: how the daemon is started so that it has another one.
    """
    fix = f"{again}: {_START}"
    if agent is None:
        return warn(name, f"none is named {whose}: keys with a passphrase cannot be used", fix)
    if agent.trouble:
        return warn(name, f"SSH_AUTH_SOCK {whose} names {agent.path}, which {agent.trouble}", fix)
    held = f"{agent.keys} key{'' if agent.keys == 1 else 's'}"
    if agent.forwarded:
        told = f"{agent.path} ({whose}, {held}) is forwarded by a log-in, and gone when that ends"
        return warn(name, told, fix)
    if not agent.keys:
        return warn(
            name,
            f"{agent.path} ({whose}) holds no key",
            f"Type: SSH_AUTH_SOCK={shlex.quote(agent.path)} ssh-add",
        )
    return ok(name, f"{agent.path} ({whose}) holds {held}")
