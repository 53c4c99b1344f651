"""Run beside the suite: kills a process between any two statements of a verb, and tells what that left behind.

python -m tests.support.killed DATABASE_URL KEY_ID VERB: forks a child per statement, prints one JSON line for each.
"""

import json
import logging
import os
import signal
import sys

from models import ApiKey, AuditEvent, KeySecret, database, key_overlaps, secret
from models.actor import COMMAND_LINE
from models.database import db
from models.key_settings import KeySettings
from models.secret import Pepper


class KillAt(logging.Handler):
    """peewee logs each statement before it is sent."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def emit(self, record: logging.LogRecord) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def act(key_id: str, verb: str) -> None:
    key = ApiKey.get_by_id(key_id)
    if verb == "issue":
        ApiKey.issue(key.workspace, KeySettings("Another", frozenset({"read:data"})), by=COMMAND_LINE, form_id="form")
    elif verb == "edit":
        key.edit(KeySettings("Renamed", frozenset({"read:data"})), version=key.version, by=COMMAND_LINE)
    elif verb == "overlap":
        key.rotate(by=COMMAND_LINE, overlap="24h", seen=KeySecret.current_of(key.id).id)
    elif verb == "close_overlap":
        (old,) = KeySecret.select().where(KeySecret.key == key, KeySecret.ends_at.is_null(False))
        key_overlaps.close(old.id, key.workspace_id)
    elif verb == "extend_rotation":
        key.extend_rotation(by=COMMAND_LINE, overlap="7d")
    else:
        getattr(key, verb)(by=COMMAND_LINE)


def killed(url: str, key_id: str, verb: str, after: int) -> bool:
    """Whether a child that dies before statement number `after` came to die at all."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    database.connect(url)
    logging.getLogger("peewee").setLevel(logging.DEBUG)
    logging.getLogger("peewee").addHandler(KillAt(after))
    act(key_id, verb)
    os._exit(0)


def state(url: str) -> list[object]:
    """What a verb may change, in a form that compares."""
    database.connect(url)
    keys = sorted((row.name, row.version, row.hint_end, row.revoked_at is None) for row in ApiKey.select())
    secrets = sorted(
        (row.hint, str(row.retired_at), str(row.ends_at), str(row.revoked_at)) for row in KeySecret.select()
    )
    found: list[object] = [keys, secrets, AuditEvent.select().count()]
    db.close()
    return found


def main(url: str, key_id: str, verb: str) -> None:
    secret.use_peppers((Pepper("1", b"x" * 32),))
    before = state(url)
    for after in range(1000):
        died = killed(url, key_id, verb, after)
        print(json.dumps({"died": died, "unchanged": state(url) == before}))
        if not died:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
