"""JSON answers."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from pydantic_core import to_json


def answer(body: Mapping[str, Any] | None, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, or an empty one. The encoder is pydantic's, several times as fast as the one behind `jsonify`."""
    if body is None:
        response = Response(b"", status, headers)
        del response.headers["Content-Type"]
        return response
    return Response(to_json(body), status, headers, content_type="application/json")
