"""What a change of a key would have refused, in words; and the pause before a change that would break something."""

from typing import Any

from flask import Response, request

from models import ApiKey, impact
from models.impact import Impact, RouteImpact
from models.key_settings import KeySettings
from views import format, key_forms
from views.forms import carried
from views.htmx import dialog
from views.key_forms import RevokeForm

# Routes that a dialog names.
SHOWN = 5


def sentence(found: Impact) -> str:
    return f"In the last {days(found.days)} this would have refused {calls(found.at_least, found.at_most)}."


def days(number: int) -> str:
    return "day" if number == 1 else f"{number} days"


def calls(at_least: int, at_most: int) -> str:
    """ "1,240 calls", "up to 30 calls", "between 10 and 40 calls"."""
    noun = "call" if at_most == 1 else "calls"
    if not at_most:
        return "no calls"
    if at_least == at_most:
        return f"{at_most:,} {noun}"
    return f"between {at_least:,} and {at_most:,} {noun}" if at_least else f"up to {at_most:,} {noun}"


def addresses(route: RouteImpact) -> str:
    """ "from 2 addresses"; nothing where none is certain."""
    number = route.addresses
    if not number:
        return ""
    noun = "address" if number == 1 else "addresses"
    return f"from {'' if route.addresses_exact else 'at least '}{number:,} {noun}"


def shown(found: Impact) -> dict[str, Any]:
    """For `api_keys/_impact.html`."""
    lines = [(format.route(each.request), calls(each.at_least, each.at_most), addresses(each)) for each in found.routes]
    return {"impact_says": sentence(found), "impact_routes": lines[:SHOWN], "impact_more": len(lines) - SHOWN}


def ask_to_revoke(key: ApiKey, form: RevokeForm, status: int = 200) -> Response:
    return dialog("api_keys/revoke.html", status=status, key=key, form=form, **shown(impact.of_stop(key)))


def asks_before_disabling(key: ApiKey) -> Response | None:
    """The question before a key is disabled that was called lately; None when there is nothing to ask."""
    found = impact.of_stop(key)
    if "anyway" in request.form or key.disabled_at is not None or not found.at_most:
        return None
    return dialog("api_keys/disable.html", key=key, **shown(found))


def asks_before_saving(key: ApiKey, settings: KeySettings) -> Response | None:
    """A look at what an edit would break, before it is saved; it carries the form along."""
    if "anyway" in request.form or key.version != key_forms.version():
        return None
    found = impact.of_change(key, key.settings, settings)
    if not found.at_most:
        return None
    stops = impact.Change.between(key.settings, settings).stops
    sent = carried("anyway", "back")
    return dialog("api_keys/edit_anyway.html", key=key, settings=settings, stops=stops, carried=sent, **shown(found))
