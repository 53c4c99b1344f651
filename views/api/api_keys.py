"""API keys, managed by a key with `admin:workspace`. It can give, and get, no more than it holds itself."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, url_for
from pydantic import BaseModel

from models import ApiKey, KeySecret, Workspace, key_list
from models.database import now
from models.errors import Invalid
from models.key_settings import KeySettings
from models.paging import Place
from models.scope import ADMIN
from views.api import enforcement, once, operations, paging
from views.api.answers import answer, tagged, with_secret
from views.api.schemas import api_keys as shapes
from views.format import iso

NEEDED = {"name": "Enter a name.", "scopes": "Choose at least one scope.", "disabled": "Say true or false."}
EMPTY: dict[str, Any] = {"note": "", "networks": []}


def add_routes(bp: Blueprint) -> None:
    one = "/w/<workspace_id>/api-keys/<key_id>"
    bp.get("/w/<workspace_id>/api-keys")(list_api_keys)
    bp.post("/w/<workspace_id>/api-keys")(create_api_key)
    bp.get(one)(get_api_key)
    bp.patch(one)(change_api_key)
    bp.delete(one)(delete_api_key)
    bp.post(f"{one}/revoke")(revoke_api_key)


@operations.operation(ADMIN, operations.API_KEYS, query=shapes.ApiKeyQuery, returns=shapes.ApiKeyList, errors=(404,))
def list_api_keys(workspace_id: str) -> Response:
    """List API keys.

    Oldest first, in pages. Deleted keys are not among them.
    """
    moment, status = now(), operations.asked().status
    retiring: dict[str, KeySecret] = {}

    def a_page(limit: int, after: Place | None) -> tuple[list[ApiKey], bool]:
        keys, more = key_list.page(g.credential.workspace_id, moment, status, limit, after)
        retiring.update(KeySecret.retiring([key.id for key in keys], moment))
        return keys, more

    return paging.listed(a_page, lambda key: _shown(key, retiring.get(key.id)))


@operations.operation(
    ADMIN, operations.API_KEYS, json=shapes.NewApiKey, returns=shapes.ApiKeyWithSecret, status=201, errors=(404, 409)
)
def create_api_key(workspace_id: str) -> Response:
    """Create an API key.

    The answer holds the secret, once. The new key has at most the scopes, the addresses and the remaining life of the
    key that makes it, and no longer a life than the plan allows.
    """
    given = operations.taken()
    settings = KeySettings(
        name=given.name,
        scopes=frozenset(given.scopes),
        note=given.note,
        networks=tuple(given.networks),
        starts_at=given.starts_at,
        expires_at=given.expires_at,
    )
    key, made = ApiKey.issue(Workspace.known(g.credential.workspace_id), settings, by=enforcement.actor())
    place = url_for("api.get_api_key", workspace_id=key.workspace_id, key_id=key.id)
    return with_secret(json_of(key), made.reveal(), 201, {"Location": place})


@operations.operation(ADMIN, operations.API_KEYS, returns=shapes.ApiKey, errors=(404,))
def get_api_key(workspace_id: str, key_id: str) -> Response:
    """Get an API key.

    Its settings, its state and its last use. Never its secret.
    """
    return tagged(json_of(found(key_id)))


@operations.operation(
    ADMIN, operations.API_KEYS, json=shapes.ApiKeyChange, returns=shapes.ApiKey, errors=(404, 409, 412)
)
def change_api_key(workspace_id: str, key_id: str) -> Response:
    """Change an API key.

    A merge patch: only what is given changes, all of it or nothing. A key gives no other key more than it holds, and
    itself nothing.
    """
    values = settings_given(operations.taken())
    disabled = values.pop("disabled", None)
    key = found(key_id)
    once.expect(json_of(key))
    key.change(values, disabled=disabled, by=enforcement.actor())
    return tagged(json_of(found(key_id)))


@operations.operation(ADMIN, operations.API_KEYS, status=204, errors=(404, 409, 412))
def delete_api_key(workspace_id: str, key_id: str) -> Response:
    """Delete an API key.

    Takes a revoked or expired key off the list. One that still works must be revoked first: 409.
    """
    key = found(key_id)
    once.expect(json_of(key))
    key.delete(by=enforcement.actor())
    return answer(None, 204)


@operations.operation(ADMIN, operations.API_KEYS, json=shapes.Revocation, returns=shapes.ApiKey, errors=(404,))
def revoke_api_key(workspace_id: str, key_id: str) -> Response:
    """Revoke an API key.

    For good, from the next request on. A key may revoke itself.
    """
    given = operations.taken()
    found(key_id).revoke(by=enforcement.actor(), reason=given.reason, note=given.note)
    return tagged(json_of(found(key_id)))


def settings_given(patch: BaseModel) -> dict[str, Any]:
    """What a merge patch of a key changes. Null empties a setting; `Invalid` for one that cannot be empty."""
    given = patch.model_dump(exclude_unset=True)
    if missing := {field: words for field, words in NEEDED.items() if field in given and given[field] is None}:
        raise Invalid(missing)
    values: dict[str, Any] = {field: EMPTY.get(field) if value is None else value for field, value in given.items()}
    if "scopes" in values:
        values["scopes"] = frozenset(values["scopes"])
    if "networks" in values:
        values["networks"] = tuple(values["networks"])
    return values


def found(key_id: str) -> Any:
    """The key with this id in the workspace of the key that asks."""
    return ApiKey.find(g.credential.workspace_id, key_id)


def json_of(key: ApiKey) -> dict[str, Any]:
    """A key as the API shows it."""
    return _shown(key, KeySecret.retiring_of(key.id, now()))


def _shown(key: ApiKey, retiring: KeySecret | None) -> dict[str, Any]:
    moment = now()
    if not key.is_live(moment):
        retiring = None
    return {
        "id": key.id,
        "name": key.name,
        "note": key.note,
        "scopes": key.scopes.split(),
        "networks": key.networks.split(),
        "status": key.state(moment),
        "hint": key.hint,
        "retiring_secret": retiring
        and {
            "hint": retiring.hint,
            "retired_at": _time(retiring.retired_at),
            "ends_at": _time(retiring.ends_at),
        },
        "created_at": iso(key.created_at),
        "created_by": {
            "kind": key.creator_kind,
            "name": key.creator_name,
            "id": key.creator_key_id or key.creator_id,
            "member_id": key.creator_id,
        },
        "starts_at": _time(key.starts_at),
        "expires_at": _time(key.expires_at),
        "disabled_at": _time(key.disabled_at),
        "revoked_at": _time(key.revoked_at),
        "revoke_reason": key.revoke_reason,
        "last_used_at": _time(key.last_used_at),
        "last_used_address": key.last_used_address,
        "last_used_client": key.last_used_client,
        "last_used_request": key.last_used_request,
        "last_used_status": key.last_used_status,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
