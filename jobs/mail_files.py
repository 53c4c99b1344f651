"""Mail without a mail server: one .eml file for each message, in `mail/` of the data folder."""

import os
import secrets
from pathlib import Path

from jobs.mail_outcome import Outcome, Unreachable
from models.mail import Mail
from models.settings import Settings


class Folder:
    def __init__(self, settings: Settings) -> None:
        self.path = settings.data_dir / "mail"

    def ready(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            raise Unreachable(f"The folder for mail cannot be made: {problem.strerror}.") from problem

    def deliver(self, mail: Mail, message: bytes) -> Outcome:
        """Write the file whole or not at all. The same message makes the same file, so there is never a second."""
        name = f"{mail.created_at:%Y%m%dT%H%M%S}Z-{mail.id}.eml"
        try:
            _write(self.path / name, message)
        except OSError as problem:
            return Outcome("refused", f"The file cannot be written: {problem.strerror}.")
        return Outcome("sent", name)

    def close(self) -> None:
        pass


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
