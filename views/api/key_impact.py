"""A dry run: what a change of a key would have refused of the calls of the last days."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g

from models import ApiKey, Workspace, impact, key_settings
from models.database import now
from models.impact import Impact
from models.scope import ADMIN
from views.api import operations
from views.api.answers import answer
from views.api.schemas import key_impact as shapes
from views.format import iso


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/api-keys/<key_id>/impact")(get_api_key_impact)


@operations.operation(ADMIN, operations.API_KEYS, query=shapes.ImpactQuery, returns=shapes.Impact, errors=(403, 404))
def get_api_key_impact(workspace_id: str, key_id: str) -> Response:
    """Tell what a change would break.

    Nothing is changed. The calls of this key in the last 7 days (of UTC, today included) are put to the test of what is
    given; with nothing given, of revoking or disabling the key. Only calls that were let in count.
    """
    key: ApiKey = ApiKey.find(g.credential.workspace_id, key_id)
    given = operations.asked().model_dump(exclude_unset=True)
    if not given:
        return answer(_json(impact.of_stop(key)))
    before = key.settings
    after = replace(before, **_settings(given))
    workspace = Workspace.known(key.workspace_id)
    after = key_settings.checked(after, workspace.plan, now(), before, workspace.policy)
    return answer(_json(impact.of_change(key, before, after)))


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if "scopes" in values:
        values["scopes"] = frozenset(values["scopes"].replace(",", " ").split())
    if "networks" in values:
        values["networks"] = (values["networks"],)
    return values


def _json(found: Impact) -> dict[str, Any]:
    return {
        "days": found.days,
        "since": iso(found.since),
        "at_least": found.at_least,
        "at_most": found.at_most,
        "routes": [
            {
                "request": route.request,
                "at_least": route.at_least,
                "at_most": route.at_most,
                "addresses": route.addresses,
                "addresses_exact": route.addresses_exact,
            }
            for route in found.routes
        ],
    }
