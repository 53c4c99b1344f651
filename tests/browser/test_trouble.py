"""What an open page says when the server answers badly or not at all: near where one looks, and only what is known."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.cast import Person, make_key
from tests.support.chromium import Watched
from tests.support.servers import Server

UNKNOWN = "No answer. Reload the page to see what was saved."


def fail_posts(page: Page, status: int | None) -> None:
    """Each form that is sent is answered with this status, or with none."""

    def answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
        elif status:
            route.fulfill(status=status, body="broken")
        else:
            route.abort()

    page.route("**/*", answer)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "Something went wrong. Nothing was changed."),
        (503, "Briefly unavailable. Try again in a moment."),
        (504, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_a_form_says_beside_its_button_that_it_failed(
    watch: Watched, page: Page, ada: Person, status: int | None, said: str
) -> None:
    watch.expect("50[034]", "ERR_FAILED", "Failed to fetch")
    page.goto(ada.settings("policy"))
    page.get_by_label("Unused after").fill("91")
    fail_posts(page, status)
    for _ in range(2):
        page.get_by_role("button", name="Save policy").click()
        alert = page.get_by_role("alert")
        expect(alert).to_have_text(said)
        expect(alert).to_be_focused()
    assert alert.evaluate("alert => alert.nextElementSibling.textContent") == "Save policy"
    page.unroute("**/*")
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_text("The policy is saved.")).to_be_visible()
    expect(alert).to_have_count(0)


def test_a_link_that_fails_does_not_speak_of_changes(watch: Watched, page: Page) -> None:
    watch.expect("500")
    page.route("**/api-keys/new", lambda route: route.fulfill(status=500, body="broken"))
    page.get_by_role("link", name="Create API key").click()
    expect(page.get_by_text("Something went wrong. Try again.")).to_be_visible()


def test_a_dialog_says_of_what_it_is_not_sure(watch: Watched, page: Page, server: Server, ada: Person) -> None:
    watch.expect("ERR_FAILED", "Failed to fetch")
    with server.models():
        key, _ = make_key(ada)
    page.goto(ada.settings(f"api-keys/{key.id}/keep"))
    page.get_by_label("Why it is kept").fill("Once a year")
    fail_posts(page, None)
    page.get_by_role("button", name="Keep key").click()
    expect(page.get_by_text("We could not confirm that it was saved. Reload the page.")).to_be_visible()
