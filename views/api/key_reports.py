"""`/key-reports`: whoever holds a key may report it. The answer says nothing about the key."""

import time

from flask import Blueprint, Response, request

from models import database, leak, leak_report, rate_limit
from models.actor import Actor
from models.leak import Place
from views.access import client_address
from views.api import operations
from views.api.answers import answer
from views.api.operations import PUBLIC
from views.api.schemas import key_reports as shapes
from views.log import request_id

# A report that ends a key takes a few milliseconds, one of no key takes none: both are answered after this long.
SECONDS = 0.03
STATUS = "received"


def add_routes(bp: Blueprint) -> None:
    bp.post("/key-reports")(report_key)


@operations.operation(
    PUBLIC, operations.REPORTS, json=shapes.KeyReport, returns=shapes.Received, status=202, errors=(503,)
)
def report_key() -> Response:
    """Report a key that you found.

    If it is a key of ours that works, it is revoked, or its owners are told, as their workspace wants it. What stands
    around the key does no harm. The answer is always the same, whatever the key is. Of one address 60 reports a minute
    are looked at.
    """
    began = time.monotonic()
    given = operations.taken()
    if rate_limit.lets_report(client_address(), database.now_microseconds()):
        _report(given.key, given.url or "")
        time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    return answer({"status": STATUS}, 202)


def _report(text: str, url: str) -> None:
    for found in leak.known(leak.in_text(text)).values():
        by = Actor("system", "Someone who had the key", address=request.remote_addr, request_id=request_id())
        leak_report.report(found, Place(leak.HOLDER, url), by=by)
