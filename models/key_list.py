"""The list of keys as its page shows it: searched, filtered, sorted, counted and cut into pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from peewee import JOIN, Case, fn

from models import paging, role, secret, text
from models.api_key import ApiKey
from models.key_secret import KeySecret
from models.key_state import EXPIRING, never_used_after
from models.leak import Leak
from models.member import Member
from models.policy import Policy
from models.secret import Secret
from models.workspace import Workspace

PAGE_SIZE = 25
Kind = Literal["", "leaked", "expiring", "left", "unused"]

FILTERS = {
    "all": "All",
    "active": "Active",
    "expiring": "Expiring",
    "unused": "Unused",
    "inactive": "Inactive",
}
SORTS = {
    "attention": "Needs attention",
    "name": "Name",
    "used": "Last used",
    "created": "Newest",
    "expires": "Expires first",
}


@dataclass(frozen=True, slots=True)
class Attention:
    """All keys of a workspace at a glance: how many count against the plan, and the one thing that needs a look."""

    used: int
    kind: Kind = ""
    count: int = 0
    first: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of keys, with what the toolbar around it says."""

    keys: list[ApiKey]
    counts: dict[str, int]
    found: int
    page: int
    pages: int
    attention: Attention
    # Those of them that were found in public and still work.
    leaked: frozenset[str]


