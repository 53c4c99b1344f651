"""What a change of a key would have refused: its counted calls of the last days, put to the test of the change.

Only calls that were let in count. Where a day has seen more networks than are kept apart (`models/usage_sums.py`), a
stored network is wider than an address, and an answer may have a least and a most.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from peewee import fn

from models import network, scope, usage
from models.api_key import ApiKey
from models.database import now
from models.key_settings import KeySettings
from models.usage import UsageRoute
from models.workspace import Workspace

DAYS = 7


class Calls(NamedTuple):
    """Calls that were let in, of one key, from one stored network to one route with one scope."""

    network: str
    request: str
    scope: str
    times: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a key may do before and after, or that it `stops` and may do nothing."""

    scopes_before: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    networks_before: str = ""
    networks: str = ""
    stops: bool = False

    @classmethod
    def between(cls, before: KeySettings, after: KeySettings) -> "Change":
        """From one set of settings to another. An earlier end or a later start stops the key for a time."""
        networks_before, networks = " ".join(before.networks), " ".join(after.networks)
        if network.covers(networks, networks_before):
            networks = networks_before
        return cls(
            before.scopes,
            after.scopes,
            networks_before,
            networks,
            _ends_earlier(before.expires_at, after.expires_at) or _starts_later(before.starts_at, after.starts_at),
        )

    def refuses(self, calls: Calls) -> bool | None:
        """Whether these calls pass now and would not pass then; None where some of them may."""
        if self.stops:
            return True
        if not _may(self.scopes_before, calls.scope):
            return False
        before = network.lets_in(self.networks_before, calls.network)
        if not _may(self.scopes, calls.scope):
            return before
        if self.networks == self.networks_before:
            return False
        after = network.lets_in(self.networks, calls.network)
        if after is True or before is False:
            return False
        return before if after is False else None


STOP = Change(stops=True)


@dataclass(slots=True)
class RouteImpact:
    """Calls to one route that would have been refused, and how many addresses they came from at least."""

    request: str
    at_least: int = 0
    at_most: int = 0
    # Networks that stand for one client each, and whether there is more than single addresses.
    clients: set[str] = field(default_factory=set)
    is_wide: bool = False

    @property
    def addresses(self) -> int:
        """How many addresses at least. 0 when no call is refused for certain."""
        return len(self.clients) or int(self.at_least > 0)

    @property
    def addresses_exact(self) -> bool:
        return not self.is_wide and self.at_least == self.at_most

    def add(self, calls: Calls, refused: bool | None) -> None:
        self.at_most += calls.times
        kind = network.kind_of(calls.network)
        self.is_wide |= kind != "address"
        if refused:
            self.at_least += calls.times
            if kind != "wide":
                self.clients.add(calls.network)


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change would have refused in so many days of UTC, today included. Routes are listed worst first."""

    days: int
    since: datetime
    routes: list[RouteImpact]

    @property
    def at_least(self) -> int:
        return sum(route.at_least for route in self.routes)

    @property
    def at_most(self) -> int:
        return sum(route.at_most for route in self.routes)


def of_stop(key: ApiKey, days: int = DAYS) -> Impact:
    """What would have been refused if the key had been revoked or disabled."""
    return of(key, STOP, days)


def of_stops(workspace: Workspace, keys: Sequence[ApiKey], days: int = DAYS) -> dict[str, Impact]:
    """The same for many keys of a workspace, by one question for all of them."""
    days = min(days, workspace.plan.history.days)
    first = usage.day_of(now()) - days + 1
    found: dict[str, list[Calls]] = {key.id: [] for key in keys}
    row = UsageRoute
    rows = query(row.key_id.in_(list(found)), first).select_extend(row.key_id).group_by_extend(row.key_id)
    for came_from, request, wanted, times, key_id in rows.tuples():
        found[key_id].append(Calls(came_from, request, wanted, int(times)))
    since = usage.start_of_day(first)
    return {key_id: Impact(days, since, judged(calls, STOP)) for key_id, calls in found.items()}


def of_change(key: ApiKey, before: KeySettings, after: KeySettings, days: int = DAYS) -> Impact:
    return of(key, Change.between(before, after), days)


def of(key: ApiKey, change: Change, days: int = DAYS) -> Impact:
    """Replay the calls of the last days, as far as the plan's history goes."""
    days = min(days, Workspace.known(key.workspace_id).plan.history.days)
    first = usage.day_of(now()) - days + 1
    return Impact(days, usage.start_of_day(first), judged(calls_since(key.id, first), change))


def judged(calls: Iterable[Calls], change: Change) -> list[RouteImpact]:
    """The routes that lose calls, worst first."""
    routes: dict[str, RouteImpact] = {}
    for each in calls:
        refused = change.refuses(each)
        if refused is not False:
            routes.setdefault(each.request, RouteImpact(each.request)).add(each, refused)
    return sorted(routes.values(), key=lambda route: (-route.at_most, -route.at_least, route.request))


def calls_since(key_id: str, first_day: int) -> list[Calls]:
    return [
        Calls(came_from, request, wanted, int(times))
        for came_from, request, wanted, times in query(UsageRoute.key_id == key_id, first_day).tuples()
    ]


def query(key_is: Any, first_day: int) -> Any:
    """By the start of the primary key, so that it costs what these keys have and not what all have."""
    row = UsageRoute
    return (
        row.select(row.network, row.request, row.scope, fn.SUM(row.accepted))
        .where(key_is, row.day >= first_day, row.accepted > 0)
        .group_by(row.network, row.request, row.scope)
    )


def _may(held: frozenset[str], wanted: str) -> bool:
    """Whether a key with these scopes may call a route that asks for this one, or for none."""
    return not wanted or scope.covers(held, wanted)


def _ends_earlier(before: datetime | None, after: datetime | None) -> bool:
    return after is not None and (before is None or after < before)


def _starts_later(before: datetime | None, after: datetime | None) -> bool:
    return after is not None and after > max(before or now(), now())
