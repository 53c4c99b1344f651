"""The API reference in a browser: requests are tried from it, and the key stays in the memory of the page."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.support.axe import Judge
from tests.support.cast import Person
from tests.support.chromium import Watched, stored, watched
from tests.support.servers import Server

DOCS = "/api/v2/docs"


def attributes(page: Page) -> str:
    """Every attribute and every text of the page, as anybody could read them from the document."""
    return str(page.evaluate("document.documentElement.outerHTML"))


def with_key(watch: Watched, secret: str) -> Page:
    page = watch.page()
    page.goto(DOCS)
    page.get_by_label("API key", exact=True).fill(secret)
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("#key-state")).to_contain_text("In use")
    return page


def sent(page: Page, operation: str, method: str) -> str:
    """What the reference shows of the answer to an operation that is tried."""
    article = page.locator(f"#{operation}")
    article.locator("details[data-try] > summary").click()
    article.get_by_role("button", name=f"Send {method} request").click()
    expect(article.locator("[data-state]")).to_contain_text("Status")
    return article.locator("[data-state]").inner_text() + article.locator("[data-body]").inner_text()


def test_a_request_is_tried_and_its_key_is_kept_nowhere(watch: Watched, server: Server) -> None:
    person = server.owner("Tried")
    _, secret = server.key(person)
    page = with_key(watch, secret)
    answer = sent(page, "list_members", "GET")
    assert "Status 200" in answer and str(person.member.name) in answer
    assert secret not in attributes(page)
    assert secret not in stored(page)
    assert secret not in page.url
    assert not any(secret in address for address in watch.asked)
    assert page.context.cookies() == []
    page.goto("/help")
    page.go_back()
    page.locator("#list_members details[data-try] > summary").click()
    page.locator("#list_members [data-name=workspace_id]").fill(person.workspace.id)
    watch.expect("401")
    page.locator("#list_members").get_by_role("button", name="Send GET request").click()
    expect(page.locator("#list_members [data-state]")).to_contain_text("Status 401")


def test_a_refusal_is_shown_with_what_to_do(watch: Watched, server: Server) -> None:
    watch.expect("403")
    _, secret = server.key(server.owner("Refused"))
    answer = sent(with_key(watch, secret), "create_member", "POST")
    assert "Status 403" in answer and "fix_url" in answer


def test_a_key_that_is_not_good_is_not_kept(watch: Watched, server: Server) -> None:
    watch.expect("401")
    page = watch.page()
    page.goto(DOCS)
    page.get_by_label("API key", exact=True).fill("gr_" + "0" * 20)
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("#key-state")).to_contain_text("not a valid API key")
    expect(page.get_by_label("API key", exact=True)).to_have_value("")


def test_it_is_read_without_javascript(chromium: Browser, server: Server) -> None:
    with watched(chromium, server.base_url, java_script_enabled=False) as watch:
        page = watch.page()
        page.goto(f"{DOCS}#list_members")
        expect(page.get_by_role("heading", name=re.compile("List members"))).to_be_visible()
        expect(page.get_by_text("Try it with your key")).to_be_hidden()


def test_it_is_accessible_and_as_narrow_as_a_phone(chromium: Browser, server: Server) -> None:
    with watched(chromium, server.base_url) as watch:
        judge = Judge(watch.page())
        judge.open(DOCS)
        assert judge.found == []


def test_the_empty_list_and_the_menu_lead_there(watch: Watched, page: Page, ada: Person) -> None:
    page.get_by_role("link", name="API reference").first.click()
    page.wait_for_url(re.compile(DOCS))
    expect(page.get_by_role("heading", name="API reference")).to_be_visible()
