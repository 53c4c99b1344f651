"""The life of a key as a person sees it: in a real browser, against the real server, with JavaScript and without."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from models import ApiKey, BrowserSession
from tests.support import ledger
from tests.support.cast import Person
from tests.support.chromium import Watched, keep, sign_in, stored, watched
from tests.support.servers import Server

both = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


@pytest.fixture
def ada(server: Server) -> Person:
    return server.owner()


@pytest.fixture
def javascript() -> bool:
    return True


@pytest.fixture
def watch(chromium: Browser, server: Server, javascript: bool) -> Iterator[Watched]:
    with watched(chromium, server.base_url, java_script_enabled=javascript) as watch:
        yield watch


@pytest.fixture
def page(watch: Watched, ada: Person) -> Page:
    """On the list of keys, signed in, by way of the menu."""
    page = watch.page()
    sign_in(page, ada)
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("list", name="Developer").get_by_role("link", name="API Keys").click()
    expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()
    return page


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
    answer = httpx.get(server.base_url + ada.api(), headers={"Authorization": f"Bearer {secret}"})
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
    page.get_by_label("Type the name to confirm").fill(name)
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Revoked by")).to_be_visible()


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


def test_going_back_does_not_show_the_key_again(page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    secret = create(page)
    page.goto("/help")
    page.go_back()
    expect(page.get_by_role("link", name="Nightly report")).to_be_visible()
    shows_nothing_of(page, secret)


def test_a_page_that_the_browser_keeps_for_back_is_wiped_before(watch: Watched, ada: Person) -> None:
    """As in browsers that keep a page in the back/forward cache although it says no-store."""
    watch.context.route(f"**{ada.settings()}", without_no_store)
    watch.context.add_init_script(NOTE_WHAT_CAME_BACK)
    # The page that came back loads itself anew, which its guard against leaving too early notices.
    watch.expect("beforeunload")
    page = watch.page()
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page, ada)
    page.goto(ada.settings())
    secret = create(page)
    page.goto("/help")
    page.go_back(wait_until="commit")
    expect(page.get_by_role("link", name="Nightly report")).to_be_visible()
    assert page.evaluate("localStorage.cameBack") == "#secret is empty"
    shows_nothing_of(page, secret)


NOTE_WHAT_CAME_BACK = """addEventListener("pageshow", event => {
  if (event.persisted) localStorage.cameBack = "#secret is " + (document.querySelector("#secret").textContent || "empty");
})"""


def without_no_store(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers=answer.headers | {"cache-control": "private"})


@pytest.mark.parametrize("broken", ["htmx.min.js", "app.js"])
def test_going_back_to_a_reveal_of_its_own_page_does_not_show_the_key_again(
    server: Server, watch: Watched, ada: Person, broken: str
) -> None:
    """When a script did not arrive, the form still works, and its answer is a page of its own."""
    watch.context.route(f"**/{broken}*", lambda route: route.abort())
    watch.expect("ERR_FAILED", "409")
    page = watch.page()
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page, ada)
    page.goto(ada.settings("api-keys/new"))
    page.get_by_role("textbox", name="Name", exact=True).fill("Nightly report")
    page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read").check()
    page.get_by_role("button", name="Create key").click()
    secret = ledger.note(page.locator("#secret").inner_text(), "key")
    page.goto("/help")
    page.go_back()
    shows_nothing_of(page, secret)
    assert key_names(server, ada) == ["Nightly report"]


@both
def test_reloading_after_the_reveal_makes_no_second_key(
    server: Server, ada: Person, watch: Watched, page: Page, javascript: bool
) -> None:
    watch.expect("409")
    page.on("dialog", lambda dialog: dialog.accept())
    secret = create(page)
    page.reload()
    shows_nothing_of(page, secret) if javascript else expect(page.locator("#secret")).not_to_be_visible()
    assert key_names(server, ada) == ["Nightly report"]


@both
def test_a_double_click_makes_one_key(server: Server, ada: Person, page: Page, javascript: bool) -> None:
    fill_in(page)
    page.get_by_role("button", name="Create key").dblclick()
    expect(
        page.get_by_role("heading", name="Copy your key now").or_(page.get_by_text("already created").first)
    ).to_be_visible()
    assert key_names(server, ada) == ["Nightly report"]
    if javascript:
        ledger.note(page.locator("#secret").inner_text(), "key")


def test_mistakes_come_back_into_the_dialog_with_what_was_typed(watch: Watched, page: Page) -> None:
    watch.expect("422")
    page.get_by_role("link", name="Create API key").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("x" * 80)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("Choose at least one scope.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("x" * 80)
    assert page.evaluate("document.querySelector('#dlg').open")


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
