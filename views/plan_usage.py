"""The month of a workspace on Plan & usage: its days as a graph, its busiest keys, and where it will end."""

from typing import Any

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from models import Workspace, quota, usage_month
from models.plan import Plan
from models.usage_month import Projection, TopKey
from models.usage_series import Series
from views import access, format, usage_chart, usage_export, usage_words

bp = Blueprint("plan_usage", __name__, url_prefix="/w/<workspace_id>/settings/plan")


@bp.get("/usage.csv")
@access.member_required
def as_csv(workspace_id: str) -> ResponseReturnValue:
    return usage_export.series_csv(_month(), _name("usage"))


@bp.get("/top-keys.csv")
@access.member_required
def top_keys_csv(workspace_id: str) -> ResponseReturnValue:
    rows = [each.values() for each in _keys_json(usage_month.top_keys(_workspace(), g.now))]
    return usage_export.sheet(["key_id", "name", "deleted", "requests", "failed"], rows, _name("top-keys"))


@bp.get("/usage.json")
@access.member_required
def as_json(workspace_id: str) -> ResponseReturnValue:
    workspace, used = _workspace(), quota.used(workspace_id)
    found = usage_month.projection(workspace, used, g.now)
    body = {
        "workspace_id": workspace.id,
        **usage_export.series_json(_month()),
        "quota": workspace.plan.requests_per_month,
        "used": used,
        "projection": _projection_json(found) if found else None,
        "top_keys": _keys_json(usage_month.top_keys(workspace, g.now)),
    }
    return usage_export.download(body, _name("usage"))


def context(used: int) -> dict[str, Any]:
    """What the cards of the month show, when so much of the quota is used."""
    workspace, series = _workspace(), _month()
    found = usage_month.projection(workspace, used, g.now)
    return {
        "usage": series,
        "usage_chart": usage_chart.chart(series, g.now),
        "usage_words": usage_words,
        "usage_caption": usage_words.caption(series, g.now),
        "usage_notes": usage_words.notes(
            series, workspace.plan, f"The workspace was made {format.day_time(workspace.created_at)}."
        ),
        "projection": _told(found, workspace.plan) if found else "",
        "runs_out": bool(found and found.used_up),
        "top": usage_month.top_keys(workspace, g.now),
        "top_from": usage_month.top_from(workspace.plan, g.now),
    }


def _told(found: Projection, plan: Plan) -> str:
    """How much the month will have used, and how that was reckoned."""
    days = f"the last {found.days} full days" if found.days != 1 else "the last full day"
    told = f"At the average of {days}, {round(found.a_day):,} a day, "
    told += f"the month ends near {_rounded(found.expected):,} requests"
    month = plan.requests_per_month
    if month:
        over = found.expected > month
        told += (
            f", {f'{found.expected / month:,.0%}' if over else usage_words.share(found.expected, month)} of the quota"
        )
    told += "."
    if found.used_up:
        told += f" The quota would be used up on {usage_words.day(found.used_up)}, UTC."
    return told


def _rounded(number: int) -> int:
    """Three digits: more would claim to know."""
    return round(number, min(0, 3 - len(str(number))))


def _projection_json(found: Projection) -> dict[str, Any]:
    used_up = format.iso(found.used_up) if found.used_up else None
    return {"days": found.days, "a_day": round(found.a_day, 1), "expected": found.expected, "used_up": used_up}


def _keys_json(keys: list[TopKey]) -> list[dict[str, Any]]:
    return [
        {"key_id": key.id, "name": key.name, "deleted": key.is_deleted, "requests": key.total, "failed": key.failed}
        for key in keys
    ]


def _month() -> Series:
    return usage_month.month(_workspace(), g.now)


def _workspace() -> Workspace:
    workspace: Workspace = g.member.workspace
    return workspace


def _name(what: str) -> str:
    return f"{what}-{g.member.workspace_id}-{g.now:%Y-%m}"
