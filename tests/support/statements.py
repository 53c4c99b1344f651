"""The SQL statements that something sends, for tests of how many there are and which index they take."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from models import database


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.sent: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, tuple):
            self.sent.append((record.msg[0], record.msg[1]))


@contextlib.contextmanager
def sent() -> Iterator[list[tuple[str, Any]]]:
    """What peewee sends while this is open: statements with their parameters."""
    log, kept = logging.getLogger("peewee"), _Kept()
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(kept)
    try:
        yield kept.sent
    finally:
        log.removeHandler(kept)
        log.setLevel(before)


def plan_of(statement: str, params: Any) -> str:
    """How the database at hand goes about a statement."""
    word = "EXPLAIN QUERY PLAN" if database.is_sqlite() else "EXPLAIN"
    rows = database.db.execute_sql(f"{word} {statement}", params).fetchall()
    return "\n".join(str(row[-1]) for row in rows)
