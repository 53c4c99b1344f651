"""The logs of the web application: the lines of `models/logs.py`, each with the id of its request."""

import logging

from flask import has_request_context, request

from models import logs
from views.frame import REQUEST_ID


class NameRequest(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context():
            record.request_id = request_id()
        return True


def request_id() -> str:
    """The id of the request at hand."""
    return str(request.environ.get(REQUEST_ID, ""))


def set_up() -> None:
    logs.set_up(NameRequest())
