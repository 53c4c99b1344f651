"""Run beside the suite: kills a process that sends mail before any of its statements, and before it hears an answer.

python -m tests.support.killed_sender DATABASE_URL SMTP_PORT STATEMENT: sends what is due and dies before statement
number STATEMENT, if it comes to so many.
"""

import logging
import sys
from pathlib import Path

from jobs import send_mail
from models import database, secret
from models.mail_settings import Smtp
from models.secret import Pepper
from models.settings import Settings
from tests.support.killed import KillAt
from tests.support.mailbox import SENDER


def main(url: str, port: str, statement: str) -> None:
    pepper = (Pepper("1", b"x" * 32),)
    settings = Settings(
        data_dir=Path("/nonexistent"),
        database_url=url,
        host="127.0.0.1",
        port=8000,
        workers=1,
        base_url="http://localhost",
        secret_keys=("x" * 32,),
        peppers=pepper,
        smtp=Smtp("127.0.0.1", int(port), "none", timeout=20),
        mail_from=SENDER,
    )
    database.connect(url)
    secret.use_peppers(pepper)
    send_mail.use(settings)
    database.db.connect()
    logging.getLogger("peewee").setLevel(logging.DEBUG)
    logging.getLogger("peewee").addHandler(KillAt(int(statement)))
    send_mail.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
