"""Values at the top of a notebook as options of a script's command line."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aexp.domain.errors import SandboxError
from aexp.domain.promotion.places import quoted
from aexp.domain.text import visible

_FLOAT = re.compile(r"\bfloat\b")
_KINDS = {int: "int", float: "float", str: "str"}
_ANY = '''\
def _value(text: str) -> object:
    """A value as Python writes it; what is none is text."""
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


'''


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
    def free(self) -> bool:
        """Whether it is read as Python writes values."""
        return self._reading() == ["type=_value"]

    def _reading(self) -> list[str]:
        value = self.value
        if isinstance(value, bool):
            return ["action=argparse.BooleanOptionalAction"]
        if type(value) in _KINDS:
            return [f"type={_KINDS[type(value)]}"]
        if isinstance(value, list) and (kind := _common(value)):
            return ['nargs="*"', f"type={kind}"]
        return ["type=_value"]


def parameter_in(statement: ast.stmt) -> Parameter | None:
    """What ``name = literal`` or ``name: type = literal`` sets, or None for any other statement."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return None
    try:
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
    helper = _ANY if any(one.free for one in parameters) else ""
    return f'''\
{helper}def _command_line():
    """The options; where this file is imported, their defaults."""
    import argparse

    parser = argparse.ArgumentParser(description={quoted(about)}, allow_abbrev=False)
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
