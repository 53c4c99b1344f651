"""`/key`: what the key in hand is, and how it can narrow itself."""

from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, g

from models import ApiKey, database
from models.verification import Credential
from views.api import enforcement, once, operations
from views.api.answers import tagged
from views.api.api_keys import settings_given
from views.api.enforcement import ANY_KEY
from views.api.schemas import key as shapes
from views.format import iso


def add_routes(bp: Blueprint) -> None:
    bp.get("/key")(get_key)
    bp.patch("/key")(narrow_key)


@operations.operation(ANY_KEY, operations.KEY, returns=shapes.Key)
def get_key() -> Response:
    """Tell what this key is.

    Its name, workspace, scopes, addresses, times and limits.
    """
    return tagged(_json(g.credential))


@operations.operation(ANY_KEY, operations.KEY, json=shapes.KeyChange, returns=shapes.Key, errors=(409, 412))
def narrow_key() -> Response:
    """Narrow this key.

    Fewer scopes, fewer addresses or an earlier end. A key can never give itself more.
    """
    values = settings_given(operations.taken())
    held: Credential = g.credential
    key = ApiKey.find(held.workspace_id, held.key_id)
    # As it is now: somebody may have changed it since this request was let in.
    once.expect(_json(held.after_change(key)))
    key.change(values, disabled=None, by=enforcement.actor())
    g.credential = held.after_change(ApiKey.find(held.workspace_id, held.key_id))
    return tagged(_json(g.credential))


def _json(held: Credential) -> dict[str, Any]:
    plan = held.plan
    return {
        "id": held.key_id,
        "name": held.name,
        "workspace_id": held.workspace_id,
        "scopes": held.scopes.split(),
        "networks": held.networks.split(),
        "created_at": _time(held.created_at),
        "starts_at": _time(held.starts_at),
        "expires_at": _time(held.expires_at),
        "limits": {
            "requests_per_minute": plan.requests_per_minute,
            "requests_per_month": plan.requests_per_month,
        },
    }


@lru_cache(maxsize=4096)
def _time(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso(database.from_microseconds(microseconds))
