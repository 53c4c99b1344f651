"""Uses added up in memory, and written to every table that tells of them in one go."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from operator import itemgetter
from typing import Any

from peewee import chunked

from models import database, incident, network, usage
from models.actor import Actor
from models.api_key import ApiKey
from models.audit import AuditEvent
from models.database import db, from_microseconds
from models.incident import Sighting
from models.usage import DAY, HOUR, NETWORKS, KeyNetwork, KeyPlace, UsageRoute
from models.usage_journal import ACCEPTED, ASLEEP, DEAD, Use

# Of a key in a day, so many networks and routes are kept apart; then wider networks, then none.
ROUTES, WIDE_ROUTES = 200, 300
ELSEWHERE = network.EVERYWHERE
REMEMBERED = 10_000

HOURS = """
INSERT INTO usage_hour (key_id, hour, secret_id, scope, outcome, count) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key_id, hour, secret_id, scope, outcome) DO UPDATE SET count = usage_hour.count + excluded.count
"""
DAYS = """
INSERT INTO usage_day (key_id, day, secret_id, scope, outcome, count) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key_id, day, secret_id, scope, outcome) DO UPDATE SET count = usage_day.count + excluded.count
"""
WORKSPACE_DAYS = """
INSERT INTO usage_workspace_day (workspace_id, day, outcome, count) VALUES (?, ?, ?, ?)
ON CONFLICT (workspace_id, day, outcome) DO UPDATE SET count = usage_workspace_day.count + excluded.count
"""
ROUTE_DAYS = """
INSERT INTO usage_route (key_id, day, network, request, scope, accepted, refused) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key_id, day, network, request, scope)
DO UPDATE SET accepted = usage_route.accepted + excluded.accepted, refused = usage_route.refused + excluded.refused
"""
PLACED = """
INSERT INTO key_place (key_id, secret_id, address, client, at, request, status) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key_id, secret_id, address, client)
DO UPDATE SET at = excluded.at, request = excluded.request, status = excluded.status
WHERE key_place.at < excluded.at OR key_place.at > ?
"""
LAST_USE = """
UPDATE api_key
SET last_used_at = ?, last_used_address = ?, last_used_client = ?, last_used_request = ?, last_used_status = ?
WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ? OR last_used_at > ?)
"""
GAPS = """
INSERT INTO usage_gap (hour, count) VALUES (?, ?)
ON CONFLICT (hour) DO UPDATE SET count = usage_gap.count + excluded.count
"""

Hour = tuple[str, int, str, str, int]


class Remembered:
    """What this process knows to be in the database, so that it need not look at every turn."""

    def __init__(self) -> None:
        self.sets: OrderedDict[Hashable, set[Any]] = OrderedDict()

    def of(self, name: Hashable, load: Callable[[], Iterable[Any]]) -> set[Any]:
        if name not in self.sets:
            self.sets[name] = set(load())
        self.sets.move_to_end(name)
        if len(self.sets) > REMEMBERED:
            self.sets.popitem(last=False)
        return self.sets[name]

    def forget(self) -> None:
        self.sets.clear()


class Sums:
    """A batch of uses. `add` any number of them, then `write` once, in a transaction of the caller's."""

    def __init__(self) -> None:
        self.requests = 0
        self.hours: Counter[Hour] = Counter()
        self.gaps: Counter[int] = Counter()
        # (key, day, network, request, scope) → how many were let in, and how many were not.
        self.routes: dict[tuple[str, int, str, str, str], list[int]] = {}
        self.places: dict[tuple[str, str, str, str], Use] = {}
        self.latest: dict[str, Use] = {}
        self.first_from: dict[tuple[str, str], Use] = {}
        self.dead: dict[tuple[str, str, str, bool], Sighting] = {}

    def lose(self, hour: int, requests: int) -> None:
        """Requests of an hour whose keys are not known."""
        self.gaps[hour] += requests

    def add(self, use: Use, count: int = 1, first: int | None = None) -> None:
        """Add a use that happened `count` times, lastly at its moment, and within the hour of that moment."""
        self.requests += count
        outcome = usage.outcome_of(use.status)
        self.hours[use.key_id, use.moment // HOUR, use.secret_id, use.scope, outcome] += count
        came_from = network.block_of(use.address)
        route = self.routes.setdefault((use.key_id, use.moment // DAY, came_from, use.request, use.scope), [0, 0])
        route[use.verdict != ACCEPTED] += count
        if use.verdict == DEAD:
            self._see_dead(use, count, first)
        if use.verdict in (DEAD, ASLEEP):
            return
        _keep(self.places, (use.key_id, use.secret_id, use.address, use.client), use)
        _keep(self.latest, use.key_id, use)
        if use.verdict == ACCEPTED:
            begun = use if first is None else use._replace(moment=first)
            wide = (use.key_id, network.wide_of(use.address))
            if wide not in self.first_from or begun.moment < self.first_from[wide].moment:
                self.first_from[wide] = begun

    def _see_dead(self, use: Use, count: int, first: int | None) -> None:
        place = (use.key_id, use.address, use.client, use.request.endswith(incident.ROTATE))
        begun = use.moment if first is None else first
        before = self.dead.get(place) or Sighting(0, begun, use)
        last = max(before.last, use, key=lambda each: each.moment)
        self.dead[place] = Sighting(before.requests + count, min(before.first, begun), last)

    def write(self, remembered: Remembered) -> None:
        """Write all sums. If this raises, or the transaction fails, `remembered` must be forgotten."""
        keys = _known_keys({hour[0] for hour in self.hours})
        hours = Counter({hour: count for hour, count in self.hours.items() if hour[0] in keys})
        days: Counter[Hour] = Counter()
        workspaces: Counter[tuple[str, int, int]] = Counter()
        for (key_id, hour, secret_id, scope, outcome), count in hours.items():
            day = hour * HOUR // DAY
            days[key_id, day, secret_id, scope, outcome] += count
            workspaces[keys[key_id].workspace_id, day, outcome] += count
        _many(HOURS, [(*hour, count) for hour, count in hours.items()])
        _many(DAYS, [(*day, count) for day, count in days.items()])
        _many(WORKSPACE_DAYS, [(*day, count) for day, count in workspaces.items()])
        _many(GAPS, list(self.gaps.items()))
        self._write_routes(keys, remembered)
        self._write_places(keys, remembered)
        self._write_networks(keys, remembered)
        self._write_incidents(keys)
        latest = [_last(use) for key_id, use in self.latest.items() if key_id in keys]
        _many(LAST_USE, latest, by=itemgetter(5))

    def _write_routes(self, keys: dict[str, ApiKey], remembered: Remembered) -> None:
        rows: dict[tuple[str, int, str, str, str], list[int]] = {}
        for (key_id, day, *where), counts in self.routes.items():
            if key_id not in keys:
                continue
            known = remembered.of(("routes", key_id, day), partial(_routes, key_id, day))
            kept = _bounded((where[0], where[1], where[2]), known)
            known.add(kept)
            row = rows.setdefault((key_id, day, *kept), [0, 0])
            row[0] += counts[0]
            row[1] += counts[1]
        _many(ROUTE_DAYS, [(*name, *counts) for name, counts in rows.items()])

    def _write_places(self, keys: dict[str, ApiKey], remembered: Remembered) -> None:
        places = {name: use for name, use in self.places.items() if name[0] in keys}
        _many(PLACED, [(*name, use.moment, use.request, use.status, usage.ahead()) for name, use in places.items()])
        of_secrets: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for key_id, secret_id, address, client in places:
            of_secrets[key_id, secret_id].add((address, client))
        for (key_id, secret_id), mine in sorted(of_secrets.items()):
            known = remembered.of(("places", secret_id), list)
            if mine - known:
                known.clear()
                known.update(KeyPlace.prune(key_id, secret_id))

    def _write_networks(self, keys: dict[str, ApiKey], remembered: Remembered) -> None:
        for (key_id, wide), use in sorted(self.first_from.items()):
            if key_id not in keys:
                continue
            known = remembered.of(("networks", key_id), partial(_networks, key_id))
            if wide in known or len(known) >= NETWORKS:
                continue
            known.add(wide)
            row = {"key_id": key_id, "network": wide, "first_at": from_microseconds(use.moment)}
            if KeyNetwork.insert(row).on_conflict_ignore().as_rowcount().execute():
                _tell_network(keys[key_id], wide, use)

    def _write_incidents(self, keys: dict[str, ApiKey]) -> None:
        of_keys: dict[str, list[Sighting]] = {}
        for (key_id, *_), sighting in self.dead.items():
            of_keys.setdefault(key_id, []).append(sighting)
        for key in sorted((keys[each] for each in of_keys.keys() & keys.keys()), key=lambda each: each.workspace_id):
            incident.see(key, of_keys[key.id])


def _keep(into: dict[Any, Use], name: Any, use: Use) -> None:
    if name not in into or into[name].moment < use.moment:
        into[name] = use


def _many(statement: str, rows: list[tuple[Any, ...]], by: Callable[[Any], Any] | None = None) -> None:
    """In one order everywhere, so that two machines that write the same rows wait, and never in a ring.

    `by` is the name of a row, where it does not begin with it.
    """
    if rows:
        db.cursor().executemany(database.sql(statement), sorted(rows, key=by))


def _known_keys(ids: set[str]) -> dict[str, ApiKey]:
    """The keys that exist: a count of a key that has gone has nowhere to stand."""
    found = {}
    for some in chunked(sorted(ids), 500):
        for key in ApiKey.select(ApiKey.id, ApiKey.workspace, ApiKey.name).where(ApiKey.id.in_(some)):
            found[key.id] = key
    return found


def _last(use: Use) -> tuple[Any, ...]:
    moment = use.moment
    return moment, use.address, use.client, use.request, use.status, use.key_id, moment, usage.ahead()


def _routes(key_id: str, day: int) -> Iterable[tuple[str, str, str]]:
    query = UsageRoute.select(UsageRoute.network, UsageRoute.request, UsageRoute.scope)
    return [
        (row.network, row.request, row.scope) for row in query.where(UsageRoute.key_id == key_id, UsageRoute.day == day)
    ]


def _bounded(where: tuple[str, str, str], known: set[Any]) -> tuple[str, str, str]:
    """The row that a network and route count in: its own while there is room, then a wider one."""
    came_from, request, scope = where
    if where in known or len(known) < ROUTES:
        return where
    wide = (network.wide_of(came_from.partition("/")[0]), request, scope)
    if wide in known or len(known) < WIDE_ROUTES:
        return wide
    return ELSEWHERE, ELSEWHERE, scope


def _networks(key_id: str) -> Iterable[str]:
    return [row.network for row in KeyNetwork.select(KeyNetwork.network).where(KeyNetwork.key_id == key_id)]


def _tell_network(key: ApiKey, wide: str, use: Use) -> None:
    """First use from a network, on the key's own timeline."""
    by = Actor("key", key.name, key.id, address=use.address)
    with database.at(from_microseconds(use.moment)):
        AuditEvent.write(
            "api_key.new_network", key.id, workspace=key.workspace_id, by=by,
            network=wide, client=use.client, request=use.request,
        )  # fmt: skip
