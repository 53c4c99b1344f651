"""Old links, as in mails: to what was deleted they lead to its list, to what a key no longer takes to its page."""

from collections.abc import Callable

from flask import Response, flash, g, make_response, redirect, request, url_for

from models import gone
from models.errors import DomainError, KeyEnded, NotFound
from models.gone import Gone
from views.format import short_day
from views.frame import PROGRAMS

# Of an address: the part that names something, its list, and who knows what became of it.
_PLACES: dict[str, tuple[str, Callable[[str, str], Gone | None]]] = {
    "key_id": ("api_keys.index", gone.key_told),
    "webhook_id": ("webhooks.index", gone.webhook_told),
}


def answer(error: DomainError) -> Response | None:
    """For somebody who may see what the link is about; None where nothing was, also in another workspace."""
    # What renews itself must not take a person away from a page.
    if "member" not in g or request.path.startswith(PROGRAMS) or "X-Renewal" in request.headers:
        return None
    if isinstance(error, KeyEnded) and request.method == "GET":
        flash(error.detail)
        place = url_for("api_keys.show", workspace_id=g.member.workspace_id, key_id=error.key_id)
        return make_response(redirect(place, 303))
    return _list() if isinstance(error, NotFound) else None


def _list() -> Response | None:
    for name, (listed, told) in _PLACES.items():
        found = told(g.member.workspace_id, (request.view_args or {}).get(name, "").replace("\0", ""))
        if found:
            by = f" by {found.by}" if found.by else ""
            unchanged = "" if request.method in ("GET", "HEAD") else " Nothing was changed."
            flash(f"{found.name} was deleted on {short_day(found.at)}{by}.{unchanged}")
            return make_response(redirect(url_for(listed, workspace_id=g.member.workspace_id), 303))
    return None
