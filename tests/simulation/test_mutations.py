"""A test of the test: each known shortcut in the protocol is noticed by some seed."""

import re
from itertools import chain

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import run

MOST_SEEDS = 400


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_shortcut_is_noticed(name: str) -> None:
    mutation = MUTATIONS[name]
    for seed in chain([mutation.seed], range(MOST_SEEDS)):
        with mutation.applied():
            report = run(seed, crowd=mutation.crowd)
        if any(re.search(mutation.noticed, broken) for broken in report.broken):
            return
    pytest.fail(f"no seed below {MOST_SEEDS} noticed: {name}")