def listed(
    workspace_id: str,
    moment: datetime,
    *,
    search: str = "",
    status: str = "all",
    sort: str = "attention",
    page: int = 1,
) -> KeyPage:
    """One page of the keys that match. Unknown filters and sorts fall back to the first."""
    status = status if status in FILTERS else "all"
    matching = ApiKey.in_workspace(workspace_id)
    if search:
        matching = matching.where(_matches(search))
    conditions = conditions_of(workspace_id, moment)
    counts, totals = _counts(workspace_id, conditions, search)
    found = counts[status]
    pages = max(1, -(-found // PAGE_SIZE))
    page = min(max(page, 1), pages)
    # Sorted are ids alone: to carry whole rows through the sort of a long list takes several times as long.
    ids = (
        matching.select(ApiKey.id)
        .where(conditions[status])
        .order_by(*_order(sort, conditions), ApiKey.name_folded, ApiKey.id)
        .paginate(page, PAGE_SIZE)
    )
    keys = _in_order([key.id for key in ids])
    attention = _attention(workspace_id, conditions, totals)
    leaked = _leaked(workspace_id, keys, moment) if totals["leaked"] else frozenset()
    return KeyPage(keys, counts, found, page, pages, attention, leaked)


def page(
    workspace_id: str, moment: datetime, status: str, limit: int, after: paging.Place | None
) -> tuple[list[ApiKey], bool]:
    """Keys of one filter in the order in which they were made, from just after a place; and whether more follow."""
    query = ApiKey.in_workspace(workspace_id).where(conditions_of(workspace_id, moment)[status])
    found: tuple[list[ApiKey], bool] = paging.page(query, limit, after)
    return found


def _attention(workspace_id: str, conditions: dict[str, Any], totals: dict[str, int]) -> Attention:
    """What to look at first: keys that are public, that expire soon, whose maker left, that nobody uses."""
    kind: Kind
    for kind in ("leaked", "expiring", "left", "unused"):
        if totals[kind]:
            rows = ApiKey.in_workspace(workspace_id).where(conditions[kind])
            first = rows.order_by(ApiKey.expires_at.asc(nulls="LAST"), ApiKey.id).first()
            return Attention(totals["active"], kind, totals[kind], first)
    return Attention(totals["active"])


def _leaked(workspace_id: str, keys: list[ApiKey], moment: datetime) -> frozenset[str]:
    live = [key.id for key in keys if key.is_live(moment)]
    return frozenset(row.key_id for row in Leak.at_large(workspace_id, moment).where(Leak.key.in_(live)))


def _in_order(ids: list[str]) -> list[ApiKey]:
    rows = ApiKey.select(ApiKey, Member).join(Member, JOIN.LEFT_OUTER, on=ApiKey.creator).where(ApiKey.id.in_(ids))
    return sorted(rows, key=lambda key: ids.index(key.id))


def _counts(workspace_id: str, conditions: dict[str, Any], search: str) -> tuple[dict[str, int], dict[str, int]]:
    """For how many keys each condition holds: among those that match, and among all of them. In one pass."""
    wanted = list(conditions.values())
    if search:
        wanted += [condition & _matches(search) for condition in wanted]
    sums = [fn.SUM(Case(None, [(condition, 1)], 0)) for condition in wanted]
    row = [int(count or 0) for count in ApiKey.in_workspace(workspace_id).select(*sums).tuples().first()]
    return dict(zip(conditions, row[-len(conditions) :], strict=True)), dict(zip(conditions, row, strict=False))


def conditions_of(workspace_id: str, moment: datetime) -> dict[str, Any]:
    live = ApiKey.live(moment)
    return {
        "all": ApiKey.deleted_at.is_null(),
        "active": live,
        "expiring": live & ApiKey.expires_at.is_null(False) & (ApiKey.expires_at <= moment + EXPIRING),
        "unused": live & unused(Workspace.known(workspace_id).policy, moment),
        "inactive": ~live,
        "left": live & _maker_left(workspace_id),
        "leaked": live & ApiKey.id.in_(Leak.at_large(workspace_id, moment)),
    }


def unused(policy: Policy, moment: datetime) -> Any:
    """The condition for what `KeyState.unused_from` tells of one key."""
    new, idle = moment - never_used_after(policy), moment - policy.unused_after
    born = fn.COALESCE(ApiKey.starts_at, ApiKey.created_at)
    never = (ApiKey.created_at <= new) & (born <= ApiKey.created_at.db_value(new)) & not_woken_since(new)
    # Never NULL, so that it can be denied as well.
    used = ApiKey.last_used_at.is_null(False) & (ApiKey.last_used_at <= idle) & not_woken_since(idle)
    return (ApiKey.last_used_at.is_null() & never) | used


def rotation_due(policy: Policy, moment: datetime) -> Any:
    """The condition for a key whose newest secret is as old as the policy lets it be."""
    newest = KeySecret.select(fn.MAX(KeySecret.created_at)).where(
        KeySecret.key == ApiKey.id, KeySecret.revoked_at.is_null()
    )
    return newest <= KeySecret.created_at.db_value(moment - policy.rotation_after)


def not_woken_since(moment: datetime) -> Any:
    """The condition for a key whose wait was not begun anew since a moment."""
    return ApiKey.woken_at.is_null() | (ApiKey.woken_at <= moment)


def _matches(search: str) -> Any:
    """By a part of the name, or by the visible characters of the secret in any way one may paste them."""
    condition = ApiKey.name_folded.contains(text.folded(search.strip()))
    pasted = search.strip().lower()
    if secret.FORM.fullmatch(pasted):
        whole = Secret(pasted)
        return (ApiKey.hint_start == whole.start) & (ApiKey.hint_end == whole.end)
    start, dots, end = pasted.removeprefix(secret.PREFIX).partition("…")
    if dots:
        return condition | (ApiKey.hint_start.contains(start) & ApiKey.hint_end.contains(end))
    if start:
        condition |= ApiKey.hint_start.contains(start) | ApiKey.hint_end.contains(start)
    return condition


def _order(sort: str, conditions: dict[str, Any]) -> list[Any]:
    inactive_last = Case(None, [(conditions["inactive"], 1)], 0)
    orders: dict[str, list[Any]] = {
        "name": [],
        "used": [ApiKey.last_used_at.desc(nulls="LAST")],
        "created": [ApiKey.created_at.desc()],
        "expires": [inactive_last, ApiKey.expires_at.asc(nulls="LAST")],
    }
    needs = conditions["expiring"] | conditions["unused"] | conditions["left"]
    rank = Case(None, [(conditions["inactive"], 3), (conditions["leaked"], 0), (needs, 1)], 2)
    # A key that was just made is looked for, so to make one counts like a use.
    return orders.get(sort, [rank, fn.COALESCE(ApiKey.last_used_at, ApiKey.created_at).desc()])


def _maker_left(workspace_id: str) -> Any:
    managers = Member.in_workspace(workspace_id).where(Member.role.in_(role.MANAGERS)).select(Member.id)
    has_person = (ApiKey.creator_kind == "user") | ApiKey.behind_name.is_null(False)
    return has_person & (ApiKey.creator.is_null() | ApiKey.creator.not_in(managers))
