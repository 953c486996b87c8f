"""``aexp completion``: the script that lets a shell complete ``aexp``."""

import sys

import rich_click as click
from click.shell_completion import get_completion_class

from aexp.cli.terminal import echo, is_terminal

_PLACES = {
    "bash": (
        "mkdir -p ~/.local/share/bash-completion/completions && "
        "aexp completion bash > ~/.local/share/bash-completion/completions/aexp",
        'without the bash-completion package, in ~/.bashrc: eval "$(aexp completion bash)"',
    ),
    "zsh": (
        "mkdir -p ~/.zfunc && aexp completion zsh > ~/.zfunc/_aexp",
        "in ~/.zshrc: fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit",
    ),
    "fish": (
        "mkdir -p ~/.config/fish/completions && "
        "aexp completion fish > ~/.config/fish/completions/aexp.fish",
        "fish finds it there by itself",
    ),
}


@click.command()
@click.argument("shell", type=click.Choice([*_PLACES]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete aexp: its verbs, options, request ids, remotes, branches."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    source = kind(context.find_root().command, {}, "aexp", "_AEXP_COMPLETE").source()
    keep, use = _PLACES[shell]
    echo(f"{_head(shell, source, keep, use)}{source}")
    if is_terminal(sys.stdout):
        echo(f"  next: {keep}\n        {use}", err=True)


def _head(shell: str, source: str, keep: str, use: str) -> str:
    """Where to put it, as comments. A script for zsh must begin with its own first line."""
    told = f"# Completion of aexp for {shell}. To keep it:\n#   {keep}\n#   {use}\n"
    if source.startswith("#compdef"):
        return f"#compdef aexp\n{told}"
    return told
