"""Run beside the suite: kills a process that sends webhooks before any of its statements.

python -m tests.support.killed_webhooks DATABASE_URL SIGNING_KEY_FILE STATEMENT: sends what is due and dies before
statement number STATEMENT, if it comes to so many.
"""

import logging
import sys
from pathlib import Path

from jobs import send_webhooks
from models import database
from models.secret import Pepper
from models.settings import Settings
from tests.support.killed import KillAt


def main(url: str, key_file: str, statement: str) -> None:
    settings = Settings(
        data_dir=Path("/nonexistent"),
        database_url=url,
        host="127.0.0.1",
        port=8000,
        workers=1,
        base_url="http://localhost",
        secret_keys=(Path(key_file).read_text(),),
        peppers=(Pepper("1", b"x" * 32),),
    )
    database.connect(url)
    send_webhooks.use(settings)
    logging.getLogger("peewee").setLevel(logging.DEBUG)
    logging.getLogger("peewee").addHandler(KillAt(int(statement)))
    send_webhooks.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
