"""What happens in an open page when its session has ended meanwhile."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.cast import Person
from tests.support.chromium import Watched, sign_in
from tests.support.servers import Server
from tests.support.steps import end_sessions, fill_in, key_names


@pytest.fixture
def signed_out_meanwhile(server: Server, ada: Person, watch: Watched, page: Page) -> Page:
    watch.expect("401")
    page.evaluate("window.stayed = true")
    return page


def test_a_click_after_the_session_ended_leads_to_sign_in_and_back(
    server: Server, ada: Person, signed_out_meanwhile: Page
) -> None:
    page = signed_out_meanwhile
    end_sessions(server, ada)
    page.get_by_role("link", name="Create API key").first.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, ada, open_page=False)
    page.wait_for_url(f"**{ada.settings()}")
    expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()


def test_a_form_sent_after_the_session_ended_does_nothing(
    server: Server, ada: Person, signed_out_meanwhile: Page
) -> None:
    page = signed_out_meanwhile
    fill_in(page)
    end_sessions(server, ada)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, ada, open_page=False)
    page.wait_for_url(f"**{ada.settings()}**")
    assert key_names(server, ada) == []
