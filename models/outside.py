"""Which addresses this server may call because somebody asked it to: public ones alone, and the checked one itself."""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from models.errors import Invalid

PORTS = (443, 8443)
LONGEST = 2000
MOST_TRIED = 3
NOT_PUBLIC = "The name of the host leads to an address that is not public."
# Not public, or another address in disguise, whatever this Python's `is_global` knows of it.
REFUSED = tuple(
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
    )
)  # fmt: skip

Resolve = Callable[..., list[tuple[Any, ...]]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """Why an address is not called. Its text is for people and names no address."""


class _Rules:
    loopback = False


def use(*, loopback: bool) -> None:
    """Also call this machine itself, without TLS and on any port: for development alone."""
    _Rules.loopback = loopback


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of an address that may be called."""

    tls: bool
    host: str
    port: int
    path: str


def checked(url: str) -> Target:
    """The parts of an address, if its form is one that may be called; else `Invalid` at `url`."""
    if not url:
        raise Invalid(url="Enter an address, like https://example.com/hooks.")
    if len(url) > LONGEST or re.search(r"[^\x21-\x7e]|\\", url):
        raise Invalid(url="Enter one address of plain characters, like https://example.com/hooks.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid(url="This is not an address. Enter one like https://example.com/hooks.") from None
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid(url="Leave out user names, passwords and what follows a #.")
    local = _Rules.loopback and _is_loopback_name(host)
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise Invalid(url="Enter an address that begins with https://.")
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if not local:
        _must_be_public(host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path)


def addresses(target: Target, resolve: Resolve = socket.getaddrinfo) -> list[str]:
    """The addresses behind the name, each checked. Connect to one of these, and look nothing up again."""
    try:
        found = resolve(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise Unreachable("The name of the host is not known.") from None
    texts = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not texts:
        raise Unreachable("The name of the host is not known.")
    local = _Rules.loopback and _is_loopback_name(target.host)
    # One that is not public is enough: a name that mixes them is up to something.
    if not all(_allowed(text, local) for text in texts):
        raise Unreachable(NOT_PUBLIC)
    return texts[:MOST_TRIED]


def is_public(text: str) -> bool:
    """Whether this is the address of a host on the Internet, and no other in disguise."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if any(address in network for network in REFUSED if network.version == address.version):
        return False
    bad = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    return address.is_global and not (bad or address.is_reserved or address.is_unspecified)


def _allowed(text: str, local: bool) -> bool:
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback if local else is_public(text)


def _must_be_public(host: str, port: int) -> None:
    """What can be told from the form alone; the name is looked up at each call."""
    if port not in PORTS:
        raise Invalid(url=f"Use port {PORTS[0]} or {PORTS[1]}.")
    literal = _literal(host)
    if literal is not None:
        if not is_public(str(literal)):
            raise Invalid(url="This address is not public.")
        return
    # An end in digits is a number to those who resolve it: 127.1, 2130706433, 0x7f.0.0.1.
    last = host.rstrip(".").rpartition(".")[2]
    well_formed = len(host) <= 253 and re.fullmatch(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", host)
    if not well_formed or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
        raise Invalid(url="Enter the full name of a public host, like example.com.")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" if literal is None else literal.is_loopback
