"""A key is shown once, and never again: not by Back, not by reloading, not by sending the form twice."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import ledger
from tests.support.cast import Person
from tests.support.chromium import Watched, sign_in
from tests.support.servers import Server
from tests.support.steps import both, create, fill_in, key_names, shows_nothing_of


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
    # It is noted by the page that came back, which the browser may show before it tells it so.
    page.wait_for_function("localStorage.cameBack")
    assert page.evaluate("localStorage.cameBack") == "#secret is empty"
    shows_nothing_of(page, secret)


NOTE_WHAT_CAME_BACK = """addEventListener("pageshow", event => {
  const text = document.querySelector("#secret")?.textContent;
  if (event.persisted) localStorage.cameBack = "#secret is " + (text || "empty");
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
