"""The plans side by side, for everybody."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from models import Member
from models.plan import PLANS
from views import htmx, plan_words

bp = Blueprint("pricing", __name__)


@bp.get("/pricing")
def show() -> ResponseReturnValue:
    if "user" in g:
        g.member = Member.first_of(g.user)
    member = g.get("member")
    return htmx.page(
        "pricing/show.html",
        plans=[(plan, plan_words.FOR_WHOM[plan.slug], plan_words.facts(plan)) for plan in PLANS.values()],
        current=member.workspace.plan.slug if member else None,
    )
