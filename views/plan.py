"""Plan & usage: how much of its plan a workspace uses, and what no longer fits."""

from datetime import UTC, datetime

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from models import monthly_use, plan_fit, quota
from models.database import from_microseconds, to_microseconds
from views import access, htmx, plan_usage, plan_words

bp = Blueprint("plan", __name__, url_prefix="/w/<workspace_id>/settings/plan")


@bp.get("")
@access.member_required
def show(workspace_id: str) -> ResponseReturnValue:
    workspace = g.member.workspace
    fit = plan_fit.fit(workspace, g.now)
    larger, used = plan_words.next_larger(workspace.plan), quota.used(workspace_id)
    return htmx.page(
        "plan/show.html",
        plan=workspace.plan,
        fit=fit,
        words=[(key, plan_words.misfit_words(key, workspace.plan, g.now)) for key in fit.over],
        used=used,
        **plan_usage.context(used),
        resets=_next_month(g.now),
        facts=plan_words.facts(workspace.plan),
        larger=larger,
        larger_facts=plan_words.facts(larger) if larger else [],
        may_manage=g.member.may("api_keys.manage"),
    )


def _next_month(moment: datetime) -> datetime:
    return from_microseconds(monthly_use.month_at(to_microseconds(moment)).ends).astimezone(UTC)
