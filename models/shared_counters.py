"""Counters that all workers of a machine share: a table in a file that each of them maps into its memory.

A count is looked up, compared and raised under one POSIX lock, so no two workers can both take the last place.
The kernel frees the lock of a worker that dies and keeps the pages of a file that nobody has open.
See docs/decisions/0010-rate-limits.md.
"""

import contextlib
import fcntl
import hashlib
import logging
import mmap
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import NamedTuple

# Who is counted (a hash), the microsecond at which the count ends, the count.
SLOT = Struct("<16sqq")
# A name has its place in one bucket, in any of its slots. 131,072 slots take 4 MB.
WAYS, BUCKETS = 8, 16_384
BUCKET = SLOT.size * WAYS
SIZE = BUCKET * BUCKETS

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where the count of a name is kept: the first byte of its bucket, and its tag in there."""

    bucket: int
    tag: bytes


class Count(NamedTuple):
    """A count and the microsecond at which it starts anew."""

    used: int
    ends: int


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
        if self.descriptor is not None:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1)

    def unlock(self) -> None:
        if self.descriptor is not None:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1)

    def read(self, at: Place, moment: int) -> Count | None:
        """The count at a place; None where there is none, or it has ended."""
        offset = self.memory.find(at.tag, at.bucket, at.bucket + BUCKET)
        if offset < 0:
            return None
        _, ends, used = SLOT.unpack_from(self.memory, offset)
        return Count(used, ends) if moment < ends else None

    def write(self, at: Place, count: Count) -> None:
        """Set the count at a place. In a full bucket it takes the place of whichever ends first."""
        offset = self.memory.find(at.tag, at.bucket, at.bucket + BUCKET)
        if offset < 0:
            offset = min(range(at.bucket, at.bucket + BUCKET, SLOT.size), key=self._end_of)
        SLOT.pack_into(self.memory, offset, at.tag, count.ends, count.used)

    def close(self) -> None:
        """Let go of the file. Its locks go with it, so nobody may be counting."""
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.memory.close()

    def _end_of(self, offset: int) -> int:
        ends: int = SLOT.unpack_from(self.memory, offset)[1]
        return ends


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
