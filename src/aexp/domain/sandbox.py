"""The rules of sandboxes: slugs, titles, the names of folders, and what making one returns."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.text import visible

MAX_SLUG = 60

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)", re.DOTALL)
MAX_TITLE = 200
_RULE = (
    f"A slug has 1 to {MAX_SLUG} characters: lower-case letters a-z and digits, with single '-' or "
    "'_' between them, and no date in front."
)
# Letters that Unicode does not take apart into a base letter and an accent.
_LATIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
# Control characters, line and paragraph separators, and unpaired surrogates.
_NOT_IN_A_LINE = frozenset({"Cc", "Zl", "Zp", "Cs"})


@dataclass(frozen=True)
class SandboxScaffoldResult:
    """What :func:`aexp.sandbox.scaffold` has made.

    Paths are POSIX, relative to the repository's root; absolute when the parent lies outside it.

    Attributes:
        slug: the slug as given.
        dir_name: ``<YYYY-MM-DD>_<slug>``.
        dir_path: the new folder.
        files_created: the new files, in the order in which they were made.
        root_initialized: whether this call made the sandbox root's README.md or .gitignore.
    """

    slug: str
    dir_name: str
    dir_path: str
    files_created: tuple[str, ...]
    root_initialized: bool


def slugify(title: str, *, max_len: int = MAX_SLUG) -> str:
    """The slug of a title: accents dropped, lower case, everything else turned into single ``-``.

    Args:
        title: any text with at least one Latin letter or digit.
        max_len: the longest slug wanted.

    Raises:
        SandboxError: nothing of the title is left.
        ValueError: ``max_len`` is less than 1.

    >>> slugify("Does Größe matter? (2nd try)")
    'does-grosse-matter-2nd-try'
    """
    if max_len < 1:
        raise ValueError(f"max_len is {max_len}, and a slug has at least one character.")
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_LATIN))
    plain = "".join(char for char in folded if not unicodedata.combining(char)).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:max_len].rstrip("-")
    if not slug:
        raise SandboxError(
            f"The title '{visible(title)}' holds no Latin letter and no digit to make a slug of.",
            "Give a title that has one, or choose a slug yourself.",
        )
    return slug


def suggestion(text: str) -> str | None:
    """A slug near to this text, or None when nothing of it can be kept."""
    dated = _DATED.fullmatch(text)
    try:
        return slugify(dated.group(2) if dated else text)
    except SandboxError:
        return None


def check_slug(slug: str) -> None:
    """Pass a good slug.

    Raises:
        SandboxScaffoldError: the slug breaks the rule; the hint says which slug would do.
    """
    if len(slug) <= MAX_SLUG and _SLUG.fullmatch(slug) and not _DATED.fullmatch(slug):
        return
    better = suggestion(slug)
    hint = f"Use '{better}'. {_RULE}" if better else _RULE
    raise SandboxScaffoldError(f"'{visible(slug)}' is not a slug.", hint)


def title_or_default(title: str | None, slug: str) -> str:
    """The title to print in headings; without one, the slug's words with capitals.

    Raises:
        SandboxScaffoldError: the title is blank, or does not fit into one line of text.
    """
    if title is None:
        return re.sub("[-_]", " ", slug).title()
    if len(title) > MAX_TITLE:
        raise SandboxScaffoldError(
            f"The title has {len(title)} characters.",
            f"Give one of at most {MAX_TITLE}; more belongs into the README.",
        )
    if any(unicodedata.category(char) in _NOT_IN_A_LINE for char in title):
        raise SandboxScaffoldError(
            f"The title '{visible(title)}' holds a line break or another control character.",
            "Give a title of one line of plain text; more belongs into the README.",
        )
    if not title.strip():
        raise SandboxScaffoldError(
            "The title is blank.", "Give one, or leave it out to have it made from the slug."
        )
    return title.strip()


def directory_name(slug: str, today: date) -> str:
    """The name of the folder of a sandbox begun on this day."""
    return f"{today.year:04}-{today.month:02}-{today.day:02}_{slug}"


def slug_in(directory: str) -> str | None:
    """The slug in a sandbox folder's name, or None when it is not the name of one."""
    dated = _DATED.fullmatch(directory)
    return dated.group(2) if dated and _SLUG.fullmatch(dated.group(2)) else None


def begun(directory: str) -> date | None:
    """The day in a sandbox folder's name, or None when it is not the name of one or no day."""
    if slug_in(directory) is None:
        return None
    try:
        return date.fromisoformat(directory[: len("2026-11-23")])
    except ValueError:
        return None


def shown_path(path: str, repo_root: str | None) -> str:
    """The path as results print it: relative to the repository where it lies inside, else whole."""
    place = PurePosixPath(path)
    if repo_root is None or not place.is_relative_to(repo_root):
        return str(place)
    return str(place.relative_to(repo_root))
