"""Learn, then lock: the networks that a key was called from, and the least allowlist that lets them all in."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from peewee import fn

from models import impact, network, usage
from models.api_key import ApiKey
from models.impact import Impact
from models.network import IPNetwork
from models.plan import Plan
from models.usage import KeyPlace, UsageRoute

DAYS = 30
# More addresses of one /24 than these are proposed as the /24.
APART = 8


@dataclass(frozen=True, slots=True)
class Learned:
    """A network as it was counted, with its calls that were let in. `last` is the beginning of a day of UTC."""

    network: str
    calls: int
    last: datetime
    client: str
    # Whether the allowlist of today lets it in; None for a part of it.
    is_allowed: bool | None


def days_of(plan: Plan) -> int:
    return min(DAYS, plan.history.days)


def learned(key: ApiKey, plan: Plan, moment: datetime) -> list[Learned]:
    """Where calls of the last days came from, most calls first."""
    clients = _clients(key.id)
    first = usage.day_of(moment) - days_of(plan) + 1
    found = [
        Learned(name, int(calls), usage.start_of_day(last), clients.get(name, ""), network.lets_in(key.networks, name))
        for name, calls, last in query(key.id, first).tuples()
    ]
    return sorted(found, key=lambda each: (each.network == network.EVERYWHERE, -each.calls, each.network))


def proposal(key: ApiKey, found: Iterable[Learned]) -> tuple[str, ...]:
    """The least allowlist for these networks, within the one that the key has. Empty when it would be too long."""
    return minimal([each.network for each in found if each.is_allowed is not False], key.networks)


def minimal(counted: Iterable[str], within: str = "") -> tuple[str, ...]:
    """Addresses one by one, but the /24 where there are many of it; of IPv6 the /64."""
    places = [place for each in counted if (place := network.parsed(each)) is not None]
    entries = _joined(places, APART)
    if len(entries) > network.MOST:
        entries = _joined([network.widened(place) for place in places], APART)
    if within:
        entries = _within(entries, within)
    entries = {
        each for each in entries if not any(each != other and network.is_inside(each, other) for other in entries)
    }
    ordered = sorted(entries, key=lambda each: (each.version, int(each.network_address), each.prefixlen))
    return tuple(map(str, ordered)) if len(ordered) <= network.MOST else ()


def simulate(key: ApiKey, networks: tuple[str, ...]) -> Impact:
    """What this allowlist would have refused."""
    return impact.of_change(key, key.settings, replace(key.settings, networks=networks), DAYS)


def refused(found: Iterable[Learned], networks: tuple[str, ...]) -> list[str]:
    """Which of the networks that get in today an allowlist would keep out, or a part of them."""
    listed = " ".join(networks)
    shut = [
        each for each in found if each.is_allowed is not False and network.lets_in(listed, each.network) is not True
    ]
    return sorted(each.network for each in shut)


def query(key_id: str, first_day: int) -> Any:
    row = UsageRoute
    return (
        row.select(row.network, fn.SUM(row.accepted), fn.MAX(row.day))
        .where(row.key_id == key_id, row.day >= first_day, row.accepted > 0)
        .group_by(row.network)
    )


def _clients(key_id: str) -> dict[str, str]:
    """Network → the client that was last seen there, for the places that are kept."""
    found: dict[str, str] = {}
    for place in KeyPlace.of(key_id):
        for name in (network.block_of(place.address), network.wide_of(place.address)):
            found.setdefault(name, place.client)
    return found


def _joined(places: Iterable[IPNetwork], apart: int) -> set[IPNetwork]:
    groups: dict[IPNetwork, set[IPNetwork]] = defaultdict(set)
    for place in places:
        whole = ipaddress.ip_network((place.network_address, 24), strict=False) if place.version == 4 else place
        groups[place if place.prefixlen < 24 else whole].add(place)
    return {each for whole, members in groups.items() for each in (members if len(members) <= apart else {whole})}


def _within(entries: set[IPNetwork], allowlist: str) -> set[IPNetwork]:
    """The part of the entries that an allowlist has."""
    listed = [ipaddress.ip_network(each) for each in allowlist.split()]
    inside = {each for each in entries if any(network.is_inside(each, other) for other in listed)}
    return inside | {other for other in listed if any(network.is_inside(other, each) for each in entries)}
