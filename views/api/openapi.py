"""Each operation with its shape: SpecTree validates requests with pydantic and writes the OpenAPI 3.1 document."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import pydantic
from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree, Tag
from spectree.models import SecureType, SecuritySchemeData
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.datastructures import MultiDict

from models.errors import Invalid
from views.api import schemas
from views.api.answers import answer
from views.api.enforcement import ANY_KEY, PUBLIC, check_routes, needs

F = TypeVar("F", bound=Callable[..., Any])

MEMBERS = Tag(name="Members", description="The people of a workspace.")
KEY = Tag(name="This key", description="The key that is sent, whatever its scopes.")
META = Tag(name="About", description="This document.")

DESCRIPTION = (
    "Send an API key with every request: `Authorization: Bearer gr_…`. Errors are problem documents (RFC 9457) "
    "with a stable `code` and a `request_id`."
)
PROBLEMS = {
    400: "The request could not be understood",
    401: "No good API key was sent",
    403: "The key may not do this",
    404: "Nothing here, or not in this workspace",
    405: "Another method is needed",
    409: "In conflict with what is there",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "Some values are not valid",
    500: "An error of ours",
    503: "Briefly unavailable",
}


class Plugin(FlaskPlugin):
    """Checks what comes in. What goes out is held by tests, not at every request."""

    def validate(self, func: Callable[..., Any], query: Any, json: Any, *_rest: Any, **kwargs: Any) -> Any:
        # Replaced whole: the original reads headers and cookies, takes a broken body for an empty one,
        # and spends a tenth of the request on views that take neither query nor body.
        if query is None and json is None:
            return func(**kwargs)
        try:
            given = Context(query and query.model_validate(_flat(request.args)), json and _body(json), *[None] * 3)
        except pydantic.ValidationError as error:
            raise _invalid(error) from error
        request.context = given  # type: ignore[attr-defined]
        return func(**kwargs)


def _flat(given: MultiDict[str, str]) -> dict[str, Any]:
    """Each value once; what is repeated stays a list, which no field of ours accepts."""
    return {name: values[0] if len(values) == 1 else values for name, values in given.lists()}


def _body(model: type[pydantic.BaseModel]) -> pydantic.BaseModel:
    # get_json answers 400 to what is no JSON and 415 to another media type.
    return model.model_validate(request.get_json())


def _invalid(error: pydantic.ValidationError) -> Invalid:
    return Invalid({".".join(map(str, each["loc"])) or "body": each["msg"] for each in error.errors(include_url=False)})


spec = SpecTree(
    backend=Plugin,
    annotations=False,
    mode="strict",
    validation_error_model=schemas.Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    title="Gravity Rail API",
    version="2",
    description=DESCRIPTION,
    page_templates={},
    security_schemes=[
        SecurityScheme(
            name="apiKey",
            data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer", description="An API key, gr_…"),
        )
    ],
)


def operation(
    wanted: str | None,
    tag: Tag,
    *,
    query: type[pydantic.BaseModel] | None = None,
    json: type[pydantic.BaseModel] | None = None,
    returns: type[pydantic.BaseModel] | None = None,
    status: int = 200,
    errors: tuple[int, ...] = (),
) -> Callable[[F], F]:
    """Declare an API view: the scope it needs, what it takes and gives, and which errors it may answer with."""
    answers = Answers(**{f"HTTP_{status}": returns})
    usual = () if wanted is PUBLIC else (400, 401, 403, 503)
    for code in sorted({*usual, *errors, 500, *((400, 413, 415, 422) if json else ()), *((422,) if query else ())}):
        answers.add_model(code, schemas.Problem, description=PROBLEMS[code])

    def decorate(view: F) -> F:
        wrapped = spec.validate(
            query=query,
            json=json,
            resp=answers,
            tags=(tag,),
            operation_id=view.__name__,
            security=[] if wanted is PUBLIC else [{"apiKey": [wanted] if wanted else []}],
        )(view)
        return needs(wanted)(wrapped)

    return decorate


def taken() -> Any:
    """The validated body of the request at hand."""
    return request.context.json  # type: ignore[attr-defined]


def asked() -> Any:
    """The validated query of the request at hand."""
    return request.context.query  # type: ignore[attr-defined]


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


__all__ = ["ANY_KEY", "PUBLIC", "asked", "operation", "spec", "taken"]
