"""What must not reach a view, because the server in front lets it through: see docs/decisions/0002-server.md."""

import os
from functools import lru_cache

from flask import Flask, current_app
from werkzeug.exceptions import BadRequest, LengthRequired, NotFound, RequestHeaderFieldsTooLarge
from werkzeug.sansio.utils import host_is_trusted

from views.application import context

LONGEST_CREDENTIALS = 4096
# Probes come by address, and answer the same whatever name was asked for.
UNDER_ANY_HOST = ("/healthz", "/readyz")


def set_up(app: Flask) -> None:
    # The server copies the process environment into every request, where HTTP_AUTHORIZATION would
    # pass for a header that a client sent.
    for name in [name for name in os.environ if name.startswith("HTTP_")]:
        del os.environ[name]
    hosts = app.config["SETTINGS"].trusted_hosts
    # Flask's own check does the same work anew at every request.
    trusted = lru_cache(maxsize=256)(lambda host: host_is_trusted(host, hosts))

    @app.before_request
    def check() -> None:
        """Refuse foreign hosts, bodies without a length and oversized credentials."""
        environ = context().request.environ
        # PostgreSQL has no text with a NUL in it, so no row has one.
        if "\0" in environ["PATH_INFO"]:
            raise NotFound
        if not trusted(environ.get("HTTP_HOST")) and not _is_for_any_host(environ["PATH_INFO"]):
            raise BadRequest
        # A chunked body that breaks off, or passes the size limit, would arrive as a shorter one.
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise LengthRequired
        # Without this mark Werkzeug compares what arrived with Content-Length.
        environ.pop("wsgi.input_terminated", None)
        if len(environ.get("HTTP_AUTHORIZATION", "")) > LONGEST_CREDENTIALS:
            raise RequestHeaderFieldsTooLarge


def _is_for_any_host(path: str) -> bool:
    # Whoever knows the token of the metrics may ask for them under any name.
    return path in UNDER_ANY_HOST or (path == "/metrics" and bool(current_app.config["SETTINGS"].metrics_token))
