"""`/key`: what the key in hand is, and how it can narrow and rotate itself."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from models import ApiKey, KeySecret, database
from models.database import now, now_microseconds
from models.verification import Credential
from views.api import enforcement, once, operations, warnings
from views.api.answers import tagged, with_secret
from views.api.api_keys import settings_given
from views.api.enforcement import ANY_KEY
from views.api.schemas import key as shapes
from views.api.warnings import time_of
from views.format import iso


def add_routes(bp: Blueprint) -> None:
    bp.get("/key")(get_key)
    bp.patch("/key")(narrow_key)
    bp.post("/key/rotate")(rotate_key)


@operations.operation(ANY_KEY, operations.KEY, returns=shapes.Key)
def get_key() -> Response:
    """Tell what this key is.

    Its name, workspace, scopes, addresses, times and limits, and whether the secret that is sent will stop working.
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


@operations.operation(
    ANY_KEY, operations.KEY, json=shapes.OwnRotation, returns=shapes.KeyWithSecret, status=201, errors=(409,)
)
def rotate_key() -> Response:
    """Rotate this key.

    The answer holds a new secret, once. The one that was sent works on for the overlap. Only the current secret may
    ask: one that retires has been replaced already, and answers 409.
    """
    held: Credential = g.credential
    key = ApiKey.find(held.workspace_id, held.key_id)
    made = key.rotate(by=enforcement.actor(), overlap=operations.taken().overlap, seen=held.secret_id)
    old = KeySecret.retiring_of(key.id, now())
    # The body is about the new secret, the header fields about the one that was sent.
    body = _json(held) | {"old_secret_ends_at": old and iso(old.ends_at)}
    if old:
        retired, ends = (database.to_microseconds(each) for each in (old.retired_at, old.ends_at))
        g.credential = held._replace(retired_at=retired, ends_at=ends)
    return with_secret(body, made.reveal(), 201, {"Location": url_for("api.get_key")})


def _json(held: Credential) -> dict[str, Any]:
    plan = held.plan
    return {
        "id": held.key_id,
        "name": held.name,
        "workspace_id": held.workspace_id,
        "scopes": held.scopes.split(),
        "networks": held.networks.split(),
        "created_at": time_of(held.created_at),
        "starts_at": time_of(held.starts_at),
        "expires_at": time_of(held.expires_at),
        "limits": {
            "requests_per_minute": plan.requests_per_minute,
            "requests_per_month": plan.requests_per_month,
        },
        **warnings.facts(held, now_microseconds()),
    }
