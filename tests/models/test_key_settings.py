"""What an owner may choose for a key, and when a change gives a key more."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import key_settings, network, scope, text
from models.errors import Invalid, PlanLimit
from models.key_settings import KeySettings, widens
from models.plan import PLANS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FREE, TEAM = PLANS["free"], PLANS["team"]

scopes = st.frozensets(st.sampled_from(sorted(scope.SCOPES)), min_size=1)
ranges = st.sampled_from(
    ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8:1::/48", "192.0.2.7/32"]
)
times = st.none() | st.integers(1, 10**6).map(lambda minutes: NOW + timedelta(minutes=minutes))
some_settings = st.builds(
    KeySettings,
    name=st.just("CI"),
    scopes=scopes,
    networks=st.lists(ranges, max_size=4, unique=True).map(tuple),
    starts_at=times,
    expires_at=times,
)


def allows(settings: KeySettings, wanted: str, address: str, moment: datetime) -> bool:
    """What a key with these settings may do: the definition that `widens` is measured by."""
    return (
        scope.covers(settings.scopes, wanted)
        and network.allows(" ".join(settings.networks), address)
        and (settings.starts_at is None or settings.starts_at <= moment)
        and (settings.expires_at is None or moment < settings.expires_at)
    )


@given(
    some_settings, some_settings, st.sampled_from(sorted(scope.SCOPES)),
    st.sampled_from(["10.1.2.3", "10.9.9.9", "2001:db8:1::1", "192.0.2.7", "198.51.100.1"]), times,
)  # fmt: skip
def test_a_change_that_does_not_widen_allows_nothing_new(
    before: KeySettings, after: KeySettings, wanted: str, address: str, moment: datetime | None
) -> None:
    if not widens(before, after) and allows(after, wanted, address, moment or NOW):
        assert allows(before, wanted, address, moment or NOW)


@given(some_settings)
def test_no_change_does_not_widen(settings: KeySettings) -> None:
    assert not widens(settings, settings)
    assert not widens(settings, replace(settings, name="Other", note="Something else"))


@given(some_settings, st.data())
def test_narrowing_any_field_never_widens(settings: KeySettings, data: st.DataObject) -> None:
    narrower = replace(
        settings,
        scopes=data.draw(st.frozensets(st.sampled_from(sorted(settings.scopes)), min_size=1)),
        networks=data.draw(st.lists(st.sampled_from(settings.networks), min_size=1, unique=True).map(tuple))
        if settings.networks
        else data.draw(st.sampled_from([(), ("10.0.0.0/8",)])),
        starts_at=(settings.starts_at or NOW) + timedelta(minutes=data.draw(st.integers(0, 999))),
        expires_at=(settings.expires_at or NOW + timedelta(days=999))
        - timedelta(minutes=data.draw(st.integers(0, 999))),
    )
    assert not widens(settings, narrower)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"scopes": frozenset({"read:members", "read:chats"})}),
        ({}, {"scopes": frozenset({scope.ADMIN})}),
        ({"networks": ("10.0.0.0/24",)}, {"networks": ()}),
        ({"networks": ("10.0.0.0/24",)}, {"networks": ("10.0.0.0/23",)}),
        ({"networks": ("10.0.0.0/24",)}, {"networks": ("10.0.0.0/24", "10.0.9.1/32")}),
        ({"expires_at": NOW}, {"expires_at": None}),
        ({"expires_at": NOW}, {"expires_at": NOW + timedelta(microseconds=1)}),
        ({"starts_at": NOW}, {"starts_at": None}),
        ({"starts_at": NOW}, {"starts_at": NOW - timedelta(microseconds=1)}),
    ],
)
def test_a_scope_an_address_or_time_more_widens(before: dict[str, Any], after: dict[str, Any]) -> None:
    settings = KeySettings("CI", frozenset({"read:members"}), **before)
    assert widens(settings, replace(settings, **after))


def refused(plan: Any = TEAM, before: KeySettings | None = None, **chosen: Any) -> dict[str, str]:
    settings = KeySettings(**({"name": "CI", "scopes": frozenset({"read:members"})} | chosen))
    with pytest.raises(Invalid) as refusal:
        key_settings.checked(settings, plan, NOW, before)
    return refusal.value.errors


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "a\nb", "\x00", "a\u202eb", "x" * 81, "\ud800"])
def test_a_name_is_one_line_of_readable_text(name: str) -> None:
    assert set(refused(name=name)) == {"name"}


def test_every_mistake_is_named_at_once() -> None:
    errors = refused(name="", note="x" * 201, scopes=frozenset(), networks=("ten",), expires_at=NOW)
    assert set(errors) == {"name", "note", "scopes", "networks", "expires_at"}


def test_an_unknown_scope_is_named() -> None:
    assert "read:everything" in refused(scopes=frozenset({"read:members", "read:everything"}))["scopes"]


@pytest.mark.parametrize(
    "end", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=51 * 366), datetime.max.replace(tzinfo=UTC)]
)
def test_an_end_is_in_the_future_and_within_reason(end: datetime) -> None:
    assert set(refused(expires_at=end)) == {"expires_at"}


def test_a_start_comes_before_the_end() -> None:
    end = NOW + timedelta(days=1)
    assert set(refused(starts_at=end, expires_at=end)) == {"starts_at"}


@pytest.mark.parametrize("end", [None, NOW + timedelta(days=90, microseconds=1)])
def test_keys_on_the_free_plan_live_ninety_days_at_most(end: datetime | None) -> None:
    with pytest.raises(PlanLimit, match="at most 90 days"):
        key_settings.checked(KeySettings("CI", frozenset({"read:data"}), expires_at=end), FREE, NOW)
    key_settings.checked(KeySettings("CI", frozenset({"read:data"}), expires_at=NOW + timedelta(days=90)), FREE, NOW)


@pytest.mark.parametrize(
    ("chosen", "limit"),
    [({"scopes": frozenset({scope.ADMIN})}, "admin_keys"), ({"networks": ("10.0.0.1",)}, "allowlists")],
)
def test_the_free_plan_has_no_admin_keys_and_no_allowlists(chosen: dict[str, Any], limit: str) -> None:
    settings = KeySettings("CI", frozenset({"read:data"}), expires_at=NOW + timedelta(days=1))
    with pytest.raises(PlanLimit) as refusal:
        key_settings.checked(replace(settings, **chosen), FREE, NOW)
    assert refusal.value.facts == {"limit": limit, "value": False, "plan": "free"}


def test_what_stays_is_not_held_against_a_smaller_plan_or_a_later_clock() -> None:
    before = KeySettings("CI", frozenset({scope.ADMIN}), networks=("10.0.0.1/32",), expires_at=NOW - timedelta(days=1))
    assert key_settings.checked(replace(before, name="Renamed"), FREE, NOW, before).name == "Renamed"


@given(st.text())
def test_any_name_is_made_uniform_or_refused(name: str) -> None:
    settings = KeySettings(name, frozenset({"read:data"}))
    try:
        done = key_settings.checked(settings, TEAM, NOW)
    except Invalid as refusal:
        assert set(refusal.errors) == {"name"}
    else:
        assert key_settings.checked(done, TEAM, NOW) == done
        assert not any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in done.name)
        assert 0 < len(done.name) <= 80


def test_names_that_look_alike_are_folded_alike() -> None:
    assert text.folded("Night\u00adly RE\u200bport") == text.folded("nightly report")
