"""Style, scripts and fonts of the pages: browsers keep them under the version that their address carries."""

import hashlib
from pathlib import Path

from flask import Flask, Response, request

DAY = 24 * 3600
YEAR = 365 * DAY


def set_up(app: Flask) -> str:
    """Let browsers keep static files. Returns the version of all of them together."""
    files = sorted(path for path in Path(app.static_folder or "static").rglob("*.*") if path.is_file())
    version = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]

    def static(filename: str) -> Response:
        response = app.send_static_file(filename)
        # What has another version in its address is asked for anew: while servers are replaced, both versions run.
        if request.args.get("v") == version:
            _keep(response, YEAR)
            response.cache_control.immutable = True
        elif filename.endswith(".woff2"):
            # Named in the style sheet, which knows no version.
            _keep(response, 30 * DAY)
        return response

    app.view_functions["static"] = static
    return version


def _keep(response: Response, seconds: int) -> None:
    response.cache_control.no_cache = None
    response.cache_control.public = True
    response.cache_control.max_age = seconds
