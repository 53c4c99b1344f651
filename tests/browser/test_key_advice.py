"""The same with and without JavaScript: what would break, narrowing and its undo, and an allowlist of what called."""

import re

import pytest
from playwright.sync_api import Page, expect

from models import ApiKey
from tests.support.cast import Person
from tests.support.servers import Server
from tests.support.steps import both
from tests.support.world import busy_key

pytestmark = both


@pytest.fixture
def key(server: Server, ada: Person) -> ApiKey:
    with server.models():
        return busy_key(ada)


@pytest.fixture
def page(page: Page, ada: Person, key: ApiKey) -> Page:
    page.goto(ada.settings(f"api-keys/{key.id}"))
    return page


def stored(server: Server, key: ApiKey) -> ApiKey:
    with server.models():
        found: ApiKey = ApiKey.get_by_id(key.id)
        return found


def test_a_key_is_narrowed_and_gets_its_scopes_back(page: Page, server: Server, key: ApiKey) -> None:
    page.get_by_role("button", name="Narrow to what it uses").click()
    expect(page.get_by_text("Busy is narrowed to what it uses.")).to_be_visible()
    assert stored(server, key).scopes == "read:members read:data"
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Busy has its scopes back.")).to_be_visible()
    assert stored(server, key).scopes == "read:members write:members read:data"


def test_an_allowlist_is_looked_at_before_it_is_set(page: Page, server: Server, key: ApiKey) -> None:
    page.get_by_role("link", name="Restrict to these…").click()
    box = page.get_by_label("Allowed addresses and networks")
    expect(box).to_have_value("192.0.2.7\n198.51.100.9\n2001:db8:7::/64")
    expect(page.get_by_text("this would have refused no calls")).to_be_visible()
    box.fill("192.0.2.7\n2001:db8:7::/64")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("this would have refused 40 calls.")).to_be_visible()
    assert stored(server, key).networks == ""
    page.get_by_role("button", name="Restrict anyway").click()
    expect(page.get_by_text("Busy works from these addresses only.")).to_be_visible()
    assert stored(server, key).networks == "192.0.2.7/32 2001:db8:7::/64"


def test_an_edit_that_breaks_calls_is_shown_first_and_can_be_taken_back(
    page: Page, server: Server, key: ApiKey, javascript: bool
) -> None:
    page.get_by_role("link", name="Edit", exact=True).click()
    box = page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read")
    box.uncheck()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="This change would break calls")).to_be_visible()
    expect(page.get_by_text("this would have refused 1,240 calls.")).to_be_visible()
    if javascript:
        expect(page.get_by_role("alertdialog")).to_have_accessible_description(re.compile("refused 1,240 calls"))
    page.get_by_role("button", name="Back to editing").click()
    expect(box).not_to_be_checked()
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("Busy is saved.")).to_be_visible()
    assert stored(server, key).scopes == "write:members read:data"


def test_to_disable_a_key_in_use_asks_first(page: Page, server: Server, key: ApiKey) -> None:
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("heading", name="Disable Busy?")).to_be_visible()
    expect(page.get_by_text("GET /members", exact=True).last).to_be_visible()
    assert stored(server, key).disabled_at is None
    page.get_by_role("button", name="Disable key").click()
    expect(page.get_by_text("Busy is disabled.")).to_be_visible()
    assert stored(server, key).disabled_at is not None
