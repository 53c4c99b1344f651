"""The journal of uses: one line a request, written before the answer goes out, so that nothing seen goes uncounted.

Each worker writes into a file of its own that it has mapped into its memory. What was written there is in the
kernel's hands: it stays when the worker is killed, and costs no system call. `models/usage_fold.py` reads it.
See docs/decisions/0011-usage-journal.md.
"""

import contextlib
import fcntl
import logging
import mmap
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

from models import metrics
from models.database import random_text
from models.usage_losses import Losses

# One file of a worker. It is made whole at once, so a disk that fills up is noticed here and not while writing.
SIZE = 4 * 1024 * 1024
# All files of a machine: what nobody folds for long must not fill the disk.
MOST = 1024 * 1024 * 1024
ENDING, UNREADY = ".journal", ".new"
# After a failure the disk is asked again this much later, and the log told this often.
PAUSE, TELL_EVERY = 1.0, 60.0
# While requests come, so often in microseconds it is asked whether the file is still there.
LOOK_EVERY = 1_000_000
LONGEST_CLIENT, LONGEST_ADDRESS = 200, 64
# The end of the year 9999.
LAST_MOMENT = 253_402_300_800_000_000

# How a request ended for the key: let through; refused though its secret is good; refused because its key is disabled
# or has not started; refused because its secret is dead: rotated out, revoked or expired.
ACCEPTED, REFUSED, ASLEEP, DEAD = "a", "r", "s", "d"

log = logging.getLogger(__name__)


class Use(NamedTuple):
    """One request that was tied to a key. `moment` is in microseconds since 1970."""

    moment: int
    key_id: str
    secret_id: str
    # What the route asks for; empty where any key will do.
    scope: str
    verdict: str
    status: int
    # Method and route template.
    request: str
    address: str
    client: str


class Journal:
    """The file that this process writes to, and the next one when it is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.threads = threading.Lock()
        self.file: Path | None = None
        self.descriptor: int | None = None
        self.memory: mmap.mmap | None = None
        self.end = 0
        self.looked_at = 0
        self.again_at = 0.0
        self.told_at = 0.0
        self.losses = Losses(folder)
        # Of this process, ever.
        self.lost = 0

    def append(self, line: bytes, moment: int) -> None:
        """Write one line, or count it as lost. It never raises."""
        self.threads.acquire()
        try:
            end = self.end + len(line)
            if self.memory is None or end > SIZE:
                if not self._open():
                    self._lose(moment)
                    return
                end = self.end + len(line)
            # What is not written is NUL. Whoever reads stops at the first one, so half a line is never taken.
            self.memory[self.end : end] = line  # type: ignore[index] # mapped, or `_open` had failed
            self.end = end
            if not self.looked_at <= moment < self.looked_at + LOOK_EVERY:
                self._look(moment)
        finally:
            self.threads.release()

    def close(self) -> None:
        """Let go of the file: its end is then final."""
        if self.memory is not None:
            self.memory.close()
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.memory = self.descriptor = None

    def forget(self) -> None:
        """In a forked child: the files stay the parent's, and so do its locks."""
        self.threads = threading.Lock()
        self.close()
        self.losses.close()
        self.again_at = 0.0

    def _open(self) -> bool:
        """Begin a file; whether that worked. After a failure the disk has a pause."""
        if time.monotonic() < self.again_at:
            return False
        try:
            self.close()
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.losses.begin()
            self.file = self.folder / f"{random_text(16)}{ENDING}"
            self.descriptor, self.memory = _made(self.file)
        except OSError as problem:
            self.again_at = time.monotonic() + PAUSE
            self._tell(problem)
            return False
        self.end = 0
        return True

    def _look(self, moment: int) -> None:
        """Make the file anew if somebody took it away: what it held is still in memory, and may not be counted yet.

        How far it was read is known by its name, so it gets the same. Where that fails it is tried at the next look.
        """
        self.looked_at = moment
        with contextlib.suppress(OSError):
            if self.memory is None or self.descriptor is None or self.file is None:
                return
            if _is_at(self.descriptor, self.file):
                return
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = _made(self.file, self.memory[: self.end])
            self.close()
            self.descriptor, self.memory = made
            # Most likely it went with the folder.
            self.losses.close()
            self.losses.begin()
            log.error("a journal was taken away, and was written again", extra={"file": self.file.name})

    def _lose(self, moment: int) -> None:
        self.lost += 1
        metrics.USAGE_LOST.inc()
        self.losses.add(moment)

    def _tell(self, problem: OSError) -> None:
        if time.monotonic() >= self.told_at:
            self.told_at = time.monotonic() + TELL_EVERY
            log.error(
                "requests are not being counted",
                extra={"reason": problem.strerror or str(problem), "lost": self.lost},
            )


_journal: Journal | None = None


def use(data_dir: Path) -> None:
    """Write the journals of this process into this data folder."""
    global _journal
    if _journal is not None:
        _journal.close()
    _journal = Journal(data_dir / "usage")


def journal() -> Journal:
    """The journal of this process."""
    if _journal is None:
        raise RuntimeError("usage_journal.use was not called")
    return _journal


def write(use: Use) -> None:
    """Write a use down before it is answered. It never waits, and never fails the request."""
    moment, key_id, secret_id, scope, verdict, status, request, address, client = use
    if not (address + client).isprintable() or len(client) > LONGEST_CLIENT or len(address) > LONGEST_ADDRESS:
        address, client = _clean(address)[:LONGEST_ADDRESS], _clean(client)[:LONGEST_CLIENT]
    line = f"{moment}\t{key_id}\t{secret_id}\t{scope}\t{verdict}\t{status}\t{request}\t{address}\t{client}\n"
    journal().append(line.encode("utf-8", "replace"), moment)


def understood(line: bytes) -> Use:
    """The meaning of one line. Raises `ValueError` for one that is damaged."""
    moment, key_id, secret_id, scope, verdict, status, request, address, client = line.decode().split("\t")
    use = Use(int(moment), key_id, secret_id, scope, verdict, int(status), request, address, client)
    if not (0 <= use.moment < LAST_MOMENT and 100 <= use.status < 1000):
        raise ValueError("numbers that no request has")
    return use


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _made(file: Path, beginning: bytes = b"") -> tuple[int, mmap.mmap]:
    """A new file, mapped. It gets its name once it is locked, so one that is found unlocked has no writer any more."""
    if (sum(1 for _ in file.parent.glob(f"*{ENDING}")) + 1) * SIZE > MOST:
        raise OSError(0, "the journals are full, since nobody folds them")
    unready = file.with_suffix(UNREADY)
    descriptor = os.open(unready, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.posix_fallocate(descriptor, 0, SIZE)
        memory = mmap.mmap(descriptor, SIZE)
        memory[: len(beginning)] = beginning
        unready.rename(file)
    except OSError:
        with contextlib.suppress(OSError):
            unready.unlink()
        os.close(descriptor)
        raise
    return descriptor, memory


def _is_at(descriptor: int, file: Path) -> bool:
    """Whether an opened file has its name still: it was not deleted, moved or replaced."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _after_fork() -> None:
    if _journal is not None:
        _journal.forget()


os.register_at_fork(after_in_child=_after_fork)
