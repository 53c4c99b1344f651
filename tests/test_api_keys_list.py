"""The list of keys: what it shows, and how one finds a key in it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, Member, key_list
from models.database import db, now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import names, put_on_plan, words

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_an_empty_list_offers_to_create_a_key(ada: Person, browse: Browse) -> None:
    page = browse(ada).get(ada.settings())
    assert "No API keys yet" in page.text
    assert page.text.count("Create API key") == 1 and "Clean up" not in page.text


def test_a_row_shows_the_visible_characters_and_never_the_key(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, secret = make_key(ada, name="CI", scopes={"read:members", "read:data", "write:data"})
    page = browse(ada).get(ada.settings())
    assert f"gr_<b>{key.hint_start}</b>…<b>{key.hint_end}</b>" in page.text
    assert secret not in page.text
    assert "+1 more: write:data" in words(page)
    assert "Ada Byron" in page.text
    assert "No expiration" in page.text


def test_the_footer_counts_against_the_plan(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    make_key(ada)
    key.revoke(by=ada.actor)
    assert "1 of 25 keys used on the Team plan" in words(browse(ada).get(ada.settings()))
    put_on_plan(ada, "enterprise")
    assert "1 key in use on the Enterprise plan" in words(browse(ada).get(ada.settings()))


@pytest.mark.parametrize("search", ["night", "NIGHT", "ly rep", "  nightly  "])
def test_search_finds_a_part_of_the_name(ada: Person, browse: Browse, make_key: MakeKey, search: str) -> None:
    make_key(ada, name="Nightly report")
    make_key(ada, name="Zapier")
    assert names(browse(ada).get(ada.settings(), query_string={"q": search})) == ["Nightly report"]


def test_search_finds_the_visible_characters(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="Wanted")
    ApiKey.update(hint_start="4k7n", hint_end="1x").where(ApiKey.id == key.id).execute()
    other, _ = make_key(ada, name="Other")
    ApiKey.update(hint_start="bbbb", hint_end="cc").where(ApiKey.id == other.id).execute()
    for search in ("4k7n", "gr_4k7n", "gr_4k7n…1x", "GR_4K7N…1X"):
        assert names(browse(ada).get(ada.settings(), query_string={"q": search})) == ["Wanted"]


def test_a_key_pasted_into_the_search_leaves_the_address_at_once(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    _, secret = make_key(ada, name="Wanted")
    answer = browse(ada).get(ada.settings(), query_string={"q": secret})
    assert answer.status_code == 303
    assert secret not in answer.headers["Location"] + answer.text
    assert names(browse(ada).get(answer.headers["Location"])) == ["Wanted"]


def test_wildcards_in_a_search_are_plain_characters(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada, name="100% done")
    make_key(ada, name="Other")
    assert names(browse(ada).get(ada.settings(), query_string={"q": "%"})) == ["100% done"]
    assert names(browse(ada).get(ada.settings(), query_string={"q": "_"})) == []


def test_no_match_says_so_and_offers_all(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada)
    page = browse(ada).get(ada.settings(), query_string={"q": "<b>nothing"})
    assert "No keys match “<b>nothing”" in words(page)
    assert "<b>nothing" not in page.text
    assert "Clear search" in page.text


@pytest.mark.parametrize("search", ["\0", "a\0b", "\ud800", "%", "\\", "'", "x" * 100_000, "\u202e", "\n", "{{7*7}}"])
def test_no_search_breaks_the_page(ada: Person, browse: Browse, make_key: MakeKey, search: str) -> None:
    make_key(ada)
    answer = browse(ada).get(ada.settings(), query_string={"q": search.encode("utf-8", "surrogatepass")})
    assert answer.status_code in (200, 414)


def some_of_each(ada: Person, make_key: MakeKey) -> None:
    soon, later = now() + timedelta(days=6), now() + timedelta(days=60)
    make_key(ada, name="Expiring", expires_at=soon)
    make_key(ada, name="Plain", expires_at=later)
    idle, _ = make_key(ada, name="Idle")
    ApiKey.update(last_used_at=now() - timedelta(days=100)).where(ApiKey.id == idle.id).execute()
    gone, _ = make_key(ada, name="Gone")
    gone.revoke(by=ada.actor)
    over, _ = make_key(ada, name="Over", expires_at=later)
    ApiKey.update(expires_at=now()).where(ApiKey.id == over.id).execute()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("all", {"Expiring", "Plain", "Idle", "Gone", "Over"}),
        ("active", {"Expiring", "Plain", "Idle"}),
        ("expiring", {"Expiring"}),
        ("unused", {"Idle"}),
        ("inactive", {"Gone", "Over"}),
        ("nonsense", {"Expiring", "Plain", "Idle", "Gone", "Over"}),
    ],
)
def test_filters_show_their_keys_and_their_count(
    ada: Person, browse: Browse, make_key: MakeKey, status: str, expected: set[str]
) -> None:
    some_of_each(ada, make_key)
    page = browse(ada).get(ada.settings(), query_string={"status": status})
    assert set(names(page)) == expected
    current = re.search(r'aria-current="true">\w+ <span class="num">(\d+)</span>', page.text)
    assert current and int(current[1]) == len(expected)


def test_a_filter_without_keys_says_why(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada)
    assert "No key expires within 14 days." in words(
        browse(ada).get(ada.settings(), query_string={"status": "expiring"})
    )


@pytest.mark.parametrize(
    ("sort", "first"), [("name", "Expiring"), ("created", "Over"), ("expires", "Expiring"), ("used", "Idle")]
)
def test_sorting_puts_the_right_key_first(
    ada: Person, browse: Browse, make_key: MakeKey, sort: str, first: str
) -> None:
    some_of_each(ada, make_key)
    assert names(browse(ada).get(ada.settings(), query_string={"sort": sort}))[0] == first


def test_what_needs_attention_comes_first_and_inactive_keys_last(
    ada: Person, browse: Browse, make_key: MakeKey
) -> None:
    some_of_each(ada, make_key)
    shown = names(browse(ada).get(ada.settings()))
    assert set(shown[:2]) == {"Expiring", "Idle"}
    assert set(shown[-2:]) == {"Gone", "Over"}


def test_pages_hold_25_keys_and_keep_search_filter_and_sort(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    put_on_plan(ada, "business")
    for number in range(30):
        make_key(ada, name=f"Sync {number:02}")
    asked = {"q": "sync", "status": "active", "sort": "name"}
    first = browse(ada).get(ada.settings(), query_string=asked)
    assert names(first) == [f"Sync {number:02}" for number in range(25)]
    link = re.search(r'id="pager-next" href="([^"]*)"', first.text)
    assert link
    second = browse(ada).get(link[1].replace("&amp;", "&"))
    assert names(second) == [f"Sync {number:02}" for number in range(25, 30)]


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 40, "1e9"])
def test_odd_page_numbers_show_some_page(ada: Person, browse: Browse, make_key: MakeKey, page: str) -> None:
    make_key(ada, name="Only")
    assert names(browse(ada).get(ada.settings(), query_string={"page": page})) == ["Only"]


def test_one_notice_names_what_expires_first(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    some_of_each(ada, make_key)
    page = browse(ada).get(ada.settings())
    assert page.text.count('class="notice ') == 1
    assert "Expiring expires in 5 days." in words(page)


def test_the_notice_names_keys_whose_maker_left(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(olga, name="Orphan")
    olga.member.remove(by=ada.actor)
    page = browse(ada).get(ada.settings())
    assert "Orphan was created by someone who no longer manages keys here" in words(page)
    assert "No longer here" in words(page)


def test_a_maker_who_lost_the_role_is_flagged_as_such(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    make_key(olga)
    Member.update(role="member").where(Member.id == olga.member.id).execute()
    assert "No longer manages keys" in words(browse(ada).get(ada.settings()))


def test_the_notice_counts_unused_keys(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    for _ in range(2):
        key, _ = make_key(ada)
        ApiKey.update(last_used_at=now() - timedelta(days=100)).where(ApiKey.id == key.id).execute()
    assert "Review 2 keys" in words(browse(ada).get(ada.settings()))


def test_htmx_gets_the_panel_alone(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada)
    answer = browse(ada).htmx_get(ada.settings())
    assert answer.headers["HX-Retarget"] == "#main"
    assert "<html" not in answer.text
    assert "<title>API keys · Gravity Rail</title>" in answer.text


def test_a_filter_leaves_the_search_field_alone(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada)
    answer = browse(ada).htmx_get(ada.settings(), headers={"HX-Request-Type": "full"})
    assert "HX-Retarget" not in answer.headers
    before, panel = answer.text.split('<div id="keys-panel"', 1)
    assert 'name="q"' in before
    assert 'id="filter-all"' in panel


def test_a_full_page_takes_a_handful_of_statements(
    ada: Person, browse: Browse, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_plan(ada, "enterprise")
    for _ in range(key_list.PAGE_SIZE):
        make_key(ada)
    browser = browse(ada)
    browser.get(ada.settings())
    statements = []
    execute = db.obj.execute_sql

    def counted(*args: Any, **kwargs: Any) -> Any:
        statements.append(args)
        return execute(*args, **kwargs)

    monkeypatch.setattr(db.obj, "execute_sql", counted)
    assert len(names(browser.get(ada.settings()))) == 25
    assert len(statements) <= 8


def test_names_are_text_wherever_they_stand(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    make_key(ada, name="<img src=x onerror=alert(1)>")
    make_key(ada, name='"><svg/onload=alert(1)>')
    make_key(ada, name="{{7*7}} 🔑")
    page = browse(ada).get(ada.settings())
    assert "<img src=x" not in page.text
    assert "<svg/onload" not in page.text
    assert "{{7*7}} 🔑" in page.text
