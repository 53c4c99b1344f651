"""What operations have in common in the document: header fields, path parameters, links from answer to request."""

import re
from typing import Any

from views.api.enforcement import PUBLIC
from views.api.operations import Declared

ID = re.compile(r"([a-z]+)_[0-9a-z]{16}")
ID_CHARACTERS = "[0-9a-hjkmnp-tv-z]{16}"

Part = dict[str, Any]


def _field(description: str, example: Any, *, kind: str = "string", always: bool = False) -> Part:
    return {"description": description, "required": always, "schema": {"type": kind}, "example": example}


HEADERS: dict[str, Part] = {
    "X-Request-Id": _field("Names this request in our logs. Tell us when something is wrong.",
                           "req_5c0f7a9be2d84b13a6f1", always=True),
    "ETag": _field("The state of this one thing. Send it as `If-Match` with a change.", '"5d41402abc4b2a76b9719d91"'),
    "Location": _field("The address of what was created.",
                       "/api/v2/w/ws_4k7n9m2p8q3r5t6v/members/mem_8m2k4q7v9w1x3z5a"),
    "Idempotent-Replayed": _field("`true` when this is the kept answer to an `Idempotency-Key` sent before.", "true"),
    "RateLimit": _field("What is left of each limit, and the seconds until it starts anew.",
                        '"minute";r=599;t=60, "month";r=999999;t=604800'),
    "RateLimit-Policy": _field("The limits of the plan, and their windows in seconds.",
                               '"minute";q=600;w=60, "month";q=1000000;w=2592000'),
    "Sunset": _field("When the secret that was sent stops working, if that is within 14 days (RFC 8594).",
                     "Mon, 04 May 2026 09:30:00 GMT"),
    "Deprecation": _field("When another secret took the place of the one that was sent (RFC 9745).", "@1777714200"),
    "Link": _field("With `Sunset`: the page of the key, for people who can act.",
                   '<https://keys.example.com/w/ws_4k7n9m2p8q3r5t6v/settings/api-keys/key_3f8r2n6t0y4s7d1c>; '
                   'rel="sunset"; type="text/html"'),
    "Retry-After": _field("Wait this many seconds.", 2, kind="integer", always=True),
    "WWW-Authenticate": _field("What is wrong with the credentials, or which scope they lack (RFC 6750).",
                               'Bearer realm="gravity-rail", error="invalid_token"'),
}  # fmt: skip

IDEMPOTENCY_KEY: Part = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of your choice, up to 255 characters, new for each thing to do. Sent again within "
    "24 hours, it gives the first answer again and has no second effect.",
    "required": False,
    "schema": {"type": "string", "pattern": r'^("[\x21\x23-\x7e]{1,255}"|[\x21\x23-\x7e]{1,255})$'},
    "example": "5f1c2f6e-import-7",
}
IF_MATCH: Part = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` that you read. When it changed since, nothing is done and the answer is 412.",
    "required": False,
    "schema": {"type": "string"},
    "example": "*",
}


def fields_of(status: int, declared: Declared, method: str) -> dict[str, Part]:
    """References to the header fields of one answer."""
    names = ["X-Request-Id"]
    if declared.scope is not PUBLIC:
        if status not in (401, 411, 431):
            names += ["RateLimit", "RateLimit-Policy", "Sunset", "Deprecation", "Link"]
        if status == declared.status and method == "post":
            names.append("Idempotent-Replayed")
    if status == declared.status and declared.returns:
        fields = declared.returns.model_fields
        if "next_cursor" not in fields and "secret" not in fields and (method != "post" or status == 201):
            names.append("ETag")
        if status == 201:
            names.append("Location")
    if status in (400, 401, 403) and declared.scope is not PUBLIC:
        names.append("WWW-Authenticate")
    if status in (429, 503):
        names.append("Retry-After")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def taken_fields(declared: Declared, method: str) -> list[str]:
    """The header parameters of an operation."""
    if method == "post" and declared.scope is not PUBLIC:
        return ["Idempotency-Key"]
    return ["If-Match"] if 412 in declared.errors else []


def path_parameter(name: str, example: str | None) -> Part:
    """A parameter of the path, with what is known of it from an answer that names it."""
    if name == "workspace_id":
        description = "The workspace of the key. `GET /api/v2/key` tells it."
    elif name.endswith("_id"):
        description = f"The `id` of the {name.removesuffix('_id').replace('_', ' ')}."
    else:
        description = f"The name of the {name.replace('_', ' ')}."
    schema: Part = {"type": "string"}
    if example and (found := ID.fullmatch(example)):
        schema["pattern"] = f"^{found[1]}_{ID_CHARACTERS}$"
    made = {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
    return made if example is None else {**made, "example": example}


def named_in(parameter: str, properties: Part) -> str | None:
    """The field of a thing that fills in a parameter of the path to it."""
    known = ("id", "name") if parameter.endswith("_id") else ("name", "id")
    return next((field for field in (parameter, *known) if field in properties), None)


def links(path: str, properties: Part, at: str, others: dict[str, list[str]]) -> dict[str, Part]:
    """From an answer to what can be done next: `at` is where the thing stands in the body.

    `others` has the operation ids at each path.
    """
    found: dict[str, Part] = {}
    one = next((other for other in others if re.fullmatch(re.escape(path) + r"/\{\w+\}", other)), None)
    if one is None:
        return found
    own = one.rpartition("{")[2].rstrip("}")
    field = named_in(own, properties)
    given = {name: f"$request.path.{name}" for name in re.findall(r"\{(\w+)\}", path)}
    if field is None:
        return found
    for other, known in others.items():
        if other == one or (other.startswith(f"{one}/") and "{" not in other[len(one) :]):
            for operation_id in known:
                found[operation_id] = {"operationId": operation_id, "parameters": {**given, own: f"{at}/{field}"}}
    return found
