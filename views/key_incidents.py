"""Uses of dead secrets, on the page of their key: what is known of each, and what people do about them."""

from typing import NamedTuple

from flask import Blueprint, flash, request
from flask.typing import ResponseReturnValue

from models import ApiKey, Incident, incident_evidence
from models.incident_evidence import CLIENT, NETWORK, NOBODY
from views.access import actor, requires
from views.format import day_time
from views.key_reveal import to_page

bp = Blueprint("key_incidents", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

# What stands beside the address, with the look of it.
SEEN = {CLIENT: ("Known client", ""), NETWORK: ("Known network", ""), NOBODY: ("New network", "bad")}


class Shown(NamedTuple):
    """An open incident, with what helps to tell what it is."""

    incident: Incident
    badge: tuple[str, str] | None
    of_secret: str
    of_place: str


@bp.post("/resolve-incidents")
@requires("api_keys.manage")
def resolve(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    if Incident.resolve(key, request.form.getlist("incident"), by=actor()):
        flash("Marked as looked into. Another use of a dead secret is shown anew.")
    return to_page(key)


def shown(key: ApiKey) -> list[Shown]:
    """The open incidents of a key, latest first."""
    found = Incident.open_of(key)
    evidence = incident_evidence.of(key, [(each.secret_id, each.address, each.client) for each in found])
    return [
        Shown(incident, SEEN.get(known.seen), known.of_secret(day_time), known.of_place(day_time))
        for incident, known in zip(found, evidence, strict=True)
    ]
