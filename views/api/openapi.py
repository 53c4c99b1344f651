"""The OpenAPI 3.1 document: SpecTree writes the frame of each operation, the rest follows from how it was declared."""

from copy import deepcopy
from functools import cache
from typing import Any

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from views.api import examples, openapi_errors, openapi_parts
from views.api.answers import answer
from views.api.enforcement import ANY_KEY, PUBLIC, check_routes, needs
from views.api.operations import DECLARED, Declared, spec

DESCRIPTION = """\
Members, chats, data and workflows of a workspace, and the keys to them, as JSON over HTTP.

Send an API key with every request: `Authorization: Bearer gr_…`. Each operation names the scope that the key needs. \
Times are RFC 3339 in UTC. Lists come in pages: follow `next_cursor` until it is null.

Errors are problem documents (RFC 9457) with a stable `code` for programs and a `request_id` to tell us. Every answer \
to a good key tells with `RateLimit` what is left of the limits of the plan."""

Document = dict[str, Any]


def set_up(app: Flask) -> None:
    spec.app = app
    check_routes(app)


def add_routes(bp: Blueprint) -> None:
    bp.get("/openapi.json")(needs(PUBLIC)(document))


def document() -> ResponseReturnValue:
    """The OpenAPI document of this API."""
    return answer(document_for(current_app.config["SETTINGS"].base_url))


@cache
def document_for(base_url: str) -> Document:
    """The document of a server at this address. It is shared: leave it as it is."""
    made = deepcopy(spec.spec)
    schemas = made["components"]["schemas"]
    _drop_titles(schemas)
    made["components"] |= {
        "headers": openapi_parts.HEADERS,
        "examples": openapi_errors.examples(base_url),
        "parameters": {each["name"]: each for each in (openapi_parts.IDEMPOTENCY_KEY, openapi_parts.IF_MATCH)},
    }
    for path, method, each in operations(made):
        _describe(each, DECLARED[each["operationId"]], method, path)
        _exemplify(each, DECLARED[each["operationId"]], method, schemas)
    _fill_in_paths(made)
    _link(made)
    help_page = {"url": f"{base_url}/help", "description": "What keys are, and what each error means"}
    info = {**made["info"], "description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}}
    return {**made, "info": info, "externalDocs": help_page, "servers": [{"url": base_url}]}


def operations(made: Document) -> list[tuple[str, str, Document]]:
    """Each path, method and operation."""
    return [(path, method, each) for path, methods in made["paths"].items() for method, each in methods.items()]


def _describe(each: Document, declared: Declared, method: str, path: str) -> None:
    each["summary"] = each["summary"].rstrip(".")
    each["description"] = f"{each['description']}\n\n{_need(declared.scope)}".strip()
    if declared.scope is not PUBLIC:
        each["x-required-scope"] = declared.scope or None
    success = each["responses"][str(declared.status)]
    each["responses"] = {str(declared.status): success} | {
        str(status): openapi_errors.described(status, openapi_errors.codes(status, declared, method, path))
        for status in openapi_errors.statuses(declared, method, path)
    }
    for status, given in each["responses"].items():
        given["headers"] = openapi_parts.fields_of(int(status), declared, method)


def _need(scope: str | None) -> str:
    if scope is PUBLIC:
        return "Needs no key."
    return "Needs any valid key." if scope == ANY_KEY else f"Needs the scope `{scope}`."


def _exemplify(each: Document, declared: Declared, method: str, schemas: Document) -> None:
    """Whole examples of bodies, and parameters as they are sent: a query has no null."""
    for given in each["parameters"]:
        given["schema"] = examples.without_null(given["schema"])
        for word in ("title", "description"):
            given["schema"].pop(word, None)
    names = openapi_parts.taken_fields(declared, method)
    each["parameters"] += [{"$ref": f"#/components/parameters/{name}"} for name in names]
    if body := each.get("requestBody"):
        content = body["content"]["application/json"]
        content.setdefault("example", examples.of_request(content["schema"], schemas))
        body["required"] = not getattr(declared.json, "may_be_left_out", False)
    for content in each["responses"][str(declared.status)].get("content", {}).values():
        content.setdefault("example", examples.of_answer(content["schema"], schemas))


def _fill_in_paths(made: Document) -> None:
    """The parameters of each path, with an example from the thing that they lead to."""
    for path, _, each in operations(made):
        for place, given in enumerate(each["parameters"]):
            if given.get("in") == "path":
                example = _example_of(given["name"], path, made)
                each["parameters"][place] = openapi_parts.path_parameter(given["name"], example)


def _example_of(name: str, path: str, made: Document) -> str | None:
    one = path.partition(f"{{{name}}}")[0] + f"{{{name}}}"
    thing = _answered(made["paths"].get(one, {}).get("get"))
    if thing and (field := openapi_parts.named_in(name, thing)):
        return str(thing[field])
    for _, _, each in operations(made):
        answered = _answered(each)
        if name in answered:
            return str(answered[name])
    return None


def _answered(each: Document | None) -> Document:
    """The example of what an operation answers, or of the first thing in its list."""
    for status, given in (each or {}).get("responses", {}).items():
        for content in given.get("content", {}).values() if status < "3" else ():
            example: Document = content["example"]
            listed = example.get("data")
            return listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else example
    return {}


def _link(made: Document) -> None:
    """From what was created, or comes first in a list, to the operations on it."""
    anything, reading = (
        {path: [each["operationId"] for method, each in known.items() if method in methods]
         for path, known in made["paths"].items()}
        for methods in (("get", "post", "put", "patch", "delete"), ("get",))
    )  # fmt: skip
    for path, method, each in operations(made):
        status = str(DECLARED[each["operationId"]].status)
        lists = method == "get" and "next_cursor" in _example_body(each, status)
        if not lists and (method, status) != ("post", "201"):
            continue
        at, others = ("$response.body#/data/0", reading) if lists else ("$response.body#", anything)
        if found := openapi_parts.links(path, _answered(each), at, others):
            each["responses"][status]["links"] = found


def _example_body(each: Document, status: str) -> Document:
    content = each["responses"][status].get("content", {}).get("application/json", {})
    body: Document = content.get("example") or {}
    return body


def _drop_titles(schema: Any) -> None:
    """Pydantic titles each field with its own name."""
    if isinstance(schema, list):
        for each in schema:
            _drop_titles(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for name, each in schema.items():
            if name not in ("examples", "default", "enum", "const"):
                _drop_titles(each)
