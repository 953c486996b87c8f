"""What a result, a handle and an error look like in a notebook: plain text, and HTML without scripts.

Everything that a command or a request said is shown harmless: control and bidi characters spelt out, HTML
escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from aexp.domain.text import age, middle_cut, visible, visible_lines

if TYPE_CHECKING:
    from aexp.domain.errors import AexpError
    from aexp.domain.requests import RelayResult

FOLDED_FROM = 12
"""Lines of output from which on they are folded."""
MOST_CHARS = 100_000
"""Characters of output from which on its middle is left out."""
_GOOD, _BAD, _QUIET = "#1a7f37", "#b42318", "#666"


def bundle(plain: str, html: str) -> dict[str, str]:
    """What IPython asks an object for: the same, for a console and for a browser."""
    return {"text/plain": plain, "text/html": f'<div style="line-height:1.5">{html}</div>'}


def result_bundle(result: "RelayResult") -> dict[str, str]:
    """How it went, why it failed and what to do next, and the output."""
    mark = "ok" if result.ok else "failed"
    about = f"{visible(result.op, limit=40)} in {age(result.duration_s)}"
    if not result.ok:
        about += f", returncode {result.returncode}" + (f" ({result.kind})" if result.kind else "")
    said = result.stdout.rstrip("\n")
    output = visible_lines(middle_cut(said, MOST_CHARS, "stdout of the result")[0])
    notices = [visible(notice, limit=400) for notice in result.notices]
    lines = [f"{mark} {about}", *(f"note: {notice}" for notice in notices)]
    lines += [f"next: {result.hint}"] if result.hint else []
    lines += [output] if output else []
    html = _headline(mark, about, good=result.ok) + "".join(map(_note, notices))
    html += _next(result.hint) + _output(output, said.count("\n") + 1)
    return bundle("\n".join(lines), html)


def request_bundle(request_id: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """A request by its id, and what is known of how it stands."""
    told = {key: visible(str(value), limit=200) for key, value in facts.items() if value}
    plain = ", ".join([f"request {request_id}", *(f"{key} {value}" for key, value in told.items())])
    rows = "".join(
        f"<div>{escape(key)} <b>{escape(value)}</b></div>" for key, value in told.items()
    )
    return bundle(plain, f"<div>request <code>{escape(request_id)}</code></div>{rows}")


def error_bundle(error: "AexpError") -> dict[str, str]:
    """What happened, and what to do next."""
    what, hint = _said(error)
    html = _headline(type(error).__name__, what, good=False) + _next(hint)
    return bundle("\n".join(_error_plain(error)), html)


def error_lines(error: "AexpError") -> list[str]:
    """The same for an error that ended a cell, with its request and the way to its traceback."""
    request_id = getattr(error, "request_id", None)
    request = f"request {visible(str(request_id), limit=64)}; " if request_id else ""
    return [*_error_plain(error), f"{request}%tb shows the traceback"]


def facts_bundle(facts: Sequence[tuple[str, str]], hint: str, *, good: bool) -> dict[str, str]:
    """Facts, each by its name; the first is how it stands.

    Args:
        facts: names with the space behind each, and what is said; the rest may be a stranger's words.
        hint: what to do next; may be empty.
    """
    told = [(name, visible(text, limit=400)) for name, text in facts]
    plain = [f"{name}{text}" for name, text in told] + ([f"next: {hint}"] if hint else [])
    (name, text), *others = told
    html = _headline(name.strip(), text, good=good) + "".join(
        f"<div><b>{escape(name.strip())}</b> {escape(text)}</div>" for name, text in others
    )
    return bundle("\n".join(plain), html + _next(hint))


def _error_plain(error: "AexpError") -> list[str]:
    what, hint = _said(error)
    return [f"{type(error).__name__}: {what}", *([f"next: {hint}"] if hint else [])]


def _said(error: "AexpError") -> tuple[str, str]:
    return visible_lines(error.what, limit=4000), visible_lines(error.hint, limit=4000)


def _headline(mark: str, about: str, *, good: bool) -> str:
    colour = _GOOD if good else _BAD
    return f'<div><b style="color:{colour}">{escape(mark)}</b> {escape(about)}</div>'


def _note(text: str) -> str:
    return f'<div style="color:{_QUIET}">note: {escape(text)}</div>'


def _next(hint: str) -> str:
    return f"<div><b>next</b> {escape(hint)}</div>" if hint else ""


def _output(text: str, lines: int) -> str:
    if not text:
        return ""
    shown = f'<pre style="margin:0">{escape(text)}</pre>'
    if lines < FOLDED_FROM:
        return shown
    return f"<details><summary>{lines} lines of output</summary>{shown}</details>"
