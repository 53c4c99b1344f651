"""Many keys are rotated in one go in a browser: the new ones are shown once, and not left without being asked."""

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
    page.get_by_role("button", name="Rotate keys").click()
    expect(page.get_by_role("heading", name="Copy your keys now")).to_be_visible()
    box = page.locator("#new-keys")
    lines = box.inner_text().strip().splitlines()
    assert [line.partition(": ")[0] for line in lines] == [key.name for key, _ in made]
    ledger.note_keys(box.inner_text())
    page.screenshot(path=ARTIFACTS / f"rotate-many-{javascript}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if javascript:
        assert axe.violations(page) == []
        page.locator("#stored").click()
        expect(page.get_by_text("Have you stored the keys?")).to_be_visible()
        page.get_by_role("link", name="Yes, close").click()
        expect(page.get_by_role("heading", name="Clean up")).to_be_visible()
    else:
        page.locator("#stored").click()
    expect(page.locator("#rotation_due").get_by_text("Nothing here.")).to_be_visible()
