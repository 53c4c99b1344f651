"""The life of a key as a person sees it: in a real browser, against the real server, with JavaScript and without."""

import pytest
from playwright.sync_api import Page, expect

from tests.support import ledger
from tests.support.cast import Person
from tests.support.chromium import Watched, keep
from tests.support.servers import Server
from tests.support.steps import both, create, fill_in, revoke, shows_nothing_of, status


@both
def test_a_key_is_created_used_and_revoked(
    server: Server, ada: Person, watch: Watched, page: Page, javascript: bool
) -> None:
    if javascript:
        page.evaluate("window.stayed = true")
    secret = create(page)
    assert status(server, ada, secret) == (200, "")
    page.get_by_role("link", name="I have stored it").click()
    if javascript:
        # It was not copied, so the dialog asks first.
        page.get_by_role("link", name="Yes, close").click()
    expect(page.get_by_role("link", name="Nightly report")).to_be_visible()
    shows_nothing_of(page, secret)
    revoke(page, "Nightly report")
    assert status(server, ada, secret) == (401, "revoked_key")
    shows_nothing_of(page, secret)
    assert not javascript or page.evaluate("window.stayed"), "a whole page was loaded in between"
    assert not [url for url in watch.asked if secret[7:-2] in url]
    keep(page, f"revoked-{javascript}")


def test_settings_are_at_the_top_right(page: Page) -> None:
    box = page.get_by_role("link", name="Settings", exact=True).bounding_box()
    size = page.viewport_size
    assert box and size
    assert box["y"] + box["height"] < 100 and box["x"] > size["width"] / 2


def test_copying_puts_the_key_on_the_clipboard(page: Page) -> None:
    secret = create(page)
    page.get_by_role("button", name="Copy key").click()
    expect(page.get_by_role("button", name="Key copied")).to_be_visible()
    page.get_by_role("link", name="I have stored it").click()
    shows_nothing_of(page, secret)
    page.get_by_role("link", name="Create API key").first.click()
    note = page.get_by_label("Where will you keep it?")
    note.press("Control+V")
    expect(note).to_have_value(secret)


def test_the_dialog_that_shows_a_key_does_not_close_by_accident(page: Page) -> None:
    create(page)
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(page.locator("#secret")).to_be_visible()
    page.get_by_role("link", name="I have stored it").click()
    page.get_by_role("button", name="Not yet").click()
    expect(page.locator("#secret")).to_be_visible()


def test_mistakes_come_back_into_the_dialog_with_what_was_typed(watch: Watched, page: Page) -> None:
    watch.expect("422")
    page.get_by_role("link", name="Create API key").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("x" * 80)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("Choose at least one scope.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("x" * 80)
    assert page.evaluate("document.querySelector('#dlg').open")


def test_a_lost_connection_is_said_and_the_form_stays(watch: Watched, page: Page) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    fill_in(page)
    watch.context.set_offline(True)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Nightly report")
    expect(page.get_by_role("button", name="Create key")).to_be_enabled()
    watch.context.set_offline(False)
    page.get_by_role("button", name="Create key").click()
    ledger.note(page.locator("#secret").inner_text(), "key")


def test_a_name_full_of_markup_is_a_name(watch: Watched, page: Page) -> None:
    name = """<img src=x onerror=alert(1)>{{7*7}}"><svg/onload=alert(2)>'🔑"""
    page.on("dialog", lambda dialog: pytest.fail(dialog.message) if dialog.type == "alert" else dialog.accept())
    create(page, name)
    page.get_by_role("link", name="I have stored it").click()
    page.get_by_role("link", name="Yes, close").click()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    revoke_link = page.get_by_role("link", name="Revoke", exact=True)
    revoke_link.click()
    expect(page.get_by_role("heading", name=f"Revoke {name}?")).to_be_visible()
