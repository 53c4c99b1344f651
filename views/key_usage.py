"""The uses of a key as a graph: the card on its page, and the same alone when the range changes or time passes."""

from typing import Any

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey, KeyPlace, network, usage_series, usage_sparks
from models.plan import Plan
from models.usage_series import Series
from views import format, htmx, usage_chart, usage_export, usage_words
from views.access import requires
from views.key_reveal import test_url

bp = Blueprint("key_usage", __name__, url_prefix="/w/<workspace_id>/settings/api-keys/<key_id>")

DEFAULT = "30d"


@bp.get("/usage")
@requires("api_keys.manage")
def show(workspace_id: str, key_id: str) -> ResponseReturnValue:
    """What of the page changes with the range and with time; a browser without htmx is led to the page itself."""
    key = ApiKey.find(workspace_id, key_id)
    seen = url_for("api_keys.show", workspace_id=workspace_id, key_id=key_id, range=_asked())
    return htmx.part("usage/_live.html", seen_at=seen, **context(key))


@bp.get("/usage.csv")
@requires("api_keys.manage")
def as_csv(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = ApiKey.find(workspace_id, key_id)
    return usage_export.series_csv(_series(key), f"usage-{key.id}-{_asked()}")


@bp.get("/usage.json")
@requires("api_keys.manage")
def as_json(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = ApiKey.find(workspace_id, key_id)
    facts = {"key_id": key.id, "name": key.name, "range": _asked()}
    return usage_export.download(facts | usage_export.series_json(_series(key)), f"usage-{key.id}-{_asked()}")


def context(key: ApiKey) -> dict[str, Any]:
    """What the cards of use and of the last use show."""
    series = _series(key)
    return {
        "key": key,
        "live": key.is_live(g.now),
        "now": g.now,
        "usage": series,
        "usage_chart": usage_chart.chart(series, g.now),
        "usage_words": usage_words,
        "usage_range": _asked(),
        "usage_caption": usage_words.caption(series, g.now),
        "usage_notes": usage_words.notes(series, _plan(), f"The key was made {format.day_time(key.created_at)}."),
        "places": KeyPlace.of(key.id),
        "still_allowed": lambda address: network.allows(key.networks, address),
        "test_url": test_url(key),
    }


def of_list(keys: list[ApiKey]) -> dict[str, Any]:
    """What the list shows of the use of its keys."""
    days, found = usage_sparks.days_of(_plan()), usage_sparks.sparks(keys, _plan(), g.now)
    return {"spark_days": days, "sparks": lambda key: usage_chart.small(found[key.id], days)}


def _series(key: ApiKey) -> Series:
    return usage_series.of_key(key, _plan(), usage_series.latest(_asked(), g.now), g.now)


def _asked() -> str:
    wanted = request.args.get("range", DEFAULT)
    return wanted if wanted in usage_series.RANGES else DEFAULT


def _plan() -> Plan:
    plan: Plan = g.member.workspace.plan
    return plan
