"""Requests that could not be written down: how many in which hour, where all processes of the machine keep it.

The file is made whole with the first journal, so it has room however full the disk is later, and what is in it outlives
the process that lost the request. `models/usage_fold.py` reads it. It is read and written by hours and never emptied.
"""

import contextlib
import fcntl
import mmap
import os
import secrets
from pathlib import Path
from struct import Struct

from models.database import random_text
from models.usage import HOUR

NAME = "losses"
# The file has a name of its own inside, so that one that was deleted is not taken for the next one.
ID = 16
# An hour and its requests. Native, because each number is then stored in one piece.
SLOT = Struct("@qq")
# An hour has its slot to itself for 85 days.
SLOTS = 2048
SIZE = ID + SLOTS * SLOT.size


class Losses:
    """The file, as one process that may lose requests sees it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME
        self.descriptor: int | None = None
        self.memory: mmap.mmap | None = None

    def begin(self) -> None:
        """Have the file at hand if that can be. Its folder is there."""
        if self.memory is not None:
            return
        with contextlib.suppress(OSError, ValueError):
            if not _is_whole(self.file):
                self.file.unlink(missing_ok=True)
                _make(self.file)
            self.descriptor = os.open(self.file, os.O_RDWR)
            self.memory = mmap.mmap(self.descriptor, SIZE)

    def add(self, moment: int) -> None:
        """One more in the hour of this moment. Without the file only the metrics know."""
        if self.memory is None or self.descriptor is None:
            return
        hour = moment // HOUR
        place = ID + hour % SLOTS * SLOT.size
        with contextlib.suppress(OSError):
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            known, count = SLOT.unpack_from(self.memory, place)
            SLOT.pack_into(self.memory, place, hour, count + 1 if known == hour else 1)
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        if self.memory is not None:
            self.memory.close()
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.memory = self.descriptor = None


def found(folder: Path, last: int) -> dict[str, tuple[int, int]]:
    """Name → hour and requests, of each hour with a loss up to `last` and not so old that it was told of long ago."""
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return {}
    if len(data) != SIZE:
        return {}
    name, hours = data[:ID].hex(), SLOT.iter_unpack(data[ID:])
    return {f"{NAME}-{name}-{hour}": (hour, count) for hour, count in hours if count and hour > last - SLOTS}


def _is_whole(file: Path) -> bool:
    try:
        return file.stat().st_size == SIZE
    except FileNotFoundError:
        return False


def _make(file: Path) -> None:
    """All of it or nothing. Whoever comes second takes what is there."""
    # Swept like the journals that were never begun, if it is left behind.
    draft = file.with_name(f"{random_text(16)}.new")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, SIZE)
        os.pwrite(descriptor, secrets.token_bytes(ID), 0)
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        os.close(descriptor)
        draft.unlink()
