"""Rows of SQLite kept in memory for exactly as long as nobody has committed anything.

See docs/decisions/0003-rows-while-nothing-changed.md for why this cannot be stale.
"""

import contextlib
import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

from models.database import db

# Both copies of the WAL-index header, which every commit rewrites: https://sqlite.org/walformat.html, section 2.1.
HEADER = 96
MOST = 10_000

Row = tuple[Any, ...]


class FreshRows:
    """The rows that one connection read since the last commit of any connection of any process."""

    def __init__(self, connection: Any, shared: mmap.mmap) -> None:
        self.connection = connection
        self.shared = shared
        self.header = b""
        self.rows: dict[bytes, Row] = {}

    def find(self, key: bytes, read: Callable[[], Row | None]) -> Row | None:
        """The row kept under this key, or what `read` finds."""
        # Before the row: a commit in between leaves a row newer than its header, never an older one.
        header = self.shared[:]
        if header != self.header or len(self.rows) >= MOST:
            self.header = header
            self.rows.clear()
        row = self.rows.get(key)
        if row is None:
            row = read()
            # What is not there is not kept: guesses must not fill the memory.
            if row is not None:
                self.rows[key] = row
        return row


_thread = threading.local()


def find(key: bytes, read: Callable[[], Row | None]) -> Row | None:
    """The row that `read` would find now. `key` must stand for all that `read` depends on."""
    # Past the proxy, each use of which costs a look-up.
    database = db.obj
    if not isinstance(database, SqliteDatabase) or database.in_transaction():
        return read()
    connection = database.connection()
    kept: FreshRows | None = getattr(_thread, "kept", None)
    if kept is None or kept.connection is not connection:
        _thread.kept = kept = _opened(connection)
    return kept.find(key, read) if kept else read()


def _opened(connection: Any) -> FreshRows | None:
    # No such file without WAL: an in-memory database, or a file system that cannot share memory.
    with contextlib.suppress(OSError, ValueError):
        # Made by the connection's first read, and kept by SQLite as long as any connection is open.
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        return FreshRows(connection, _mapped(Path(f"{db.obj.database}-shm")))
    return None


_maps: dict[tuple[int, int], tuple[int, mmap.mmap]] = {}
_mapping = threading.Lock()


def _mapped(file: Path) -> mmap.mmap:
    """The header in memory. Each file is opened once in a process, and never closed while it exists.

    Whoever closes any descriptor of a file loses all POSIX locks that the process holds on it, those of
    SQLite too, and other processes would take the memory away: https://sqlite.org/howtocorrupt.html, section 2.2.
    """
    with _mapping:
        for place, (descriptor, _) in list(_maps.items()):
            if not os.fstat(descriptor).st_nlink:
                os.close(_maps.pop(place)[0])
        found = file.stat()
        place = (found.st_dev, found.st_ino)
        if place not in _maps:
            if found.st_size < HEADER:
                raise ValueError("a WAL index that is not begun")
            descriptor = os.open(file, os.O_RDONLY)
            _maps[place] = descriptor, mmap.mmap(descriptor, HEADER, access=mmap.ACCESS_READ)
        return _maps[place][1]
