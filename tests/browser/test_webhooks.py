"""A webhook from adding it to its first delivery, and a calendar, in the browser with and without JavaScript."""

import httpx
import icalendar
from playwright.sync_api import Page, expect

from tests.support import ledger
from tests.support.axe import Judge
from tests.support.cast import Person
from tests.support.chromium import Watched
from tests.support.processes import until
from tests.support.receiver import receiving
from tests.support.servers import PATIENCE, Server
from tests.support.steps import both, shows_nothing_of


def complaints(page: Page) -> list[str]:
    judge = Judge(page)
    judge.look()
    return judge.found


def stored_it(page: Page, javascript: bool) -> str:
    """Read what is shown once, and leave."""
    text = ledger.note(page.locator("#secret").inner_text(), "shown once")
    page.get_by_role("link", name="I have stored it").click()
    if javascript:
        page.get_by_role("link", name="Yes, close").click()
    expect(page.locator("#secret")).not_to_be_visible()
    return text


def is_shown(page: Page, text: str) -> bool:
    """Once it is loaded anew."""
    page.reload()
    return page.get_by_text(text, exact=True).is_visible()


@both
def test_a_webhook_is_added_tested_and_deleted(page: Page, javascript: bool) -> None:
    with receiving() as receiver:
        page.get_by_role("list", name="Developer").get_by_role("link", name="Webhooks").click()
        found = complaints(page) if javascript else []
        page.get_by_role("link", name="Add webhook").click()
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label("Description").fill("Audit store")
        found += complaints(page) if javascript else []
        page.get_by_role("button", name="Add webhook").click()
        secret = stored_it(page, javascript)
        if javascript:
            shows_nothing_of(page, secret)
        expect(page.get_by_role("heading", name="Audit store")).to_be_visible()
        page.get_by_role("button", name="Send a test event").click()
        expect(page.get_by_text("A test event is on its way.")).to_be_visible()
        assert receiver.arrived.wait(60), "the scheduler of the server sends it"
        assert receiver.got[0].verified(secret)["type"] == "webhook.test"
        until("its answer is noted", lambda: is_shown(page, "Delivered"))
        found += complaints(page) if javascript else []
        page.get_by_role("link", name="Rotate secret").click()
        page.get_by_role("button", name="Rotate secret").click()
        assert stored_it(page, javascript) != secret
        expect(page.get_by_text("The one before signs too until")).to_be_visible()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete webhook").click()
        expect(page.get_by_text("No webhooks yet")).to_be_visible()
        assert found == []


@both
def test_a_refused_address_keeps_what_was_entered(page: Page, watch: Watched, ada: Person, javascript: bool) -> None:
    watch.expect("422")
    page.goto(ada.settings("webhooks/new"))
    page.get_by_label("Address").fill("https://10.0.0.1/hooks")
    page.get_by_label("Everything").uncheck()
    page.get_by_label("api_key.leaked").check()
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_text("This address is not public.")).to_be_visible()
    expect(page.get_by_label("Address")).to_have_value("https://10.0.0.1/hooks")
    expect(page.get_by_label("api_key.leaked")).to_be_checked()
    expect(page.get_by_label("Everything")).not_to_be_checked()


@both
def test_a_calendar_is_subscribed_to_and_revoked(page: Page, server: Server, ada: Person, javascript: bool) -> None:
    server.key(ada, name="Nightly report")
    page.goto(ada.settings("notifications"))
    page.get_by_role("button", name="Make an address").click()
    link = stored_it(page, javascript)
    ledger.note(link.rpartition("/")[2].removesuffix(".ics"), "calendar token")
    read = httpx.get(link, timeout=PATIENCE)
    [event] = icalendar.Calendar.from_ical(read.content).walk("VEVENT")
    assert event["SUMMARY"] == "Rotate API key: Nightly report"
    page.goto(ada.settings("notifications"))
    expect(page.get_by_text("Last read")).to_be_visible()
    if javascript:
        assert complaints(page) == []
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Your calendar address has stopped working.")).to_be_visible()
    assert httpx.get(link, timeout=PATIENCE).status_code == 404
