"""Whether requests can be served: the database answers, and has the tables of this version."""

import logging
import threading

from peewee import PeeweeException

from models import database

# With the way there and back, an answer comes within two seconds.
SECONDS = 1.5

log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
_running: "_Look | None" = None


def look(seconds: float = SECONDS) -> dict[str, str]:
    """What is ready: each check with `ok`, or with what is wrong. A database that keeps silent is unreachable.

    It is asked on a connection of its own, in a thread that may be left behind, because no timeout of a driver covers
    every way to keep silent. A process has one such thread at most.
    """
    global _running
    with _one_at_a_time:
        if _running is None or not _running.is_alive():
            _running = _Look()
            _running.start()
        shared = _running
    shared.join(seconds)
    return shared.found


class _Look(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="readiness", daemon=True)
        self.found = {"database": "unreachable", "migrations": "unknown"}

    def run(self) -> None:
        try:
            pending = database.pending_migrations()
        except (PeeweeException, OSError) as problem:
            log.warning("the database did not answer the probe", extra={"reason": type(problem).__name__})
        else:
            self.found = {"database": "ok", "migrations": "pending" if pending else "ok"}
        finally:
            database.forget_connection()
