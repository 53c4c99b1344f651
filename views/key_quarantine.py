"""Putting a key aside, waking it, and sparing it from the clean-up: each a question first, then a POST."""

from flask import Blueprint, Response, flash, request
from flask.typing import ResponseReturnValue
from wtforms import StringField

from models import ApiKey, impact
from models.errors import Invalid
from views import key_forms, key_impact
from views.access import actor, password_recently, requires
from views.forms import PageForm
from views.htmx import dialog
from views.key_reveal import to_page

bp = Blueprint("key_quarantine", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

BOTH = ("GET", "POST")


class ExemptForm(PageForm):
    reason = StringField("Why it is kept")


@bp.route("/quarantine", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def quarantine(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """Refuse the key until somebody wakes it."""
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return dialog("api_keys/quarantine.html", key=key, **key_impact.shown(impact.of_stop(key)))
    key.quarantine(by=actor())
    flash(f"{key.name} is in quarantine.")
    return to_page(key)


@bp.route("/wake", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def wake(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """Where the refusal of a key in quarantine leads its owners: it works again after a POST."""
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return dialog("api_keys/wake.html", key=key)
    key.wake(by=actor())
    flash(f"{key.name} is awake.")
    return to_page(key)


@bp.route("/keep", methods=BOTH)
@requires("api_keys.manage")
def keep(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """Spare the key from the clean-up in stages, for a reason; or no longer."""
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST":
        return _ask(key, ExemptForm(formdata=None, data={"reason": key.exempt_reason or ""}))
    if "end" in request.form:
        key.end_exemption(by=actor())
        flash(f"The clean-up sees {key.name} again.")
        return to_page(key)
    form = ExemptForm()
    try:
        key.exempt(form.text("reason"), by=actor())
    except Invalid as problem:
        form.blame(problem)
        return _ask(key, form, 422)
    flash(f"{key.name} is spared from the clean-up.")
    return to_page(key)


def _ask(key: ApiKey, form: ExemptForm, status: int = 200) -> Response:
    return dialog("api_keys/keep.html", status=status, key=key, form=form)
