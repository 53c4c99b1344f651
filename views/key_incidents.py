"""Uses of dead secrets, on the page of their key: what people do once they have looked into them."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey, Incident
from views.access import actor, requires

bp = Blueprint("key_incidents", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")


@bp.post("/resolve-incidents")
@requires("api_keys.manage")
def resolve(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    if Incident.resolve_all(key, by=actor()):
        flash("Marked as looked into. Another use of a dead secret is shown anew.")
    return redirect(url_for("api_keys.show", workspace_id=workspace_id, key_id=key_id), 303)
