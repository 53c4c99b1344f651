"""The OpenAPI 3.1 document, as SpecTree writes it from the operations."""

from functools import cache
from typing import Any

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from views.api.answers import answer
from views.api.enforcement import PUBLIC, check_routes, needs
from views.api.operations import spec


def set_up(app: Flask) -> None:
    spec.app = app
    check_routes(app)


def add_routes(bp: Blueprint) -> None:
    bp.get("/openapi.json")(needs(PUBLIC)(document))


def document() -> ResponseReturnValue:
    """The OpenAPI document of this API."""
    return answer(_document(current_app.config["SETTINGS"].base_url))


@cache
def _document(base_url: str) -> dict[str, Any]:
    made = spec.spec
    for path in made["paths"].values():
        for each in path.values():
            _complete(each)
    return made | {"servers": [{"url": base_url}]}


def _complete(described: dict[str, Any]) -> None:
    """What SpecTree has no word for: the media type of problems, and scopes in words."""
    for code, given in described["responses"].items():
        content = given.get("content")
        if content and int(code) >= 400:
            given["content"] = {"application/problem+json": content["application/json"]}
    for needed in described.get("security", []):
        wanted = needed.get("apiKey")
        # RFC 6750 scopes are no OAuth flow here, so they are told in words beside the scheme.
        needed["apiKey"] = []
        text = f"Needs the scope `{wanted[0]}`." if wanted else "Needs any valid key."
        described["description"] = f"{described['description']}\n\n{text}".strip()
