"""The table of promises that is printed after the contract suites, also where pytest-xdist runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest
from aexp.testing.contract import Contract

class Promises(Contract):
    suite = "thing"

    @pytest.fixture
    def storages(self):
        raise NotImplementedError

    def test_it_is_kept(self, storages):
        assert storages != "leaky"

    def test_it_says_what_a_very_long_name_of_a_promise_has_to_say_which_does_not_fit_beside(
        self, storages
    ):
        if storages == "half":
            pytest.skip("half is not built for it")

class TestParametrised(Promises):
    @pytest.fixture(params=["sound", "leaky", "half"])
    def storages(self, request):
        return request.param

class TestServer(Promises):
    transport = "server"

    @pytest.fixture(params=["tls"])
    def storages(self, request):
        pytest.skip("there is no server here")

def test_nothing_of_a_contract():
    pass
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_the_matrix_tells_what_each_transport_keeps_and_why_one_was_skipped(
    tmp_path: Path, workers: list[str]
) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["aexp.testing.matrix"]\n')
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "."],
        cwd=tmp_path,
        # Without a place of its own xdist would tidy up what earlier runs have left, for minutes.
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "COLUMNS": "60",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    start = next(n for n, line in enumerate(lines) if "promises of the thing" in line)
    assert lines[start + 1 : start + 9] == [
        "  1 half        1 kept, 1 skipped: half is not built for it",
        "  2 leaky       1 broken, 1 kept",
        "  3 server tls  2 skipped: there is no server here",
        "  4 sound       2 kept",
        f"{'':47}{1:>3}{2:>3}{3:>3}{4:>3}",
        f"{'it is kept':47} ok NO -- ok",
        f"{'it says what a very long name of a promise has':47} -- ok -- ok",
        "  to say which does not fit beside",
    ]
    assert max(map(len, lines[start : start + 9])) <= 60


def test_a_run_without_a_suite_prints_no_matrix(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["aexp.testing.matrix"]\n')
    (tmp_path / "test_other.py").write_text("def test_it():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "promises" not in done.stdout
