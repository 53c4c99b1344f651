"""Each operation of the API, declared with its shape: SpecTree validates requests with pydantic."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import pydantic
from flask import request
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree, Tag
from spectree.models import SecureType, SecuritySchemeData
from spectree.plugins.base import Context
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.datastructures import MultiDict

from models.errors import DomainError
from views.api import once, wrong
from views.api.enforcement import ANY_KEY, PUBLIC, needs
from views.api.schemas import common

F = TypeVar("F", bound=Callable[..., Any])

WORKSPACE = Tag(name="Workspace", description="The workspace itself.")
MEMBERS = Tag(name="Members", description="The people of a workspace.")
CHATS = Tag(name="Chats", description="Conversations and their messages.")
DATA = Tag(name="Data", description="Collections, and the records in them.")
WORKFLOWS = Tag(name="Workflows", description="Automations, and their runs.")
API_KEYS = Tag(name="API keys", description="Management of keys by a key.")
AUDIT = Tag(name="Audit events", description="What happened in the workspace, and who did it.")
REPORTS = Tag(name="Reports", description="Keys that somebody found where they should not be.")
KEY = Tag(name="This key", description="The key that is sent, whatever its scopes.")

# Deeper than any honest body, and shallow enough for whatever reads it next.
DEEPEST = 32


class Declared(NamedTuple):
    """What an operation was declared with, for the document."""

    scope: str | None
    query: type[pydantic.BaseModel] | None
    json: type[pydantic.BaseModel] | None
    returns: type[pydantic.BaseModel] | None
    status: int
    errors: tuple[int, ...]


DECLARED: dict[str, Declared] = {}


class Plugin(FlaskPlugin):
    """Checks what comes in. What goes out is held by tests, not at every request."""

    def validate(self, func: Callable[..., Any], query: Any, json: Any, *_rest: Any, **kwargs: Any) -> Any:
        # Replaced whole: the original reads headers and cookies, takes a broken body for an empty one,
        # and spends a tenth of the request on views that take neither query nor body.
        if query is None and json is None:
            return func(**kwargs)
        asked = query and _checked(query, _flat(request.args))
        request.context = Context(asked, json and _body(json), *[None] * 3)  # type: ignore[attr-defined] # SpecTree's
        return func(**kwargs)


def _flat(given: MultiDict[str, str]) -> dict[str, Any]:
    """Each value once; what is repeated stays a list, which no field of ours accepts."""
    return {name: values[0] if len(values) == 1 else values for name, values in given.lists()}


def _body(model: type[pydantic.BaseModel]) -> pydantic.BaseModel:
    if getattr(model, "may_be_left_out", False) and not request.content_length:
        return model()
    # get_json answers 400 to what is no JSON and 415 to another media type.
    given = request.get_json()
    if _depth(given) > DEEPEST:
        raise DomainError(f"This JSON is nested more than {DEEPEST} levels deep.")
    return _checked(model, given)


def _checked(model: type[pydantic.BaseModel], given: Any) -> pydantic.BaseModel:
    try:
        return model.model_validate(given)
    except pydantic.ValidationError as problem:
        raise wrong.described(problem, given) from problem


def _depth(value: Any) -> int:
    """How many containers are nested in one another."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


spec = SpecTree(
    backend=Plugin,
    annotations=False,
    mode="strict",
    validation_error_model=common.Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    title="Gravity Rail API",
    version="2",
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

    def decorate(view: F) -> F:
        DECLARED[view.__name__] = Declared(wanted, query, json, returns, status, errors)
        wrapped = spec.validate(
            query=query,
            json=json,
            resp=Answers(**{f"HTTP_{status}": returns}),
            tags=(tag,),
            operation_id=view.__name__,
            security=[] if wanted is PUBLIC else [{"apiKey": []}],
            # Both header fields belong to a key.
        )(view if wanted is PUBLIC else once.guarded(view))
        return needs(wanted)(wrapped)

    return decorate


def taken() -> Any:
    """The validated body of the request at hand."""
    return request.context.json  # type: ignore[attr-defined] # SpecTree's


def asked() -> Any:
    """The validated query of the request at hand."""
    return request.context.query  # type: ignore[attr-defined] # SpecTree's


__all__ = ["ANY_KEY", "PUBLIC", "asked", "operation", "spec", "taken"]
