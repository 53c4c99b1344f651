"""The plans and their limits. Pages, forms, the API and errors all read this one table."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Plan:
    """None means no limit."""

    slug: str
    title: str
    active_keys: int | None
    longest_life: timedelta | None
    admin_keys: bool
    allowlists: bool
    requests_per_minute: int
    requests_per_month: int | None
    history: timedelta


PLANS = {
    plan.slug: plan
    for plan in (
        Plan("free", "Free", 3, timedelta(days=90), False, False, 60, 10_000, timedelta(days=7)),
        Plan("team", "Team", 25, None, True, True, 600, 1_000_000, timedelta(days=90)),
        Plan("business", "Business", 500, None, True, True, 6_000, 50_000_000, timedelta(days=400)),
        Plan("enterprise", "Enterprise", None, None, True, True, 1_000_000, None, timedelta(days=400)),
    )
}
