"""SQLite's locks on the memory that processes share: whoever loses them has it pulled from under their feet."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from models import ApiKey, verification
from models.database import db
from tests.support.cast import Person

# The byte by which a process says that it uses the file: https://sqlite.org/src/file/src/os_unix.c, UNIX_SHM_DMS.
TRY_TO_BE_ALONE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except OSError:
        sys.exit("in use")
"""


def is_in_use() -> bool:
    return subprocess.run([sys.executable, "-c", TRY_TO_BE_ALONE, f"{db.obj.database}-shm"]).returncode == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_that_verified_a_key_still_holds_its_locks(
    ada: Person, make_key: Callable[..., tuple[ApiKey, str]]
) -> None:
    _, text = make_key(ada)
    assert is_in_use()
    for _ in range(3):
        verification.verify(text)
        assert is_in_use()
        # A new connection of the same thread.
        db.close()
        db.connect()
        db.execute_sql("SELECT count(*) FROM api_key").fetchall()
