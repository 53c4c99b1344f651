"""A second, slower answer to what a rule would have refused: each use by itself, with the plain checks of a request."""

import ipaddress
from collections import defaultdict
from typing import NamedTuple

from models import network, scope
from models.key_settings import KeySettings


class Called(NamedTuple):
    """Calls of a key, all alike, that were let in."""

    address: str
    request: str
    scope: str
    times: int


def passes(call: Called, settings: KeySettings) -> bool:
    wanted = not call.scope or scope.covers(settings.scopes, call.scope)
    return wanted and network.allows(" ".join(settings.networks), call.address)


def refused(calls: list[Called], before: KeySettings, after: KeySettings, *, stops: bool) -> dict[str, list[Called]]:
    """The calls that would have been refused, by their route."""
    found: dict[str, list[Called]] = defaultdict(list)
    for call in calls:
        if stops or (passes(call, before) and not passes(call, after)):
            found[call.request].append(call)
    return dict(found)


def is_single(address: str) -> bool:
    """Whether an address is counted by itself: those of IPv6 are counted by their /64."""
    return ipaddress.ip_address(address).version == 4
