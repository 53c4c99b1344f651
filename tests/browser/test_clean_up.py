"""Many keys in one go in a browser: what is selected is what is asked about, and new keys are shown once."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from models import KeySecret
from models.database import now
from tests.support import axe, ledger
from tests.support.artifacts import ARTIFACTS
from tests.support.cast import Person, make_key
from tests.support.chromium import Watched, sign_in
from tests.support.servers import Server


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_many_keys_are_rotated(watch: Watched, ada: Person, server: Server, javascript: bool) -> None:
    with server.models():
        made = [make_key(ada, name=f"Nightly report {number} of the billing team") for number in range(3)]
        old = KeySecret.key.in_([key.id for key, _ in made])
        KeySecret.update(created_at=now() - timedelta(days=120)).where(old).execute()
    page = watch.page()
    page.set_viewport_size({"width": 390, "height": 800})
    sign_in(page, ada)
    page.goto(ada.settings("api-keys/cleanup"))
    page.locator("#all-rotation_due").check()
    page.locator("#rotation_due").get_by_role("button", name="Rotate…").click()
    expect(page.get_by_role("heading", name="Rotate 3 keys?")).to_be_visible()
    page.get_by_label("7 days").check()
    page.screenshot(path=ARTIFACTS / f"rotate-many-asked-{javascript}.png")
    page.get_by_role("button", name="Rotate 3 keys").click()
    expect(page.get_by_role("heading", name="Copy your keys now")).to_be_visible()
    box = page.locator("#new-keys")
    lines = box.inner_text().strip().splitlines()
    assert [line.partition(": ")[0] for line in lines] == [key.name for key, _ in made]
    ledger.note_keys(box.inner_text())
    page.screenshot(path=ARTIFACTS / f"rotate-many-{javascript}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if javascript:
        assert axe.violations(page) == []
        expect(page.locator("#stored")).to_have_text("I have stored them")
        page.locator("#stored").click()
        expect(page.get_by_text("Have you stored the keys?")).to_be_visible()
        page.get_by_role("link", name="Yes, close").click()
        expect(page.get_by_role("heading", name="Clean up", exact=True)).to_be_visible()
    else:
        page.locator("#stored").click()
    expect(page.get_by_text("Nothing to clean up")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_what_is_selected_is_what_is_asked_about(watch: Watched, ada: Person, server: Server, javascript: bool) -> None:
    with server.models():
        for number in range(3):
            make_key(ada, name=f"Ending {number}", expires_at=now() + timedelta(days=number + 1))
    page = watch.page()
    sign_in(page, ada)
    page.goto(ada.settings("api-keys/cleanup"))
    expiring = page.locator("#expiring")
    every = expiring.get_by_label("Select all 3")
    if javascript:
        every.check()
        expect(expiring.get_by_text("3 selected")).to_be_visible()
        expiring.get_by_label("Select Ending 1").uncheck()
        expect(every).not_to_be_checked()
        expect(expiring.get_by_text("2 selected")).to_be_visible()
        assert axe.violations(page) == []
    else:
        for number in (0, 2):
            expiring.get_by_label(f"Select Ending {number}").check()
    expiring.get_by_role("button", name="Extend 30 days…").click()
    expect(page.get_by_role("heading", name="Extend 2 keys by 30 days?")).to_be_visible()
    names = page.get_by_role("region", name="Keys").locator(".name")
    expect(names).to_have_text(["Ending 0", "Ending 2"])
    page.get_by_role("button", name="Extend 2 keys by 30 days").click()
    expect(page.get_by_role("heading", name="2 keys extended by 30 days")).to_be_visible()
    page.get_by_role("button", name="Undo for 2 keys").click()
    expect(page.get_by_role("heading", name="2 keys back to the former end")).to_be_visible()


def test_what_can_be_done_stays_in_view_and_hides_no_focus(watch: Watched, ada: Person, server: Server) -> None:
    with server.models():
        for number in range(20):
            make_key(ada, name=f"Ending {number:02}", expires_at=now() + timedelta(days=2))
    page = watch.page()
    sign_in(page, ada)
    page.goto(ada.settings("api-keys/cleanup"))
    page.get_by_label("Select Ending 19").focus()
    button = page.locator("#expiring").get_by_role("button", name="Revoke…")
    expect(button).to_be_in_viewport()
    bar = page.locator("#expiring .review-bar").bounding_box()
    assert bar
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        focused = page.evaluate("document.activeElement.getBoundingClientRect().top")
        assert focused >= bar["y"] + bar["height"] - 1
