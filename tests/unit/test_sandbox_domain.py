"""Slugs, titles, names and texts of sandboxes."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aexp.domain.errors import SandboxError, SandboxScaffoldError
from aexp.domain.sandbox import (
    begun,
    check_slug,
    directory_name,
    shown_path,
    slug_in,
    slugify,
    suggestion,
    title_or_default,
)
from aexp.domain.sandbox_root_texts import ROOT_GITIGNORE, ROOT_README
from aexp.domain.sandbox_templates import filled, slot_values


def made(
    name: str, title: str, root: str | None = "/repo", *, inside: bool = True
) -> dict[str, str]:
    return filled({}, slot_values(name, title, root, inside=inside))


README = made("2026-11-23_lr-warmup", "Does *warm-up* help?")["README.md"]


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("LR warm-up", "lr-warm-up"),
        ("  Déjà vu: Größe & Ångström!  ", "deja-vu-grosse-angstrom"),
        ("Łódź, smørrebrød, œuvre", "lodz-smorrebrod-oeuvre"),
        ("\u0130stanbul \u0131s\u0131", "istanbul-isi"),
        ("my_probe__2", "my-probe-2"),
        ("x² ﬁt", "x2-fit"),
        ("../../etc/passwd\n", "etc-passwd"),
        ("实验 7", "7"),
    ],
)
def test_a_title_becomes_a_slug(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_long_title_is_cut_without_a_separator_at_the_end() -> None:
    assert slugify("abc def", max_len=4) == "abc"
    assert slugify("abc def", max_len=5) == "abc-d"
    assert slugify("a" * 100) == "a" * 60


@pytest.mark.parametrize("title", ["", "   ", "???", "实验"])
def test_a_title_without_letters_or_digits_is_an_error_that_says_so(title: str) -> None:
    with pytest.raises(SandboxError, match="no Latin letter and no digit"):
        slugify(title)


def test_a_slug_needs_room() -> None:
    with pytest.raises(ValueError, match="max_len is 0"):
        slugify("probe", max_len=0)


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_whatever_slugify_returns_is_a_slug(title: str, max_len: int) -> None:
    try:
        slug = slugify(title, max_len=max_len)
    except SandboxError:
        return
    assert len(slug) <= max_len
    check_slug(slug)
    assert slugify(slug) == slug


@given(st.text())
def test_whatever_is_suggested_is_a_slug(text: str) -> None:
    better = suggestion(text)
    if better is not None:
        check_slug(better)


@pytest.mark.parametrize("slug", ["a", "7", "lr-warmup", "lr_warmup-2", "a" * 60])
def test_a_good_slug_passes(slug: str) -> None:
    check_slug(slug)


@pytest.mark.parametrize(
    ("slug", "better"),
    [
        ("LR Warmup", "lr-warmup"),
        ("probe\n", "probe"),
        ("../probe", "probe"),
        ("-probe-", "probe"),
        ("a--b", "a-b"),
        ("a-_b", "a-b"),
        ("größe", "grosse"),
        ("a" * 61, "a" * 60),
        ("2026-11-23_probe", "probe"),
    ],
)
def test_a_bad_slug_is_an_error_that_suggests_a_good_one(slug: str, better: str) -> None:
    with pytest.raises(SandboxScaffoldError) as caught:
        check_slug(slug)

    assert f"Use '{better}'." in caught.value.hint
    assert caught.value.what.isprintable()


@pytest.mark.parametrize("slug", ["", "___", "实验"])
def test_a_bad_slug_without_a_near_one_names_the_rule(slug: str) -> None:
    with pytest.raises(SandboxScaffoldError, match="A slug has 1 to 60 characters"):
        check_slug(slug)


def test_without_a_title_the_slug_gives_one() -> None:
    assert title_or_default(None, "lr-warmup_two") == "Lr Warmup Two"


def test_a_title_stays_as_typed() -> None:
    assert title_or_default(" `x` *raises* {y} 🧪 ", "slug") == "`x` *raises* {y} 🧪"


@pytest.mark.parametrize("title", ["a\nb", "a\rb", "a\x1b[2Jb", "a\u2028b", "a\x85b", "a\ud800b"])
def test_a_title_of_more_than_one_plain_line_is_an_error(title: str) -> None:
    with pytest.raises(SandboxScaffoldError, match="one line of plain text") as caught:
        title_or_default(title, "slug")
    assert caught.value.what.isprintable()


def test_a_title_is_bounded() -> None:
    assert title_or_default("x" * 200, "slug") == "x" * 200
    with pytest.raises(SandboxScaffoldError, match="The title has 201 characters"):
        title_or_default("x" * 201, "slug")


@pytest.mark.parametrize("title", ["", "  "])
def test_a_blank_title_is_an_error(title: str) -> None:
    with pytest.raises(SandboxScaffoldError, match="leave it out"):
        title_or_default(title, "slug")


def test_the_folder_is_called_by_day_and_slug() -> None:
    assert directory_name("probe", date(2026, 1, 2)) == "2026-01-02_probe"
    assert directory_name("probe", datetime(2026, 1, 2, 3, 4)) == "2026-01-02_probe"


def test_the_slug_is_read_back_from_the_name_of_a_folder() -> None:
    assert slug_in("2026-01-02_lr_warmup") == "lr_warmup"
    assert [slug_in(name) for name in ("probe", "2026-01-02", "2026-01-02_A", "_sandbox")] == (
        [None] * 4
    )


def test_the_day_is_read_back_from_the_name_of_a_folder() -> None:
    assert begun("2026-01-02_probe") == date(2026, 1, 2)
    assert [begun(name) for name in ("probe", "2026-13-02_probe", "2026-01-02_A")] == [None] * 3


def test_paths_are_shown_from_the_repository_or_whole() -> None:
    assert shown_path("/repo/notebooks/x", "/repo") == "notebooks/x"
    assert shown_path("/repository/x", "/repo") == "/repository/x"
    assert shown_path("/anywhere/x", None) == "/anywhere/x"


def test_the_readme_begins_with_name_title_and_mode() -> None:
    assert README.startswith("# 2026-11-23_lr-warmup — Does *warm-up* help?\n\nMode: exploratory\n")
    assert "Started: 2026-11-23\n" in README


def test_the_readme_asks_for_every_part_in_order() -> None:
    assert re.findall("^## (.*)$", README, re.MULTILINE) == [
        "Directional statement",
        "Mechanism",
        "Why it might generalise",
        "Shortcut risks",
        "Test plan",
        "Stages",
        "Open questions",
        "Cross-references",
    ]


def test_the_directional_statement_has_a_direction_and_no_threshold() -> None:
    statement = README.split("## Directional statement")[1].split("##")[0]

    assert "increases / decreases" in statement
    assert "because" in statement
    assert "There is no threshold here" in statement
    assert re.findall(r"\d+(?:\.\d+)?\s*%|[<>≤≥]\s*\d|p\s*=", README) == []


def test_there_are_at_least_three_shortcut_risks_to_fill_in() -> None:
    risks = README.split("## Shortcut risks")[1].split("##")[0]

    assert len(re.findall(r"^\d\. \*\*", risks, re.MULTILINE)) >= 3
    assert risks.count("I would notice by: [...]") >= 3


def test_a_title_with_braces_is_only_text() -> None:
    assert "— {name} {0}\n" in made("2026-11-23_probe", "{name} {0}")["README.md"]


def test_the_helpers_are_valid_python_whatever_the_repository_is_called() -> None:
    text = made("2026-11-23_probe", "P", "/odd '\"\\ \n{place}", inside=False)["helpers.py"]

    names: dict[str, object] = {"__file__": "/nowhere/2026-11-23_probe/helpers.py"}
    exec(compile(text, "helpers.py", "exec"), names)  # noqa: S102

    assert str(names["REPO_ROOT"]) == "/odd '\"\\ \n{place}"
    assert str(names["SANDBOX_DIR"]) == "/nowhere/2026-11-23_probe"


@pytest.mark.parametrize(
    "kind", ["npy", "parquet", "h5", "feather", "outputs/large", "checkpoints"]
)
def test_what_is_large_is_ignored_and_said_to_be(kind: str) -> None:
    assert kind in ROOT_GITIGNORE
    assert "aexp sandbox new" in ROOT_README


def test_both_readmes_tell_the_way_into_the_tracked_chain() -> None:
    for text in (README, ROOT_README):
        for word in ("thread", "H###", "E###", "F###", "aexp sandbox promote", '"Promoted"'):
            assert word in text
