"""Every way in that is known, tried against a real daemon with real git: nothing comes of it.

The same vectors are tried against the original command lines, where those that are known to work must work:
a canary that cannot sing proves nothing.
"""

from collections.abc import Iterator

import pytest

from tests.vectors.__main__ import table
from tests.vectors.matrix import VECTORS
from tests.vectors.original import git_version
from tests.vectors.trial import Grounds, try_ordinary, try_original, try_relay

DESIGN = (
    "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A14 A16 A17 A18 A19 A21 A22 A23 "
    "S01 S02 S03 S04 S05 S06 S09 S10 S11 S12 S13 S14 "
    "F01 F02 F04 F05 F06 F07 F09 F10 F11 F12 F13 F14 F15 F17 F18 F19 F20 F21 "
    "P01 P02 P03 P04 P06 P07 P08 P08b P09 P10 P11 P12 P13 P16 P17 "
    "R01-pre-rebase R01-post-checkout R01-post-rewrite R01-reference-transaction "
    "R01-prepare-commit-msg R01-post-commit R02 R04 R05 R07 R08 R09 R10 R11 "
    "U01 U02 U03 U04 U06 U07 U09 U10 U11 L01 L02 L03 L04 L06 D01 D02 D04 D05 "
    "H01 H03 H04 H05 H06 H07 H08 H09 H11 H12 H13 H14 H15"
)
LANDING = [name for name, vector in VECTORS.items() if vector.lands_with(git_version())]


@pytest.fixture(scope="session")
def relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Grounds with a daemon."""
    made = Grounds(tmp_path_factory.mktemp("relay"), serve=True)
    yield made
    made.close()


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Grounds without a daemon."""
    made = Grounds(tmp_path_factory.mktemp("plain"), serve=False)
    yield made
    made.close()


@pytest.mark.parametrize("name", VECTORS)
def test_nothing_comes_of_it(name: str, relays: Grounds) -> None:
    vector = VECTORS[name]
    ground = relays.of(vector)
    try:
        trial = try_relay(ground, vector)
        assert not trial.fired, trial.told
        if trial.outcomes:
            assert trial.outcomes[-1].kind == vector.ours, trial.told
        ordinary = try_ordinary(ground)
        assert ordinary.ok, ordinary
    finally:
        relays.close_own()


@pytest.mark.parametrize("name", LANDING)
def test_the_original_command_line_gives_way_to_it(name: str, plain: Grounds) -> None:
    vector = VECTORS[name]
    try:
        trial = try_original(plain.of(vector), vector)
        assert trial.fired, trial.told
    finally:
        plain.close_own()


def test_every_vector_of_the_design_is_tried_and_in_the_table() -> None:
    assert set(DESIGN.split()) <= set(VECTORS)
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table().splitlines()]
    assert set(VECTORS) <= set(rows)
