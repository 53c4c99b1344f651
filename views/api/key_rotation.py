"""Rotation of API keys by a key that manages: a new secret, and what can be done while the old one works on."""

from flask import Blueprint, Response, g, url_for

from models import KeySecret
from models.api_key import ApiKey
from models.database import now
from models.scope import ADMIN
from views.api import enforcement, operations
from views.api.answers import tagged, with_secret
from views.api.api_keys import found, json_of
from views.api.schemas import api_keys as shapes


def add_routes(bp: Blueprint) -> None:
    one = "/w/<workspace_id>/api-keys/<key_id>"
    bp.post(f"{one}/rotate")(rotate_api_key)
    bp.post(f"{one}/finish-rotation")(finish_api_key_rotation)
    bp.post(f"{one}/extend-rotation")(extend_api_key_rotation)
    bp.post(f"{one}/undo-rotation")(undo_api_key_rotation)


@operations.operation(
    ADMIN, operations.API_KEYS, json=shapes.Rotation, returns=shapes.ApiKeyWithSecret, status=201, errors=(404, 409)
)
def rotate_api_key(workspace_id: str, key_id: str) -> Response:
    """Rotate an API key.

    The answer holds a new secret, once. The old one works on for the overlap, if there is one; the key stays what it
    is. Of two who rotate at once, one gets 409, and so does an overlap while the last one is not over.
    """
    key, held = found(key_id), g.credential
    # A key that rotates itself saw the secret that it sent.
    seen = held.secret_id if held.key_id == key.id else KeySecret.current_of(key.id).id
    made = key.rotate(by=enforcement.actor(), overlap=operations.taken().overlap, seen=seen)
    place = url_for("api.get_api_key", workspace_id=key.workspace_id, key_id=key.id)
    return with_secret(json_of(found(key_id)), made.reveal(), 201, {"Location": place})


@operations.operation(ADMIN, operations.API_KEYS, returns=shapes.ApiKey, errors=(404, 409))
def finish_api_key_rotation(workspace_id: str, key_id: str) -> Response:
    """Finish a rotation now.

    The old secret stops before its overlap is over, from the next request on and for good. Without one that still
    works it is 409.
    """
    key = found(key_id)
    key.finish_rotation(by=enforcement.actor(), seen=_seen(key))
    return tagged(json_of(found(key_id)))


@operations.operation(ADMIN, operations.API_KEYS, json=shapes.MoreTime, returns=shapes.ApiKey, errors=(404, 409))
def extend_api_key_rotation(workspace_id: str, key_id: str) -> Response:
    """Give the old secret more time.

    Counted from now. `retiring_secret.ends_at` tells the end: never beyond that of the key, nor beyond what the policy
    of the workspace allows. An end that is no later than the present one is 422.
    """
    key = found(key_id)
    overlap = operations.taken().overlap
    key.extend_rotation(by=enforcement.actor(), overlap=overlap, seen=_seen(key), sent=g.credential.secret_id)
    return tagged(json_of(found(key_id)))


@operations.operation(ADMIN, operations.API_KEYS, returns=shapes.ApiKey, errors=(404, 409))
def undo_api_key_rotation(workspace_id: str, key_id: str) -> Response:
    """Undo a rotation.

    The old secret becomes the current one again, while it works. The new one stops at once, for good.
    """
    key = found(key_id)
    key.undo_rotation(by=enforcement.actor(), seen=_seen(key), sent=g.credential.secret_id)
    return tagged(json_of(found(key_id)))


def _seen(key: ApiKey) -> str | None:
    old = KeySecret.retiring_of(key.id, now())
    return old.id if old else None
