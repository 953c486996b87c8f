"""Hints for a person, said so that they fit an agent: by its own tools, or as what to ask the person."""

import re

from aexp.domain.errors import AexpError, RelayDownError, RelayValidationError
from aexp.domain.validation import CWD_DO, FAR_CWD_DO

HANDS_OFF = "Do not type it yourself, and do not look for another way: consent is a person's."
_THEIRS = (
    "What is done on the login node, and each setting, is the person's: do not type it yourself, and do not "
    "look for another way."
)
_TOOLS = {
    **{"relay ls": "relay_list", "relay show": "relay_result", "relay log": "relay_log"},
    **{"relay wait": "relay_wait", "relay cancel": "relay_cancel", "relay status": "relay_status"},
    **{
        "sandbox ls": "sandbox_list",
        "sandbox new": "sandbox_new",
        "sandbox check": "sandbox_check",
    },
    **{
        f"relay {verb}": f"relay_submit with op {op}"
        for verb, op in (
            *(("pull", "git_pull"), ("push", "git_push"), ("fetch", "git_fetch")),
            *(("rebase", "git_rebase"), ("git-status", "git_status"), ("wandb-sync", "wandb_sync")),
        )
    },
}
_OF_CWD = {
    CWD_DO: "Name a working copy below the home with cwd.",
    FAR_CWD_DO: "Name a working copy of the login node with cwd, such as ~/repository.",
}
_NAMED = "|".join(map(re.escape, _TOOLS))
_COMMAND = re.compile(rf"`aexp ({_NAMED})(?: [^`]*)?`|\baexp ({_NAMED})(?![\w-])")
_ARGUMENTS = {
    **{"--cells": "cells", "--tag": "tag", "--param": "parameters", "--archived": "archived"},
    "--allow-undefined": "allow_undefined",
}
_OPTION = re.compile(rf"(?:{'|'.join(_ARGUMENTS)})\b")
_A_PERSONS = re.compile(r"\baexp |\brelay-(?:approve|reject)\b|\bAEXP_[A-Z]|login node")


def for_agent(hint: str) -> str:
    """The hint with our tools in place of commands that do the same; what is left of these is a person's."""
    told = _COMMAND.sub(lambda found: _TOOLS[found[1] or found[2]], hint)
    told = _OPTION.sub(lambda found: _ARGUMENTS[found[0]], told)
    return f"Tell the person: {_ended(told)} {_THEIRS}" if _A_PERSONS.search(told) else told


def next_step(error: AexpError) -> str:
    """What an agent does after an error."""
    if isinstance(error, RelayValidationError) and error.hint in _OF_CWD:
        return _OF_CWD[error.hint]
    if isinstance(error, RelayDownError):
        return down(error.hint) if error.hint else ""
    return for_agent(error.hint)


def down(hint: str) -> str:
    """What an agent does where no daemon serves.

    Args:
        hint: what a person does.
    """
    told = _COMMAND.sub(lambda found: _TOOLS[found[1] or found[2]], hint)
    return f"Ask the person. {_ended(told)} Do not try ssh, a tunnel or another way out."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
