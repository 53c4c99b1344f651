"""IP allowlists: networks in CIDR form, and whether an address is inside."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST = 100
# All addresses; of IPv6, all that are given to anybody (RFC 4291, section 2.4, and its registry).
WHOLE: tuple[IPNetwork, ...] = (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("2000::/3"))
# Stands for the networks of a day that has seen more than are kept apart.
EVERYWHERE = "*"


class BadNetwork(ValueError):
    """Says which line is not an address or a network."""


def parse_list(text: str) -> list[str]:
    """Networks from pasted text (one a line, or separated by commas or blanks), uniform and without repeats."""
    found: dict[str, None] = {}
    for entry in text.replace(",", " ").split():
        found[str(_network(entry))] = None
    if len(found) > MOST:
        raise BadNetwork(f"Use at most {MOST} networks. This has {len(found)}.")
    return list(found)


def allows(networks: str, address: str) -> bool:
    """Whether the stored allowlist lets this address in. An empty list allows every address."""
    if not networks:
        return True
    try:
        client = normal_address(address)
    except ValueError:
        return False
    return any(client in network for network in _parse_stored(networks))


def covers(networks: str, others: str) -> bool:
    """Whether every address in `others` is also in `networks`, both in stored form."""
    if not networks:
        return True
    if not others:
        return False
    wide = _parse_stored(networks)
    return all(any(is_inside(narrow, network) for network in wide) for narrow in _parse_stored(others))


def is_open(networks: Iterable[str]) -> bool:
    """Whether an allowlist lets in half of all that have IPv4, or IPv6, or more: then it is one in name alone."""
    listed = " ".join(networks)
    return not listed or any(_covered(listed, whole) * 2 >= whole.num_addresses for whole in WHOLE)


def lets_in(networks: str, counted: str) -> bool | None:
    """Whether a stored allowlist lets in all that was counted under a network; None when it lets in a part."""
    if not networks:
        return True
    if counted == EVERYWHERE:
        return None
    place = parsed(counted)
    if place is None:
        # What is no address is on no list.
        return False
    listed = _collapsed(networks)
    if any(is_inside(place, each) for each in listed):
        return True
    return None if any(is_inside(each, place) for each in listed) else False


def kind_of(counted: str) -> str:
    """What a counted network is: an `address`, a `block` that stands for one client, or `wide`."""
    place = parsed(counted)
    if place is None:
        return "wide" if counted == EVERYWHERE else "address"
    if place.prefixlen == place.max_prefixlen:
        return "address"
    return "block" if place.version == 6 and place.prefixlen >= 64 else "wide"


@lru_cache(maxsize=10_000)
def block_of(address: str) -> str:
    """What stands for one client where addresses are counted: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        client = normal_address(address)
    except ValueError:
        return address
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((client, 64), strict=False))
    return str(client)


@lru_cache(maxsize=10_000)
def wide_of(address: str) -> str:
    """The neighbourhood of an address: its /24, or the /48 of an IPv6 address, as one site has it."""
    try:
        client = normal_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((client, 48 if client.version == 6 else 24), strict=False))


@lru_cache(maxsize=8192)
def parsed(counted: str) -> IPNetwork | None:
    """A network as it was counted; None for what is no network, such as `EVERYWHERE`."""
    try:
        return ipaddress.ip_network(counted)
    except ValueError:
        return None


def is_inside(narrow: IPNetwork, wide: IPNetwork) -> bool:
    return narrow.version == wide.version and narrow.subnet_of(wide)  # type: ignore[arg-type] # of one kind, as was just asked


def widened(place: IPNetwork) -> IPNetwork:
    """The neighbourhood of a network: its /24 or /48, or itself where it is wider."""
    bits = 24 if place.version == 4 else 48
    return place.supernet(new_prefix=bits) if place.prefixlen > bits else place


def normal_address(text: str) -> IPAddress:
    """An address; IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2) becomes the IPv4 address it stands for."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _network(entry: str) -> IPNetwork:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError as problem:
        raise BadNetwork(
            f"{entry[:60]} is not an IP address or network. Use a form like 203.0.113.24 or 203.0.113.0/28."
        ) from problem
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= 96:
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


@lru_cache(maxsize=1024)
def _parse_stored(networks: str) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(entry) for entry in networks.split())


def _covered(networks: str, whole: IPNetwork) -> int:
    """How many addresses of a network a stored allowlist lets in."""
    inside = [each for each in _collapsed(networks) if is_inside(each, whole) or is_inside(whole, each)]
    return sum(min(each.num_addresses, whole.num_addresses) for each in inside)


@lru_cache(maxsize=1024)
def _collapsed(networks: str) -> tuple[IPNetwork, ...]:
    """The same addresses in as few networks as can be: what they cover together is then inside one of them."""
    parsed = _parse_stored(networks)
    four = ipaddress.collapse_addresses(each for each in parsed if isinstance(each, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(each for each in parsed if isinstance(each, ipaddress.IPv6Network))
    return (*four, *six)
