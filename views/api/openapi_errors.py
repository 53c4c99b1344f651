"""The errors of each operation: which statuses and codes it may answer with, and what such an answer looks like."""

import re
from http import HTTPStatus
from typing import Any

from models.errors import (
    REFUSALS,
    Conflict,
    DomainError,
    InsufficientScope,
    Invalid,
    KeyRefused,
    NotAllowed,
    NotFound,
    PlanLimit,
    PreconditionFailed,
    RateLimited,
    Unavailable,
)
from views import help
from views.api.enforcement import ANY_KEY, PUBLIC
from views.api.operations import Declared
from views.errors import CODES, DETAILS

MEANINGS = {
    400: "The request could not be understood.",
    401: "No good API key was sent.",
    403: "The key may not do this.",
    404: "Nothing is here, or it is in another workspace.",
    409: "In conflict with what is there.",
    411: "The body came without its length.",
    412: "`If-Match` names what was changed meanwhile.",
    413: "The body is larger than 1 MB.",
    415: "The body is not marked as JSON.",
    422: "Some values are not valid: `errors` names each field.",
    429: "A limit is reached. Wait as long as `Retry-After` says.",
    431: "The `Authorization` header is too large.",
    500: "An error of ours.",
    503: "Briefly unavailable. Try again after `Retry-After`.",
}
REQUEST_ID = "req_5c0f7a9be2d84b13a6f1"
KEY_ID = "key_3f8r2n6t0y4s7d1c"
WORKSPACE_ID = "ws_4k7n9m2p8q3r5t6v"
# Said to whoever did not send the whole secret of a key, and so nothing of a key.
UNPROVEN = {"missing_key", "invalid_key"}
WRITES = ("post", "put", "patch", "delete")
# Limits of the plan that are not about requests are all about keys.
OF_KEYS = re.compile(r"/(api-keys|key)\b")
# Cross-site requests of browsers to pages.
NOT_HERE = {"forbidden"}

KINDS: tuple[DomainError, ...] = (
    *(KeyRefused(code) for code in REFUSALS),
    InsufficientScope("write:members"),
    NotAllowed("Owners cannot be changed by an API key."),
    PlanLimit("All 3 keys of the Free plan are in use.", limit="active_keys", value=3, plan="free"),
    NotFound(),
    Conflict(),
    PreconditionFailed(),
    Invalid(email="Enter an e-mail address, like ada@example.com."),
    RateLimited("rate_limited", limit=60, plan="free", seconds=12),
    RateLimited("quota_exceeded", limit=10_000, plan="free", seconds=86_400),
    Unavailable(),
)


def statuses(declared: Declared, method: str, path: str) -> list[int]:
    """Every error status of an operation: its own, and those that come with what it takes."""
    found = {500, *declared.errors}
    if declared.scope is not PUBLIC:
        found |= {400, 401, 403, 429, 431, 503}
        if method == "post":
            # Idempotency-Key: not of its form, with another request before, or with more than can be compared.
            found |= {400, 409, 413}
        if method in WRITES:
            # A body in chunks is refused whether or not one is asked for.
            found.add(411)
    if "{" in path:
        found.add(404)
    if declared.query:
        found |= {400, 422}
    if declared.json:
        found |= {400, 411, 413, 415, 422}
    return sorted(found)


def codes(status: int, declared: Declared, method: str, path: str) -> list[str]:
    """The codes that may come with a status, in the order of the help page."""
    return [
        each.code
        for each in help.PROBLEMS
        if each.status == status
        and each.code not in NOT_HERE
        and (each.code != "not_allowed" or method in WRITES)
        and (each.code != "plan_limit" or (method in WRITES and OF_KEYS.search(path)))
        and (each.code != "insufficient_scope" or declared.scope not in (ANY_KEY, PUBLIC))
        and (each.code != "quota_exceeded" or declared.scope is not PUBLIC)
    ]


def described(status: int, named: list[str]) -> dict[str, Any]:
    """The answer of one status: what it means, which codes it may have, and an example of each."""
    meaning = MEANINGS.get(status, HTTPStatus(status).phrase)
    words = f"{'Codes' if len(named) > 1 else 'Code'}: {', '.join(f'`{code}`' for code in named)}."
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if named:
        content["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in named}
    return {
        "description": f"{meaning} {words}" if named else meaning,
        "content": {"application/problem+json": content},
    }


def examples(base_url: str) -> dict[str, Any]:
    """An example of each code, as `components/examples` has them."""
    known = {error.code: error for error in KINDS}
    return {
        each.code: {"summary": each.meaning, "value": _body(each, known.get(each.code), base_url)}
        for each in help.PROBLEMS
    }


def _body(problem: help.Problem, error: DomainError | None, base_url: str) -> dict[str, Any]:
    status, code = problem.status, problem.code
    by_status = CODES.get(status) == code
    body: dict[str, Any] = {
        "type": f"{base_url}/help#{code}",
        "title": error.title if error else HTTPStatus(status).phrase.capitalize(),
        "status": status,
        "detail": error.detail if error else (DETAILS.get(status) if by_status else None) or problem.meaning,
        "code": code,
        "request_id": REQUEST_ID,
    }
    if status in (401, 403, 429) and code not in UNPROVEN:
        page = f"{base_url}/w/{WORKSPACE_ID}/settings/api-keys/{KEY_ID}?request={REQUEST_ID}#refused"
        body |= {"key_id": KEY_ID, "granted_scopes": ["read:members"], "fix_url": page}
    if isinstance(error, InsufficientScope):
        body["required_scope"] = error.scope
    if code == "key_quarantined":
        body["wake_url"] = f"{base_url}/w/{WORKSPACE_ID}/settings/api-keys/{KEY_ID}/wake"
    if isinstance(error, Invalid):
        return body | {"errors": [{"field": field, "message": text} for field, text in error.errors.items()]}
    return body | (error.facts if error else {})
