"""What a key could do without: scopes that it never uses, and addresses that it never calls from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, g, request
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from models import ApiKey, key_advice, key_networks, key_settings, network
from models.errors import Conflict, Invalid, PlanLimit
from models.key_settings import KeySettings
from models.plan import Plan
from views import key_forms, key_impact
from views.access import actor, need_password, password_recently, requires
from views.forms import PageForm
from views.htmx import dialog
from views.key_reveal import to_page

bp = Blueprint("key_advice", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

# Networks that the page names.
FIRST = 8
EMPTY = "Enter at least one address or network. An empty list would allow every address."


class RestrictForm(PageForm):
    version = StringField()
    # The list whose outcome the form shows, and the networks that it keeps out.
    seen = StringField()
    networks = TextAreaField("Allowed addresses and networks")


def shown(key: ApiKey, plan: Plan, moment: datetime) -> Mapping[str, Any]:
    """For `api_keys/_advice.html` and `api_keys/_networks.html`."""
    found = key_networks.learned(key, plan, moment)
    proposal = key_networks.proposal(key, found)
    return {
        "advice": key_advice.of(key, plan, moment),
        "narrowing": key_advice.narrowing(key, moment),
        "learned": found if "networks" in request.args else found[:FIRST],
        "learned_total": len(found),
        "learned_days": key_networks.days_of(plan),
        "proposes_networks": bool(proposal) and set(proposal) != set(key.networks.split()),
        "everywhere": network.EVERYWHERE,
    }


@bp.post("/narrow")
@requires("api_keys.manage")
def narrow(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    key_advice.narrow(key, frozenset(request.form.getlist("scopes")), version=key_forms.version(), by=actor())
    flash(f"{key.name} is narrowed to what it uses. You can undo that for 7 days.")
    return to_page(key)


@bp.post("/undo-narrow")
@requires("api_keys.manage")
@password_recently
def undo_narrow(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    key_advice.undo(key, by=actor())
    flash(f"{key.name} has its scopes back.")
    return to_page(key)


@bp.route("/restrict", methods=("GET", "POST"))
@requires("api_keys.manage")
def restrict(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """An allowlist from what was learned, with what it would have refused, before it is set."""
    key = key_forms.live(workspace_id, key_id)
    form = RestrictForm()
    if request.method != "POST":
        proposal = key_networks.proposal(key, key_networks.learned(key, _plan(), g.now))
        form.networks.data, form.version.data = _in_lines(proposal), str(key.version)
        return _ask(key, form, proposal)
    try:
        settings = _entered(key, form)
        if "check" in request.form or _breaks_unseen(key, form, settings):
            return _ask(key, form, settings.networks)
        if key.version == key_forms.version() and key_settings.widens(key.settings, settings):
            need_password()
        key.edit(settings, version=key_forms.version(), by=actor())
    except (Invalid, PlanLimit) as problem:
        form.blame(Invalid(networks=problem.detail))
        return _ask(key, form, (), problem.status)
    except Conflict as problem:
        current = key_forms.live(workspace_id, key_id)
        form.version.data = str(current.version)
        return _ask(current, form, settings.networks, problem.status, problem=problem.detail)
    flash(f"{key.name} works from these addresses only.")
    return to_page(key)


def _entered(key: ApiKey, form: RestrictForm) -> KeySettings:
    entered = replace(key.settings, networks=(form.networks.data or "",))
    settings = key_settings.checked(entered, _plan(), g.now, key.settings)
    if not settings.networks:
        raise Invalid(networks=EMPTY)
    return settings


def _breaks_unseen(key: ApiKey, form: RestrictForm, settings: KeySettings) -> bool:
    """Whether the list would refuse calls, and the person has not seen yet which."""
    return form.seen.data != _seen(key, settings.networks) and key_networks.simulate(key, settings.networks).at_most > 0


def _seen(key: ApiKey, networks: tuple[str, ...]) -> str:
    """What a look at this list tells; it is another once a further network has called."""
    refused = key_networks.refused(key_networks.learned(key, _plan(), g.now), networks)
    return f"{' '.join(networks)} not {' '.join(refused)}"


def _ask(key: ApiKey, form: RestrictForm, networks: tuple[str, ...], status: int = 200, **more: object) -> Response:
    found = key_networks.simulate(key, networks) if networks else None
    form.seen.data = _seen(key, networks) if networks else ""
    words = key_impact.shown(found) if found else {}
    breaks = bool(found and found.at_most)
    context = {"key": key, "form": form, "plan": _plan(), "simulated": found, "breaks": breaks, **words, **more}
    return dialog("api_keys/restrict.html", status=status, **context)


def _in_lines(networks: tuple[str, ...]) -> str:
    """One a line; a single address without the length that it is stored with."""
    return "\n".join(each.removesuffix("/32") for each in networks)


def _plan() -> Plan:
    plan: Plan = g.member.workspace.plan
    return plan
