"""Runs last: nothing that the suite left behind holds a key, a password, a pepper or a session."""

import re
import subprocess
from pathlib import Path

import pytest

from models import secret
from tests.support import ledger
from tests.support.artifacts import ARTIFACTS, ROOT
from tests.support.postgres import PostgresServer

# The one named exception: what the demo's owner signs in with, readable by them alone.
EXCEPT = "--exclude=demo.json"
# Keys that tests send and that never worked.
MADE_UP = set(ledger.KEY.findall("\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))))


def needles() -> list[str]:
    """What must not be found. Of a key the middle suffices, since a page marks up its visible ends."""
    noted = [text[7:-2] if ledger.KEY.fullmatch(text) else text for text in ledger.noted()]
    return [text for text in noted if len(text) >= 10]


def found(wanted: list[str], *places: Path) -> list[str]:
    """The files below these places that hold any of the texts."""
    command = ["grep", "-r", "-s", "-a", "-l", "-D", "skip", EXCEPT, "-F", "-f", "-", *map(str, places)]
    return subprocess.run(command, input="\n".join(wanted), capture_output=True, text=True).stdout.splitlines()


@pytest.fixture
def places(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Logs, pages and browser storage; database files with their journals; PostgreSQL's data and its dump."""
    (ARTIFACTS / "postgresql.sql").write_bytes(postgres_server.dump())
    caches = [ROOT / ".hypothesis", ROOT / ".pytest_cache"]
    return [
        ARTIFACTS,
        tmp_path_factory.getbasetemp(),
        postgres_server.folder,
        *(path for path in caches if path.exists()),
    ]


@pytest.mark.parametrize("split", [False, True], ids=["in text", "marked up in a page"])
def test_the_sweep_finds_what_it_looks_for(places: list[Path], split: bool) -> None:
    planted = secret.generate()
    text = planted.reveal()
    control = ARTIFACTS / "control.bin"
    control.write_bytes(b"\x00\xff " + (f"gr_<mark>{planted.start}</mark>{planted.middle}" if split else text).encode())
    try:
        assert found(needles(), *places) == [str(control)]
    finally:
        control.unlink()


def test_the_suite_left_something_to_sweep(places: list[Path]) -> None:
    assert all(any(place.rglob("*")) for place in places[:3])
    assert {"password", "pepper"} <= set(ledger.noted().values())


def test_no_secret_was_left_anywhere(places: list[Path]) -> None:
    assert found(needles(), *places) == []


def test_nothing_that_looks_like_a_key_was_left_in_a_log(places: list[Path]) -> None:
    shaped = subprocess.run(
        ["grep", "-r", "-s", "-a", "-h", "-o", "-E", "gr_[0-9a-hjkmnp-tv-z]{20}", ARTIFACTS],
        capture_output=True,
        text=True,
    )
    assert {each for each in shaped.stdout.split() if re.search("[0-9]", each[3:])} - MADE_UP == set()
