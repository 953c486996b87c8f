"""The English words by which a statement shows its direction, its reason, and the effect it claims."""

import re

# The names of methods (dropout, boosting, cutout) and helpers say no direction.
_UP = (
    *("increas", "rais", r"ris(?:e|es|ing)\b", "improv", r"boost(?!ing)", "grow", "gain"),
    *(r"help(?!er)", "speed", "lift", r"go(?:es)? up\b"),
    *(
        "outperform",
        "enhanc",
        "accelerat",
        "lengthen",
        "widen",
        "strengthen",
        "doubl",
        "stabili[sz]",
    ),
    *(
        "higher",
        r"more\b",
        "better",
        "faster",
        "larger",
        "greater",
        "stronger",
        "longer",
        "earlier",
    ),
    "wider",
)
_DOWN = (
    *("decreas", "reduc", "lower", "worsen", "degrad", "harm", "hurt", "shrink"),
    *(r"drop(?!out)", r"fall(?!back)", r"cut(?!off|out|mix|lass)"),
    *(r"los(?:e|es|ing)\b", "slow", "delay", "prevent", "suppress", "diminish", "shorten"),
    *(
        "narrow",
        "weaken",
        "halv",
        "destabili[sz]",
        r"less\b",
        "fewer",
        "worse",
        "smaller",
        "shorter",
    ),
    *(r"later\b", r"go(?:es)? down\b"),
)


def _any(words: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(words)})"


_OR = r"\w*\s*(?:/|or|and/or)\s*"
_DIRECTION = re.compile(rf"\b{_any((*_UP, *_DOWN))}", re.IGNORECASE)
_BOTH = re.compile(
    rf"\b(?:{_any(_UP)}{_OR}{_any(_DOWN)}|{_any(_DOWN)}{_OR}{_any(_UP)})\w*", re.IGNORECASE
)
_REASON = re.compile(r"\b(?:because|since|as|by|through|due to|via|so that)\b", re.IGNORECASE)

_NUMBER = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)"
# Greek sigma for standard deviations, and the sign of multiplication.
_UNIT = (
    "(?:%|per ?cent|percentage points?|pp|points?|\u03c3|sigmas?|standard (?:deviation|error)s?"
    "|x|\u00d7|-?fold|times)"
)
_BEFORE = r"(?:at least|at most|(?:no )?(?:more|less|fewer) than|above|below|beyond|exceed\w*|by)"
_NEARLY = r"(?:(?:about|around|roughly|some|only|~)\s*)?"
_AFTER = _any(
    (
        *("higher", "lower", "better", "worse", "faster", "slower", "gain", "drop", "improvement"),
        *("increase", "decrease", "reduction", "speed-?up"),
    )
)
_SPELT = "(?:two|three|four|five|six|ten|a (?:half|third|quarter|tenth))"
_VERB = (
    "(?:increases|raises|improves|boosts|decreases|reduces|lowers|cuts|speeds up)"
    r"(?:\s+(?!(?:on|with|at|for|in|of|from|using|after|over|under|when)\b)[^\W\d][\w-]*){1,4}?\s+"
)
_THRESHOLD = re.compile(
    rf"\b(?:two|three|four|five|ten)-?fold|\bby a factor of {_NUMBER}"
    rf"|\bby\s+{_NEARLY}{_SPELT}\b(?:\s*{_UNIT})?"
    rf"|\b{_VERB}{_NEARLY}{_NUMBER}\s*{_UNIT}"
    rf"|[<>≤≥]=?\s*{_NUMBER}|(?<!\w)\+{_NUMBER}\s*{_UNIT}"
    rf"|\b{_BEFORE}\s+{_NEARLY}{_NUMBER}(?:\s*{_UNIT})?"
    rf"|{_NUMBER}\s*{_UNIT}\s+(?:\w+\s+)?{_AFTER}"
    rf"|\bp(?:-value)?\s*(?:=|of|under)\s*{_NUMBER}"
    rf"|\bthreshold (?:of|is|at)\s*{_NUMBER}",
    re.IGNORECASE,
)
# From where to where X is changed is no threshold: "from 1 % to 5 % of the steps".
_RANGE = re.compile(r"\bfrom\b[^.,;]{1,40}?\bto\b\s+\S+", re.IGNORECASE)


def has_direction(statement: str) -> bool:
    """Whether some word says which way an effect goes."""
    return _DIRECTION.search(statement) is not None


def both_directions(statement: str) -> str | None:
    """Words that leave the direction open, such as "increases / decreases"; None without any."""
    found = _BOTH.search(statement)
    return found[0] if found else None


def has_reason(statement: str) -> bool:
    """Whether some word leads to a mechanism."""
    return _REASON.search(statement) is not None


def threshold_in(claims: str) -> str | None:
    """The first words that say how large an effect has to be, or None."""
    found = _THRESHOLD.search(_RANGE.sub(" ", claims))
    return found[0].strip() if found else None
