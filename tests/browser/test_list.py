"""The way through the list of keys: filters and pages are places, to which Back leads."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.cast import Person, make_key
from tests.support.servers import Server


@pytest.fixture
def ada(server: Server) -> Person:
    return server.owner(plan="business")


@pytest.fixture
def many(server: Server, ada: Person, page: Page) -> Page:
    """At a list of two pages."""
    with server.models():
        for number in range(30):
            make_key(ada, name=f"Key number {number}")
    page.goto(ada.settings())
    return page


def test_back_leads_to_the_filter_and_the_page_before(many: Page) -> None:
    filters = many.get_by_role("navigation", name="Filter by status")
    many.get_by_role("link", name="Next page").click()
    expect(many.get_by_text("Page 2 of 2")).to_be_visible()
    filters.get_by_role("link", name="Unused").click()
    expect(many.get_by_role("heading", name="No unused keys")).to_be_visible()
    many.go_back()
    expect(many.get_by_text("Page 2 of 2")).to_be_visible()
    many.go_back()
    expect(many.get_by_text("Page 1 of 2")).to_be_visible()


def test_the_next_page_is_read_from_its_top(many: Page) -> None:
    table = many.get_by_role("table", name="API keys in Fieldstone")
    many.get_by_role("link", name="Next page").click()
    expect(table).to_be_focused()
    expect(table.get_by_role("row").nth(1)).to_be_in_viewport()
    many.get_by_role("link", name="Previous page").click()
    expect(many.get_by_text("Page 1 of 2")).to_be_visible()
    expect(table).to_be_focused()
    expect(table.get_by_role("row").nth(1)).to_be_in_viewport()
    expect(many.get_by_text("Page 1 of 2")).not_to_be_in_viewport()
