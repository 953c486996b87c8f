"""What a stranger wrote, made harmless for a reader that is a model: bounded, and without control characters.

Output of git, logs, previews, titles and paths come from outside. That they are data is said in the server's
instructions; here nothing in them can act on a terminal or hide from a person who reads along.
"""

from typing import Any

from aexp.domain.text import visible, visible_lines

OUTPUT_CHARS = 10_000
"""Characters of an output that are given where nothing else is asked for."""
MOST_CHARS = 100_000
LINE_CHARS = 300
SENTENCE_CHARS = 2000
_DEPTH = 12


def harmless(value: object, depth: int = 0) -> object:
    """The same JSON value, with every text in it bounded and without control characters.

    Raises:
        ValueError: it is nested more deeply than anything that is answered here.
    """
    if depth > _DEPTH:
        raise ValueError(f"nested more than {_DEPTH} deep")
    if isinstance(value, str):
        return visible_lines(value, limit=2 * MOST_CHARS)
    if isinstance(value, dict):
        return {str(name): harmless(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [harmless(one, depth + 1) for one in value]
    return value


def untitled(schema: Any) -> Any:
    """A JSON schema without its titles; a property that is called so stays."""
    if isinstance(schema, dict):
        kept = {
            name: one for name, one in schema.items() if name != "title" or isinstance(one, dict)
        }
        return {name: untitled(one) for name, one in kept.items()}
    return schema


def line(text: str, limit: int = LINE_CHARS) -> str:
    """One line of progress or, with more characters, of a summary."""
    return visible(" ".join(text.split()), limit=limit)
