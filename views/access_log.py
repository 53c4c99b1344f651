"""The access log: a line for each request on standard error, one by one while they are few, together under load.

A write is a system call, and workers wait in line for it: one for each request took a seventh of its time. A line is
late by `PAUSE` at most, and so much of them goes with a worker that is killed. No count depends on them.
"""

import contextlib
import multiprocessing.util
import os
import sys
import threading
import time
from collections import deque

# Seconds.
PAUSE = 0.05
# What goes into a pipe in one piece, whoever else writes to it (PIPE_BUF on Linux). A line is far shorter.
PIECE = 4096
# More lines than this are not kept: whoever has one more waits until they are written.
MOST = 20_000


class Lines:
    """Lines on their way to standard error."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Also in a forked child: what waits is its parent's to write, and threads are not forked."""
        self.waiting: deque[str] = deque()
        self.writing = threading.Lock()
        self.written_at = -PAUSE
        self.some_wait = threading.Event()
        self.writer: threading.Thread | None = None

    def add(self, line: str) -> None:
        self.waiting.append(line)
        if self.some_wait.is_set():
            if len(self.waiting) > MOST:
                self.write()
        elif time.monotonic() - self.written_at >= PAUSE:
            self.write()
        else:
            self._write_later()

    def write(self) -> None:
        """Write all that waits, in pieces of whole lines."""
        with self.writing:
            piece: list[str] = []
            size = 0
            while self.waiting:
                line = self.waiting.popleft()
                if size + len(line) > PIECE:
                    _write("".join(piece))
                    piece, size = [], 0
                piece.append(line)
                size += len(line)
            _write("".join(piece))
            self.written_at = time.monotonic()

    def _write_later(self) -> None:
        if self.writer is None:
            # Also in a worker, whose server does not ask `atexit`.
            multiprocessing.util.Finalize(None, self.write, exitpriority=1)
            self.writer = threading.Thread(target=self._keep_writing, name="access log", daemon=True)
            self.writer.start()
        self.some_wait.set()

    def _keep_writing(self) -> None:
        while self.some_wait.wait():
            time.sleep(PAUSE)
            # Before it writes: a line that comes meanwhile sets it again.
            self.some_wait.clear()
            self.write()


def _write(piece: str) -> None:
    # A log that cannot be written, since its disk is full or its reader gone, loses lines and must not cost requests.
    with contextlib.suppress(OSError):
        sys.stderr.write(piece)


_lines = Lines()
os.register_at_fork(after_in_child=_lines.begin)


def flush() -> None:
    """Write what waits, for whoever is about to put another file in the place of standard error."""
    _lines.write()


def write(line: str) -> None:
    """Write one line of ASCII, which ends with its line feed."""
    _lines.add(line)
