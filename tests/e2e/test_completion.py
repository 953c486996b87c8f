"""Completion, by click's own protocol and by the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_terminal import Terminal, needs_tmux
from tests.site import Site, slow_git
from tests.world import executable


@pytest.fixture
def shell(site: Site) -> Site:
    """A site with ``aexp`` on its PATH."""
    executable(site.home / "bin/aexp", f'#!/bin/sh\nexec {sys.executable} -P -m aexp "$@"\n')
    return site


def offered(site: Site, line: str, cwd: Path | None = None) -> list[str]:
    """What is offered at the end of a line, each with its kind."""
    words = line.split(" ")
    asked = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_AEXP_COMPLETE": "bash_complete",
    }
    done = site.aexp(env=asked, cwd=cwd)
    assert done.stderr == ""
    return done.stdout.split()


def needs(name: str) -> pytest.MarkDecorator:
    missing = shutil.which(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed: apt-get install {name}")


def test_verbs_options_and_what_they_take_are_offered(site: Site) -> None:
    site.git("branch", "topic")
    site.git("branch", "$(touch)")
    site.git("remote", "add", "mirror", str(site.origin))
    assert offered(site, "aexp comp") == ["plain,completion"]
    assert offered(site, "aexp completion ") == ["plain,bash", "plain,zsh", "plain,fish"]
    assert offered(site, "aexp relay ca") == ["plain,cancel"]
    assert offered(site, "aexp relay push --bra") == ["plain,--branch"]
    # What a shell would run and the relay would refuse is not offered.
    assert offered(site, "aexp relay push -b ") == ["plain,HEAD", "plain,main", "plain,topic"]
    assert offered(site, "aexp relay push -b t") == ["plain,topic"]
    assert offered(site, "aexp relay push --remote ") == ["plain,mirror", "plain,origin"]
    assert offered(site, "aexp relay request git_p") == ["plain,git_pull", "plain,git_push"]
    assert offered(site, "aexp relay ls --state re") == ["plain,received", "plain,rejected"]
    assert offered(site, "aexp relay pull -C ") == ["dir,"]


def test_outside_a_working_copy_and_without_a_queue_little_is_offered(site: Site) -> None:
    assert offered(site, "aexp relay push -b ", cwd=site.home) == ["plain,HEAD"]
    assert offered(site, "aexp relay push --remote ", cwd=site.home) == []
    assert offered(site, "aexp relay show ") == []
    assert offered(site, "aexp relay show --queue carrier-pigeon://coop ") == []


def test_ids_are_offered_where_they_make_sense(site: Site) -> None:
    site.wandb()
    note = slow_git(site)
    site.serve()
    ended = site.json("git-status")["request_id"]
    running = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it runs", note.exists)
    pending = site.relay("wandb-sync", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{pending}.json").exists)
    every, unfinished = {ended, running, pending}, {running, pending}
    for verb, ids in {
        "show": every, "log": every, "cancel": unfinished, "wait": unfinished,
        "approve": {pending}, "reject": {pending},
    }.items():  # fmt: skip
        assert {*offered(site, f"aexp relay {verb} ")} == {f"plain,{one[:8]}" for one in ids}, verb
    assert offered(site, f"aexp relay show {ended[:9]}") == [f"plain,{ended}"]
    asked = {"COMP_WORDS": "aexp relay wait ", "COMP_CWORD": "3", "_AEXP_COMPLETE": "zsh_complete"}
    assert "git_fetch running" in site.aexp(env=asked).stdout


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_says_where_to_put_it(site: Site, name: str) -> None:
    done = site.aexp("completion", name)
    assert done.returncode == 0
    assert f"aexp completion {name} > ~/" in done.stdout
    assert done.stdout.startswith("#compdef aexp\n" if name == "zsh" else "# Completion of aexp")
    assert done.stderr == ""


def test_another_shell_is_a_mistake(site: Site) -> None:
    assert site.aexp("completion", "tcsh").returncode == 2


@needs("bash")
def test_bash_completes(shell: Site) -> None:
    script = (
        'eval "$(aexp completion bash)"; COMP_WORDS=(aexp relay ca); COMP_CWORD=2; '
        '_aexp_completion aexp; echo "${COMPREPLY[*]}"; complete -p aexp'
    )
    told = run(shell, "bash", "--norc", "-c", script)
    assert told.splitlines()[0] == "cancel"
    assert "-F _aexp_completion aexp" in told


@needs("fish")
def test_fish_completes(shell: Site) -> None:
    script = 'aexp completion fish | source; complete -C "aexp relay ca"'
    assert run(shell, "fish", "--no-config", "-c", script).split()[0] == "cancel"


@needs("zsh")
@needs_tmux
def test_zsh_completes(shell: Site) -> None:
    (shell.home / "_aexp").write_text(shell.aexp("completion", "zsh").stdout)
    (shell.home / ".zshrc").write_text(
        f"fpath=({shell.home} $fpath)\nautoload -Uz compinit; compinit -u -D\nPS1='%% '\n"
    )
    terminal = Terminal(shell, "zsh", "-i")
    try:
        terminal.shows("%")
        terminal.keys("aexp relay canc", "Tab")
        terminal.shows("aexp relay cancel")
    finally:
        terminal.close()


def run(site: Site, *command: str) -> str:
    done = subprocess.run(
        command, cwd=site.repo, env={**site.env, "TERM": "dumb", "XDG_CONFIG_HOME": os.devnull},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
