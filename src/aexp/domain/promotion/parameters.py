"""Values at the top of a notebook as options of a script's command line."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.arithmetic import reckoned
from aexp.domain.promotion.places import quoted
from aexp.domain.text import visible

_FLOAT = re.compile(r"\bfloat\b")
_KINDS = {int: "int", float: "float", str: "str"}
_LITERAL = '''\
def _literal(text: str) -> object:
    """A value as Python writes it."""
    import argparse
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise argparse.ArgumentTypeError(f"no value as Python writes it: {text!r}") from None


'''
_TEXT_TOO = '''\
def _value(text: str) -> object:
    """A value as Python writes it; what is none is text."""
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text


'''
_READERS = {"_literal": _LITERAL, "_value": _TEXT_TOO}
_NEGATIVE = r"""
    # Before Python 3.14, argparse takes -1e-3 for an option.
    parser._negative_number_matcher = re.compile(r"-\.?\d")"""


@dataclass(frozen=True)
class Parameter:
    """A name with a literal value that becomes an option.

    Attributes:
        name: of the variable.
        value: its default, of the kind that the option takes.
        written: the default as Python.
        about: the comment behind it; may be empty.
    """

    name: str
    value: object
    written: str
    about: str = ""

    @property
    def option(self) -> str:
        """``--warmup-steps`` for ``warmup_steps``."""
        return "--" + self.name.strip("_").replace("_", "-")

    @property
    def spellings(self) -> tuple[str, ...]:
        """All that the option answers to."""
        no = (f"--no-{self.option[2:]}",) if isinstance(self.value, bool) else ()
        return (self.option, *no)

    def added(self) -> str:
        """The line that adds the option to a parser."""
        about = "default: %(default)r"
        if self.about:
            about = f"{self.about.replace('%', '%%')} ({about})"
        words = [
            quoted(self.option),
            f"dest={quoted(self.name)}",
            *self._reading(),
            f"default={self.written}",
            f"help={quoted(about)}",
        ]
        arguments = "".join(f"        {word},\n" for word in words)
        return f"    parser.add_argument(\n{arguments}    )"

    @property
    def kind(self) -> str:
        """The function that reads a word behind the option; empty where none is read."""
        value = self.value
        if isinstance(value, bool):
            return ""
        if type(value) in _KINDS:
            return _KINDS[type(value)]
        # What has no value yet may get any, and a text is one.
        other = "_value" if value is None else "_literal"
        return (_common(value) if isinstance(value, list) else None) or other

    def _reading(self) -> list[str]:
        if not self.kind:
            return ["action=argparse.BooleanOptionalAction"]
        several = isinstance(self.value, list) and self.kind != "_literal"
        return [*(['nargs="*"'] if several else []), f"type={self.kind}"]


def parameter_in(statement: ast.stmt) -> Parameter | None:
    """What ``name = literal`` or ``name: type = literal`` sets, or None for any other statement.

    A calculation with plain numbers counts as what it gives.
    """
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return None
    try:
        value = reckoned(value)
        found = ast.literal_eval(value)
        if isinstance(statement, ast.AnnAssign) and _FLOAT.search(
            ast.unparse(statement.annotation)
        ):
            found = _as_float(found)
        return Parameter(name, found, ast.unparse(value))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def check_options(parameters: Iterable[Parameter]) -> None:
    """Pass options that do not get in each other's way.

    Raises:
        SandboxError: two parameters would have the same option, or one would be ``--help``.
    """
    taken = {"--help": "the script's own help", "--": "no name at all"}
    for one in parameters:
        for spelling in one.spellings:
            if spelling in taken:
                raise SandboxError(
                    f"The parameter '{visible(one.name)}' would be the option {spelling}, which is "
                    f"{taken[spelling]}.",
                    "Rename it in the notebook, or say with --param which ones become options.",
                )
            taken[spelling] = f"that of '{visible(one.name)}'"


def options_code(parameters: tuple[Parameter, ...], about: str, target: str) -> str:
    """The code that reads the command line into ``target``.

    Args:
        parameters: the options.
        about: one line on the script, for ``--help``.
        target: the variable that holds the values.
    """
    lines = "\n".join(one.added() for one in parameters)
    kinds = {one.kind for one in parameters}
    helpers = "".join(code for name, code in _READERS.items() if name in kinds)
    regular, negative = ("\n    import re", _NEGATIVE) if kinds - {"", "str"} else ("", "")
    return f'''\
{helpers}def _command_line():
    """The options; where this file is imported, their defaults."""
    import argparse{regular}

    parser = argparse.ArgumentParser(description={quoted(about)}, allow_abbrev=False){negative}
{lines}
    run = __name__ in ("__main__", "__mp_main__")
    return parser.parse_args(None if run else [])


{target} = _command_line()'''


def assigned(statement: ast.stmt, name: str, target: str) -> str:
    """The statement with its value taken from the options."""
    if isinstance(statement, ast.AnnAssign):
        return f"{name}: {ast.unparse(statement.annotation)} = {target}.{name}"
    return f"{name} = {target}.{name}"


def _as_float(value: object) -> object:
    """What ``lr: float = 1`` means, and ``lrs: list[float] = [1, 2]``."""
    if isinstance(value, list):
        return [_as_float(one) for one in value]
    return float(value) if type(value) is int else value


def _common(values: list[object]) -> str | None:
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        return "float"
    return _KINDS.get(kinds.pop()) if len(kinds) == 1 else None
