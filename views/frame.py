"""What surrounds every request, outside Flask: its id, the security headers, its line in the access log, the metrics.

Plain WSGI, because it then costs a few microseconds, covers every answer however it came to be,
and sees no more of Flask than what a view left in the environment.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from models import metrics
from views import access_log

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
# Addresses of programs: no session, no pages.
PROGRAMS = ("/api/", "/webhooks/", "/calendar/")
# The one page among the addresses of the API.
REFERENCE = "/api/v2/docs"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PERMISSIONS = "camera=(), clipboard-read=(), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()"
YEAR = 365 * 24 * 3600

REQUEST_ID = "gravity.request_id"
ROUTE = "gravity.route"
KEY_ID = "gravity.key_id"
# Header fields that a view leaves for the frame to add: several times as fast as Werkzeug's own headers.
MORE_HEADERS = "gravity.more_headers"


# Ids need only differ: to ask the kernel for each of them takes as long as to verify a key.
_ids = random.Random()  # noqa: S311 nobody is let in by one
os.register_at_fork(after_in_child=_ids.seed)


class Frame:
    """A WSGI application around another one."""

    def __init__(self, inside: Callable[..., Iterable[bytes]], *, https: bool, access_log: bool) -> None:
        self.inside = inside
        self.access_log = access_log
        common = [("X-Content-Type-Options", "nosniff")]
        if https:
            common.append(("Strict-Transport-Security", f"max-age={2 * YEAR}; includeSubDomains"))
        no_store = ("Cache-Control", "no-store")
        page = [
            *common,
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", PERMISSIONS),
            ("X-Frame-Options", "DENY"),
        ]
        self.api_headers = [*common, no_store, ("Content-Security-Policy", API_POLICY)]
        self.page_headers = [*page, no_store]
        self.static_headers = page

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter_ns()
        # Never taken from the client: it names lines in our log.
        request_id = environ[REQUEST_ID] = f"req_{_ids.getrandbits(80):020x}"
        path = environ["PATH_INFO"]
        if path.startswith(PROGRAMS) and path != REFERENCE:
            more = self.api_headers
        else:
            more = self.static_headers if path.startswith("/static/") else self.page_headers

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            took = time.perf_counter_ns() - began
            metrics.answered(environ.get(ROUTE), environ["REQUEST_METHOD"], status, took / 1e9)
            if self.access_log:
                _write_line(environ, status, took)
            left = environ.get(MORE_HEADERS, ())
            return start_response(status, [*headers, *left, ("X-Request-Id", request_id), *more], exc_info)

        return self.inside(environ, start)


def _write_line(environ: Environ, status: str, took: int) -> None:
    """One line a request: the route's template, never the path or query as sent, which may hold anything."""
    second, millisecond = divmod(time.time_ns() // 1_000_000, 1000)
    access_log.write(
        f'{{"time": "{_second(second)}.{millisecond:03d}+00:00", "name": "access",'
        f' "request_id": "{environ[REQUEST_ID]}",'
        f' "method": {_quoted(environ["REQUEST_METHOD"])}, "route": {_quoted(environ.get(ROUTE))},'
        f' "status": {status[:3]}, "ms": {took / 1e6:.2f},'
        f' "address": {_quoted(environ.get("REMOTE_ADDR"))}, "key": {_quoted(environ.get(KEY_ID))}}}\n'
    )


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=4096)
def _quoted(value: str | None) -> str:
    return json.dumps(value[:200] if value else None)
