"""Where the processes of one server keep what they count for /metrics, so that any of them can add it all up.

The library has a file for each process id, and so one more of each kind for every worker that is ever replaced. Here
a process takes the first free place instead and goes on counting in the files of that place: whatever a killed
worker counted stays, and there are no more files than processes at once. See docs/decisions/0012-metrics.md.
"""

import fcntl
import itertools
import logging
import os
from pathlib import Path

from prometheus_client import values

# Named by the library. Without it each process counts for itself.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Files by kind, and their room. It is reserved because to write to a hole of a mapped file on a full disk would end
# the process; it suffices for every route, as tests/test_metrics.py makes sure of.
ROOM = {"counter": 64 * 1024, "histogram": 2048 * 1024, "gauge_max": 64 * 1024}

log = logging.getLogger(__name__)


class Place:
    """The number under which this process counts, held by a lock that the kernel frees when the process ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.descriptor = -1
        self.name = ""
        self.take()

    def take(self) -> None:
        for number in itertools.count():
            descriptor = os.open(self.folder / f"place-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            self.descriptor, self.name = descriptor, str(number)
            return self._reserve()

    def _reserve(self) -> None:
        for kind, room in ROOM.items():
            file = self.folder / f"{kind}_{self.name}.db"
            if file.exists():
                continue
            draft = file.with_suffix(".new")
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, room)
            finally:
                os.close(descriptor)
            # Only now, since an empty file stops whoever reads them all.
            draft.rename(file)

    def after_fork(self) -> None:
        """A child has the lock of its parent, and must not count in the same files."""
        os.close(self.descriptor)
        try:
            self.take()
        except OSError:
            self.name = f"p{os.getpid()}"


def folder() -> Path | None:
    """Where all processes count, if there is such a place."""
    named = os.environ.get(FOLDER)
    return Path(named) if named and Path(named).is_dir() else None


def set_up() -> None:
    """Before the first metric is made: decide where this process counts."""
    if FOLDER not in os.environ:
        return
    try:
        place = Place(Path(os.environ[FOLDER]))
    except OSError as problem:
        log.error("what this process does is missing from the metrics", extra={"reason": str(problem)})
        values.ValueClass = values.MutexValue
        return
    os.register_at_fork(after_in_child=place.after_fork)
    values.ValueClass = values.MultiProcessValue(lambda: place.name)
