"""`/docs`: the OpenAPI document as a page for people, drawn here so that it needs no script to be read."""

import json
import re
from functools import cache
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app, make_response, render_template
from markupsafe import Markup, escape

from views import help
from views.api import examples
from views.api.enforcement import PUBLIC, needs
from views.api.openapi import Document, document_for, operations

CODE = re.compile(r"`([^`]+)`")
CODES = re.compile(r" Codes?: (.*)\.$")
NEED = re.compile(r"\n*Needs [^\n]*\.$")


class Row(NamedTuple):
    """A parameter, or a field of a body."""

    name: str
    place: str
    kind: str
    required: bool
    text: Markup
    example: str = ""
    default: str = ""


class Error(NamedTuple):
    status: str
    text: Markup
    codes: list[str]


class Operation(NamedTuple):
    """One operation, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    scope: str | None
    text: list[Markup]
    parameters: list[Row]
    fields: list[Row]
    body: str | None
    status: str
    answer: str | None
    answer_fields: list[Row]
    errors: list[Error]
    curl: str


class Section(NamedTuple):
    slug: str
    name: str
    text: str
    operations: list[Operation]


def add_routes(bp: Blueprint) -> None:
    bp.get("/docs")(needs(PUBLIC)(show))


def show() -> Response:
    """The reference of this API."""
    base_url = current_app.config["SETTINGS"].base_url
    document = document_for(base_url)
    response = make_response(
        render_template(
            "api_docs/show.html",
            base_url=base_url,
            intro=[marked(text) for text in document["info"]["description"].split("\n\n")],
            sections=sections(base_url),
            problems=[(each, _text(document["components"]["examples"][each.code]["value"])) for each in help.PROBLEMS],
        )
    )
    # It follows the theme of the pages.
    response.headers["Vary"] = "Cookie"
    return response


@cache
def sections(base_url: str) -> list[Section]:
    """The operations by tag, in the order of the document."""
    document = document_for(base_url)
    schemas = document["components"]["schemas"]
    found: dict[str, list[Operation]] = {}
    for path, method, each in operations(document):
        found.setdefault(each["tags"][0], []).append(_operation(path, method, each, document, schemas))
    texts = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    return [Section(_slug(name), name, texts.get(name, ""), listed) for name, listed in found.items()]


def _operation(path: str, method: str, each: Document, document: Document, schemas: Document) -> Operation:
    parameters = [_parameter(given, document) for given in each["parameters"]]
    sent = each.get("requestBody", {}).get("content", {}).get("application/json")
    status = next(status for status in each["responses"] if status < "4")
    got = each["responses"][status].get("content", {}).get("application/json")
    body = _text(sent["example"]) if sent else None
    return Operation(
        id=each["operationId"],
        method=method.upper(),
        path=path,
        summary=each["summary"],
        scope=(each["x-required-scope"] or "") if each["security"] else PUBLIC,
        text=[marked(text) for text in NEED.sub("", each["description"]).split("\n\n") if text],
        parameters=parameters,
        fields=_fields(sent["schema"], schemas) if sent else [],
        body=body,
        status=status,
        answer=_text(got["example"]) if got else None,
        answer_fields=_fields(got["schema"], schemas) if got else [],
        errors=[_error(status, given) for status, given in each["responses"].items() if status >= "4"],
        curl=_curl(document["servers"][0]["url"], path, method, parameters, body, bool(each["security"])),
    )


def _parameter(given: Document, document: Document) -> Row:
    if "$ref" in given:
        given = document["components"]["parameters"][given["$ref"].rpartition("/")[2]]
    schema = given["schema"]
    text = marked(given.get("description", ""))
    told = [str(each or "") for each in (given.get("example"), schema.get("default"))]
    return Row(given["name"], given["in"], kind(schema), given.get("required", False), text, *told)


def _fields(schema: Document, schemas: Document, before: str = "") -> list[Row]:
    """The fields of a body, those of objects inside it with their path."""
    schema = examples.without_null(examples.resolved(schema, schemas))
    if schema.get("type") == "array":
        return _fields(schema.get("items", {}), schemas, f"{before}[]")
    rows = []
    for name, inner in schema.get("properties", {}).items():
        path = f"{before}.{name}".lstrip(".")
        known = examples.resolved(inner, schemas)
        must = name in schema.get("required", ())
        rows.append(Row(path, "body", kind(known, schemas), must, marked(known.get("description", ""))))
        if before.count(".") < 2:
            rows += _fields(known, schemas, path)
    return rows


def kind(schema: Document, schemas: Document | None = None) -> str:
    """The type of a value in a few words."""
    schema = examples.resolved(schema, schemas or {})
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(kind(each, schemas) for each in choices))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"array of {kind(schema.get('items', {}), schemas)}"
    words = str(schema.get("format") or schema.get("type", "any"))
    if "minimum" in schema and "maximum" in schema:
        return f"{words}, {schema['minimum']} to {schema['maximum']}"
    return f"{words}, up to {schema['maxLength']}" if "maxLength" in schema else words


def _error(status: str, given: Document) -> Error:
    text = given["description"]
    named = CODES.search(text)
    return Error(status, marked(CODES.sub("", text)), CODE.findall(named[1]) if named else [])


def _curl(base_url: str, path: str, method: str, parameters: list[Row], body: str | None, with_key: bool) -> str:
    for each in parameters:
        path = path.replace(f"{{{each.name}}}", each.example)
    lines = [f'curl "{base_url}{path}"' if method == "get" else f'curl -X {method.upper()} "{base_url}{path}"']
    if with_key:
        lines.append('-H "Authorization: Bearer $GRAVITY_API_KEY"')
    if body is not None:
        quoted = body.replace("'", "'\\''")
        lines += ['-H "Content-Type: application/json"', f"-d '{quoted}'"]
    return " \\\n  ".join(lines)


def marked(text: str) -> Markup:
    """Text with `code` in it."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 escaped right here


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _slug(name: str) -> str:
    return "tag-" + re.sub(r"\W+", "-", name.lower())
