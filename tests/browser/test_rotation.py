"""A rotation as a person sees it: in a real browser, against the real server, with JavaScript and without."""

from playwright.sync_api import Page, expect

from models import ApiKey
from tests.support import ledger
from tests.support.cast import Person
from tests.support.chromium import keep
from tests.support.servers import Server
from tests.support.steps import both, shows_nothing_of, status


def rotate(page: Page, name: str, overlap: str) -> str:
    """From the list, by way of the page of the key. Ends on the list."""
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name="Rotate", exact=True).click()
    page.get_by_role("radio", name=overlap).check()
    page.get_by_role("button", name="Rotate key").click()
    text = ledger.note(page.locator("#secret").inner_text(), "key")
    page.get_by_role("link", name="I have stored it").click()
    if (ask := page.get_by_role("link", name="Yes, close")).is_visible():
        ask.click()
    expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()
    return text


def begun(server: Server, ada: Person, page: Page) -> tuple[ApiKey, str, str]:
    """A key in the middle of a rotation, with its page open; its old and its new secret."""
    key, old = server.key(ada, name="Nightly report")
    page.reload()
    new = rotate(page, "Nightly report", "24 hours")
    row = page.get_by_role("row").filter(has_text="Nightly report")
    expect(row).to_contain_text("Rotating")
    expect(row).to_contain_text("Old key: 23 hr left")
    page.get_by_role("link", name="Nightly report", exact=True).click()
    expect(page.locator("#retiring")).to_contain_text("The old key has not been used since the rotation.")
    assert status(server, ada, old) == status(server, ada, new) == (200, "")
    return key, old, new


@both
def test_an_overlap_is_given_more_time_and_finished(server: Server, ada: Person, page: Page, javascript: bool) -> None:
    if javascript:
        page.evaluate("window.stayed = true")
    _, old, new = begun(server, ada, page)
    page.get_by_role("link", name="More time").click()
    page.get_by_role("radio", name="7 days").check()
    page.get_by_role("button", name="Give more time").click()
    expect(page.locator("#retiring")).to_contain_text("6 days left")
    page.get_by_role("link", name="Finish now").click()
    page.get_by_role("button", name="Stop the old key").click()
    expect(page.get_by_text("The old key of Nightly report has stopped working.")).to_be_visible()
    expect(page.locator("#retiring")).not_to_be_visible()
    assert status(server, ada, old) == (401, "revoked_key")
    assert status(server, ada, new) == (200, "")
    shows_nothing_of(page, new)
    keep(page, f"rotated-{javascript}")


@both
def test_a_rotation_is_undone(server: Server, ada: Person, page: Page, javascript: bool) -> None:
    _, old, new = begun(server, ada, page)
    page.get_by_role("link", name="Undo", exact=True).click()
    expect(page.get_by_text("The new key stops working at once,")).to_be_visible()
    page.get_by_role("button", name="Undo the rotation").click()
    expect(page.get_by_text("The rotation of Nightly report is undone.")).to_be_visible()
    expect(page.locator("#retiring")).not_to_be_visible()
    assert status(server, ada, old) == (200, "")
    assert status(server, ada, new) == (401, "revoked_key")


@both
def test_a_leaked_key_is_stopped_at_once(server: Server, ada: Person, page: Page, javascript: bool) -> None:
    _, old = server.key(ada, name="Leaked")
    page.reload()
    new = rotate(page, "Leaked", "Stop it now")
    expect(page.get_by_role("row").filter(has_text="Leaked")).to_contain_text("Active")
    assert (status(server, ada, old), status(server, ada, new)) == ((401, "revoked_key"), (200, ""))


def test_the_arrow_keys_choose_an_overlap(server: Server, ada: Person, page: Page) -> None:
    server.key(ada, name="CI")
    page.reload()
    page.get_by_role("link", name="CI", exact=True).click()
    page.get_by_role("link", name="Rotate", exact=True).click()
    expect(page.get_by_role("radio", name="24 hours")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#dlg[open]")).not_to_be_visible()
    expect(page.get_by_role("link", name="Rotate", exact=True)).to_be_focused()
