"""What `make test` runs side by side is all that there is, and nothing twice but the sweep."""

from collections import Counter
from pathlib import Path

from tests.halves import SWEEP, TESTS, halves


def files(half: list[Path]) -> list[Path]:
    return [file for path in half for file in (path.rglob("test_*.py") if path.is_dir() else [path])]


def test_every_file_of_tests_is_in_one_half_and_the_sweep_in_both() -> None:
    counted = Counter(file for half in halves() for file in files(half))
    assert counted == Counter(TESTS.rglob("test_*.py")) + Counter([TESTS / SWEEP])
