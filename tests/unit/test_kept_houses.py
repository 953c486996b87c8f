"""Private git directories that serve again, and readings of a moment ago."""

from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.workshop.git_house import GitHouse
from aexp.adapters.workshop.git_kept_houses import KEPT_FOR_S, MOST_KEPT, KeptHouses
from aexp.adapters.workshop.git_layout import GitLayout
from aexp.adapters.workshop.git_readings import FRESH_S, Readings
from aexp.adapters.workshop.git_readings import MOST_KEPT as MOST_READ
from aexp.adapters.workshop.git_study import GitStudy
from aexp.domain.git_setting import Setting


class Street:
    """Builds houses that are only folders, and counts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.built = 0
        self.kept = KeptHouses(lambda: self.now)

    def study(self, root: str = "/home/u/repo") -> GitStudy:
        git_dir = Path(root) / ".git"
        layout = GitLayout(Path(root), git_dir, git_dir)
        head = b"ref: refs/heads/main\n"
        return GitStudy(layout, head, "main", (), (), (), "", None, b"", b"", False, ())

    def take(self, study: GitStudy) -> GitHouse:
        return self.kept.take(study, (), lambda: self._build(study))

    def _build(self, study: GitStudy) -> GitHouse:
        self.built += 1
        path = self.folder / str(self.built)
        path.mkdir()
        return GitHouse(path, study.layout, None)

    @property
    def standing(self) -> int:
        return len([*self.folder.iterdir()])


@pytest.fixture
def street(tmp_path: Path) -> Street:
    return Street(tmp_path)


def test_the_same_reading_gets_the_same_house_again(street: Street) -> None:
    first = street.take(street.study())
    first.close()
    second = street.take(street.study())
    assert second.path == first.path
    assert (street.built, street.standing) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"head": b"ref: refs/heads/other\n", "branch": "other"},
        {"kept": (Setting("core.autocrlf", "true"),)},
        {"exclude": b"*.log\n"},
        {"attributes": b"*.txt text\n"},
        {"sparse": b"/src/\n"},
    ],
)
def test_whatever_was_read_differently_gets_a_new_one(
    street: Street, change: dict[str, object]
) -> None:
    street.take(street.study()).close()
    changed = street.take(replace(street.study(), **change))  # type: ignore[arg-type]
    assert street.built == 2
    assert changed.path.is_dir()
    assert street.standing == 1, "the old one is removed"


def test_a_house_that_somebody_is_in_is_nobody_elses(street: Street) -> None:
    first, second = street.take(street.study()), street.take(street.study())
    assert first.path != second.path
    first.close()
    second.close()
    assert street.standing == 1
    assert street.take(street.study()).path == second.path


def test_few_are_kept_and_none_for_long(street: Street) -> None:
    for number in range(MOST_KEPT + 5):
        street.take(street.study(f"/home/u/repo{number}")).close()
    assert street.standing == MOST_KEPT
    street.now += KEPT_FOR_S
    street.take(street.study(f"/home/u/repo{MOST_KEPT}")).close()
    assert street.built == MOST_KEPT + 6
    assert street.standing == MOST_KEPT


def test_one_that_was_cleaned_away_is_built_again(street: Street) -> None:
    first = street.take(street.study())
    first.close()
    first.path.rmdir()
    assert street.take(street.study()).path.is_dir()


def test_a_reading_serves_its_own_request_once_and_only_for_a_moment(street: Street) -> None:
    now = [5.0]
    readings = Readings(lambda: now[0])
    reading = (street.study().layout, street.study())
    for request_id in ("a", "b"):
        readings.keep(request_id, reading)
    assert readings.pop("c") is None
    assert readings.pop("a") == reading
    assert readings.pop("a") is None
    now[0] += FRESH_S + 0.001
    assert readings.pop("b") is None
    for number in range(2 * MOST_READ):
        readings.keep(str(number), reading)
    assert readings.pop("0") is None
    assert readings.pop(str(2 * MOST_READ - 1)) == reading
