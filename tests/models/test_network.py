"""IP allowlists: what is inside, and what covers what."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import network

addresses = st.ip_addresses()
# Few high bits, so that networks often meet.
close = st.builds(lambda last: ipaddress.ip_address(f"10.0.0.{last}"), st.integers(0, 255))
networks = st.builds(
    lambda address, bits: str(ipaddress.ip_network((address, min(bits, address.max_prefixlen)), strict=False)),
    st.one_of(addresses, close),
    st.integers(0, 128),
)
allowlists = st.lists(networks, min_size=1, max_size=4).map(
    lambda entries: " ".join(network.parse_list(" ".join(entries)))
)


@given(allowlists)
def test_a_list_covers_itself(one: str) -> None:
    assert network.covers(one, one)


@given(allowlists, allowlists, allowlists)
def test_covering_passes_on(wide: str, middle: str, narrow: str) -> None:
    if network.covers(wide, middle) and network.covers(middle, narrow):
        assert network.covers(wide, narrow)


@given(allowlists, allowlists, st.one_of(addresses, close))
def test_what_covers_a_list_allows_all_that_it_allows(wide: str, narrow: str, address: object) -> None:
    if network.covers(wide, narrow) and network.allows(narrow, str(address)):
        assert network.allows(wide, str(address))


@given(allowlists)
def test_every_address_is_more_than_any_list(one: str) -> None:
    assert network.covers("", one)
    assert not network.covers(one, "")


@given(st.ip_addresses(v=4))
def test_ipv4_inside_ipv6_is_the_ipv4_address(address: ipaddress.IPv4Address) -> None:
    mapped = f"::ffff:{address}"
    assert network.allows(str(address) + "/32", mapped)
    assert network.allows(" ".join(network.parse_list(mapped)), str(address))


@given(st.ip_addresses(v=4), st.integers(96, 128))
def test_a_mapped_network_is_the_ipv4_network(address: ipaddress.IPv4Address, bits: int) -> None:
    expected = str(ipaddress.ip_network((address, bits - 96), strict=False))
    assert network.parse_list(f"::ffff:{address}/{bits}") == [expected]


@given(st.lists(networks, max_size=10))
def test_a_parsed_list_parses_to_itself(entries: list[str]) -> None:
    once = network.parse_list(", ".join(entries))
    assert network.parse_list("\n".join(once)) == once


@given(allowlists, st.text())
def test_what_is_no_address_is_not_allowed(one: str, text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert not network.allows(one, text)


@pytest.mark.parametrize("text", ["", "unix:", "10.0.0.1, 10.0.0.2", "10.0.0.01", "10.0.0.1/24", "fe80::1%eth0"])
def test_an_unknown_address_is_outside(text: str) -> None:
    assert not network.allows("10.0.0.0/8 fe80::/10" if "%" not in text else "10.0.0.0/8", text)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "ten", "10.0.0", "10.0.0.1-10.0.0.9", "*", "2001:db8::/129", "<b>"])
def test_a_line_that_is_no_network_is_named(text: str) -> None:
    with pytest.raises(network.BadNetwork, match="is not an IP address or network"):
        network.parse_list(f"10.0.0.1 {text}")


def test_a_list_has_at_most_a_hundred_networks() -> None:
    hundred = " ".join(f"10.0.0.{last}" for last in range(100))
    assert len(network.parse_list(hundred)) == 100
    with pytest.raises(network.BadNetwork, match="at most 100"):
        network.parse_list(hundred + " 10.0.1.1")


@pytest.mark.parametrize(
    ("listed", "is_open"),
    [
        ("", True),
        ("0.0.0.0/0", True),
        ("::/0", True),
        ("128.0.0.0/1", True),
        ("0.0.0.0/2 192.0.0.0/2", True),
        ("0.0.0.0/2 64.0.0.0/3 96.0.0.0/4 112.0.0.0/5", False),
        ("192.0.2.0/24 0.0.0.0/2 64.0.0.0/2", True),
        ("10.0.0.0/8", False),
        ("2000::/3", True),
        ("2000::/4", True),
        ("3000::/5 2000::/5", True),
        ("2000::/5", False),
        ("8000::/1", False),
    ],
)
def test_a_list_of_half_of_all_addresses_is_none(listed: str, is_open: bool) -> None:
    """Of IPv6, half of what is given to anybody: a list of the rest lets nobody in."""
    assert network.is_open(listed.split()) is is_open
