"""Counters that all workers of a machine share: a table in a file that each of them maps into its memory.

A count is looked up, compared and raised under one lock of the file, so no two workers can both take the last place.
The kernel frees the lock of a worker that dies and keeps the pages of a file that nobody has open.
See docs/decisions/0010-rate-limits.md.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import logging
import mmap
import os
import threading
import weakref
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import NamedTuple

# A slot: who is counted (a hash), the count, the microsecond at which it ends.
TAG = 16
COUNT = Struct("<qq")
SLOT = TAG + COUNT.size
# A name has its place in one bucket, in any of its slots. 131,072 slots take 4 MB.
WAYS, BUCKETS = 8, 16_384
BUCKET = SLOT * WAYS
SIZE = BUCKET * BUCKETS

# `fcntl.flock` gives up the interpreter around each call, and gets it back only after the server's own threads had
# their turn. The lock is held for a few microseconds, so it is quicker to keep the interpreter: PyDLL does.
_flock = ctypes.PyDLL(None).flock

log = logging.getLogger(__name__)
_tables: "weakref.WeakSet[SharedCounters]" = weakref.WeakSet()


class Place(NamedTuple):
    """Where the count of a name is kept: the first byte of its bucket, and its tag in there."""

    bucket: int
    tag: bytes


@lru_cache(maxsize=16_384)
def place(name: str) -> Place:
    tag = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return Place(int.from_bytes(tag[:4], "little") % BUCKETS * BUCKET, tag)


class SharedCounters:
    """The table in one file. All calls but `locked` are made while `locked` is held."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.descriptor, self.memory = _opened(file)
        self.threads = threading.Lock()
        _tables.add(self)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Have the table for oneself, among the threads of this process and among processes."""
        with self.threads:
            self.lock()
            try:
                yield
            finally:
                self.unlock()

    def lock(self) -> None:
        if self.descriptor is not None and _flock(self.descriptor, fcntl.LOCK_EX):
            # A signal came in between, or something is wrong, which this tells apart.
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def unlock(self) -> None:
        if self.descriptor is not None:
            _flock(self.descriptor, fcntl.LOCK_UN)

    def reopen(self) -> None:
        """After a fork: a lock belongs to an opened file, and parent and child share theirs."""
        self.threads = threading.Lock()
        if self.descriptor is not None:
            self.descriptor = os.open(self.file, os.O_RDWR)

    def read(self, at: Place) -> tuple[int, int]:
        """The count at a place and the microsecond at which it ends; zeroes where there is none."""
        bucket, tag = at
        offset = self.memory.find(tag, bucket, bucket + BUCKET)
        if offset < 0:
            return 0, 0
        used, ends = COUNT.unpack_from(self.memory, offset + TAG)
        return used, ends

    def write(self, at: Place, used: int, ends: int) -> None:
        """Set the count at a place. In a full bucket it takes the place of whichever ends first."""
        bucket, tag = at
        offset = self.memory.find(tag, bucket, bucket + BUCKET)
        if offset < 0:
            offset = min(range(bucket, bucket + BUCKET, SLOT), key=self._end_of)
            self.memory[offset : offset + TAG] = tag
        COUNT.pack_into(self.memory, offset + TAG, used, ends)

    def close(self) -> None:
        """Let go of the file. Nobody may be counting."""
        _tables.discard(self)
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.memory.close()

    def _end_of(self, offset: int) -> int:
        ends: int = COUNT.unpack_from(self.memory, offset + TAG)[1]
        return ends


def _after_fork() -> None:
    for table in list(_tables):
        table.reopen()


os.register_at_fork(after_in_child=_after_fork)


def _opened(file: Path) -> tuple[int | None, mmap.mmap]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        # Real blocks: to write to a hole of a mapped file on a full disk would end the process.
        os.posix_fallocate(descriptor, 0, SIZE)
        return descriptor, mmap.mmap(descriptor, SIZE)
    except OSError as problem:
        # Limits are then each worker's own, which is better than no service.
        log.error("limits cannot be shared among workers", extra={"file": str(file), "reason": str(problem)})
        return None, mmap.mmap(-1, SIZE)
