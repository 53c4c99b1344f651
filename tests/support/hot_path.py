"""Where the time of one API request goes, called without a server in between."""

import cProfile
import io
import pstats
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from views import access_log

ROOT = Path(__file__).parent.parent.parent
CALLS = 5_000
ROWS = 18


def profile(app: Any, keys: list[str]) -> str:
    """The time of a call, and the top rows of its profile."""
    kept = sys.stderr
    # The access line is part of the work, its terminal is not.
    sys.stderr = io.StringIO()
    try:
        call = caller(app, keys)
        for _ in range(CALLS):
            call()
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        each = (time.perf_counter() - began) / CALLS * 1e6
        profiler = cProfile.Profile()
        profiler.runcall(lambda: [call() for _ in range(CALLS)])
    finally:
        access_log.flush()
        sys.stderr = kept
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).sort_stats("tottime").print_stats(ROWS)
    rows = [line.replace(f"{ROOT}/", "") for line in out.getvalue().splitlines() if re.match(r"\s+\d+ ", line)]
    head = f"one call without a server: {each:.0f} us; the top rows of its profile ({CALLS:,} calls):"
    return "\n".join(["", head, "   ncalls  tottime  percall  cumtime  percall", *rows[-ROWS:]])


def caller(app: Any, keys: list[str]) -> Callable[[], None]:
    """Calls `GET /api/v2/key` with each key in turn."""
    place = 0

    def call() -> None:
        nonlocal place
        place = (place + 1) % len(keys)
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/api/v2/key",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_AUTHORIZATION": f"Bearer {keys[place]}",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        }
        answer = app(environ, lambda status, headers, exc=None: None)
        b"".join(answer)
        getattr(answer, "close", int)()

    return call
