"""Plans in words, for every page that tells of them."""

from datetime import datetime

from models import plan_fit
from models.api_key import ApiKey
from models.plan import PLANS, Plan
from views import format

FOR_WHOM = {
    "free": "To try it, and for a script of your own.",
    "team": "For a team with integrations that people rely on.",
    "business": "For many integrations, and their traffic.",
    "enterprise": "For a company that sets no limits.",
}


def facts(plan: Plan) -> list[tuple[str, str]]:
    """What the plan includes, as name and value."""
    month = plan.requests_per_month
    return [
        ("Active API keys", "No limit" if plan.active_keys is None else f"{plan.active_keys:,}"),
        ("Longest key lifetime", f"{plan.longest_life.days} days" if plan.longest_life else "No limit"),
        ("Keys with admin:workspace", "Included" if plan.admin_keys else "Not included"),
        ("IP allowlists", "Included" if plan.allowlists else "Not included"),
        ("Requests a minute, for each key", f"{plan.requests_per_minute:,}"),
        ("Requests a month, for the workspace", "No limit" if month is None else f"{month:,}"),
        ("History", f"{plan.history.days} days"),
    ]


def next_larger(plan: Plan) -> Plan | None:
    plans = list(PLANS.values())
    place = plans.index(plan) + 1
    return plans[place] if place < len(plans) else None


def misfit_words(key: ApiKey, plan: Plan, moment: datetime) -> list[str]:
    """Each way in which a key is over the plan, as a sentence."""
    words = {
        plan_fit.LIFE: _life(key, plan),
        plan_fit.ADMIN: "It has admin:workspace, which the plan does not include.",
        plan_fit.NETWORKS: "It has an IP allowlist, which the plan does not include. The list still holds.",
    }
    return [words[name] for name in plan_fit.misfits(key, plan, moment)]


def _life(key: ApiKey, plan: Plan) -> str:
    days = plan.longest_life.days if plan.longest_life else 0
    end = "It never expires" if key.expires_at is None else f"It expires {format.day(key.expires_at)}"
    return f"{end}; keys live at most {days} days on the plan. Give it an earlier end to fit."
