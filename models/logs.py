"""Structured logs: one JSON object a line on standard error, and never a secret."""

import logging
import sys
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from models.secret import FORM, MASKED


class MaskKeys(logging.Filter):
    """The last line of defence: whatever text reaches a log has its keys masked, tracebacks too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask(record.exc_text)
            record.exc_info = None
        return True


class Lines(JsonFormatter):
    """A record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level"},
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def mask(text: str) -> str:
    return FORM.sub(MASKED, text)


def set_up(*filters: logging.Filter) -> None:
    """Send everything that is logged in this process to standard error; `filters` may add to each record."""
    handler = logging.StreamHandler(sys.stderr)
    for each in (MaskKeys(), *filters):
        handler.addFilter(each)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # These narrate what our own lines say already.
    for name in ("apscheduler", "peewee.migrations"):
        logging.getLogger(name).setLevel(logging.WARNING)
