"""What the end-to-end tests share: a site with real git and real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import Site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """See :class:`tests.site.Site`; its processes are ended with the test."""
    made = Site(tmp_path / "home")
    yield made
    made.close()
