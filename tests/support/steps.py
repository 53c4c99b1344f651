"""What a person does with keys in the browser, step by step."""

import pytest
from playwright.sync_api import Page, expect

from models import ApiKey, BrowserSession
from tests.support import ledger
from tests.support.cast import Person
from tests.support.chromium import stored
from tests.support.servers import Server

both = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


def fill_in(page: Page, name: str = "Nightly report") -> None:
    page.get_by_role("link", name="Create API key").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read").check()


def create(page: Page, name: str = "Nightly report") -> str:
    """Create a key and read it off the page."""
    fill_in(page, name)
    page.get_by_role("button", name="Create key").click()
    text = page.locator("#secret").inner_text()
    return ledger.note(text, "key")


def status(server: Server, ada: Person, secret: str) -> tuple[int, str]:
    answer = server.get(ada.api(), headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, answer.json().get("code", "")


def shows_nothing_of(page: Page, secret: str) -> None:
    expect(page.locator("#secret")).not_to_be_visible()
    assert secret[7:-2] not in page.content() + stored(page)


def key_names(server: Server, ada: Person) -> list[str]:
    with server.models():
        return [key.name for key in ApiKey.in_workspace(ada.workspace.id)]


def end_sessions(server: Server, ada: Person) -> None:
    assert ada.user
    with server.models():
        BrowserSession.end_all(ada.user)


def revoke(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name="Revoke", exact=True).click()
    page.get_by_label("Reason").select_option(label="Exposed or compromised")
    page.get_by_label(f"Type “{name}” to confirm").fill(name)
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Revoked by")).to_be_visible()
