"""Every page and dialog: accessible in light and dark, as narrow as a phone, without complaint."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from models import database
from models.database import now
from tests.support import ledger, pages
from tests.support.axe import Judge
from tests.support.cast import Person, joined, make_key
from tests.support.chromium import Watched, keep, sign_in, watched
from tests.support.servers import Server
from tests.support.steps import both
from tests.support.world import World

# Wide with JavaScript and narrow without: what axe sees depends on both.
SIZES = {True: {"width": 1280, "height": 720}, False: {"width": 390, "height": 720}}


@pytest.fixture
def watch(chromium: Browser, server: Server, javascript: bool) -> Iterator[Watched]:
    with watched(chromium, server.base_url, java_script_enabled=javascript, viewport=SIZES[javascript]) as watch:
        yield watch


@both
def test_pages_for_everyone_are_accessible(watch: Watched, judge: Judge, world: World) -> None:
    watch.expect("404", "422")
    for address in pages.for_everyone(world):
        judge.open(address)
    judge.open("/login")
    judge.page.get_by_label("E-mail").fill("nobody@example.com")
    judge.page.get_by_label("Password").fill("not the password")
    judge.page.get_by_role("button", name="Sign in").click()
    expect(judge.page.get_by_role("alert")).to_be_visible()
    judge.look()
    assert judge.found == []


@both
def test_pages_for_members_are_accessible(watch: Watched, judge: Judge, world: World) -> None:
    watch.expect("404")
    sign_in(judge.page, world.ada)
    for address in pages.for_members(world):
        judge.open(address)
        keep(judge.page, "page-" + "".join(char if char.isalnum() else "-" for char in address)[-80:])
    assert judge.found == []


def test_a_long_name_leaves_the_menu_as_wide_as_it_is(watch: Watched, ada: Person, server: Server) -> None:
    with server.models():
        other = joined(
            ada.workspace, f"{ada.member.email.partition('@')[0]}-Konstantinopolskaya " + "Anna " * 12, "member"
        )
    page = watch.page()
    sign_in(page, other)
    nav = page.locator("#nav")
    assert nav.evaluate("nav => nav.scrollWidth - nav.clientWidth") == 0
    for button in ("Match system", "Light", "Dark"):
        expect(nav.get_by_role("button", name=button)).to_be_in_viewport(ratio=1)


def test_large_text_gets_the_layout_of_a_narrow_screen(watch: Watched, server: Server, ada: Person) -> None:
    """Columns that are too narrow for their words would lie over each other."""
    server.key(ada, name="Nightly report", expires_at=now() + timedelta(days=3))
    page = watch.page()
    sign_in(page, ada)
    page.goto(ada.settings("api-keys"))
    row = page.get_by_role("row").filter(has_text="Nightly report")
    layout = "row => getComputedStyle(row).display"
    assert row.evaluate(layout) == "table-row"
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert row.evaluate(layout) == "grid"
    assert row.evaluate("row => [...row.cells].slice(0, -1).every(cell => cell.scrollWidth <= cell.clientWidth)")


def test_an_answer_that_is_waited_for_shows_as_a_line_on_top(watch: Watched, server: Server, ada: Person) -> None:
    server.key(ada)
    page, held = watch.page(), []
    line = "getComputedStyle(document.documentElement, '::before').content !== 'none'"
    sign_in(page, ada)
    page.goto(ada.settings("api-keys"))
    page.route("**/api-keys/cleanup", lambda route: held.append(route))
    page.get_by_role("link", name="Clean up").click()
    page.wait_for_function(line)
    for route in held:
        route.continue_()
    expect(page.get_by_role("heading", name="Nothing to clean up")).to_be_visible()
    page.wait_for_function(f"!({line})")


def test_no_page_is_left_out(_shared_app: Flask, world: World, watch: Watched) -> None:
    """What these tests do not open is none: it answers with something else, or leads elsewhere."""
    seen = pages.rules_behind(_shared_app, [*pages.for_everyone(world), *pages.for_members(world)])
    # These have tests of their own: test_api_docs.py.
    seen |= pages.rules_behind(_shared_app, ["/api/v2/docs"])
    rules = [rule for rule in _shared_app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    left = [rule for rule in rules if rule.rule not in seen]
    assert len(seen) > 35 and len(left) > 20
    sign_in(watch.page(), world.ada)
    for rule in left:
        address = pages.address_of(_shared_app, rule, world)
        answer = watch.context.request.get(address, max_redirects=0)
        is_page = answer.headers.get("content-type", "").startswith("text/html") and not 300 <= answer.status < 400
        assert not is_page, f"{rule.rule} is a page that tests/support/pages.py does not know ({answer.status})"


def test_dialogs_are_accessible(watch: Watched, judge: Judge, world: World) -> None:
    watch.expect("422", "403", "404")
    page = judge.page
    sign_in(page, world.ada)
    for address, words in dialogs(world):
        page.goto(address)
        page.get_by_role("link", name=words, exact=True).first.click()
        expect(page.locator("#dlg[open]")).to_be_visible()
        judge.look()
        if (submit := page.locator("#dlg button[type=submit].btn-solid")).count() and "new" in address + words.lower():
            submit.click()
            expect(
                page.locator("#dlg").get_by_role("alert").or_(page.locator("#dlg [data-invalid]")).first
            ).to_be_visible()
            judge.look()
    assert judge.found == []


def dialogs(world: World) -> list[tuple[str, str]]:
    at = world.ada.settings
    live, ended, turning, busy, asleep, kept = (
        f"api-keys/{world.keys[name].id}" for name in ("full", "revoked", "rotating", "busy", "asleep", "kept")
    )
    hook = f"webhooks/{world.hook.id}"
    return [
        (at(turning), "Rotate"), (at(turning), "Finish now"), (at(turning), "More time"), (at(turning), "Undo"),
        (at(), "Create API key"), (at(live), "Edit"), (at(live), "Rotate"), (at(live), "Revoke"), (at(ended), "Delete"),
        (at(busy), "Restrict to these…"), (at(asleep), "Wake the key"), (at(kept), "Change"),
        (at("members"), "Add person"), (at("webhooks"), "Add webhook"), (at(hook), "Rotate secret"),
        (at(hook), "Delete"),
    ]  # fmt: skip


@both
def test_what_buttons_lead_to_is_accessible(judge: Judge, server: Server) -> None:
    """Answers to a POST, which have no address of their own."""
    page, ada = judge.page, server.owner()
    with server.models(), database.at(now() - timedelta(days=100)):
        make_key(ada, name="A name of eighty characters, " + "without_any_blank_" * 2 + "to_be_broken_a")
    sign_in(page, ada)
    page.goto(ada.settings("policy"))
    page.get_by_label("Every key must expire").check()
    _press(judge, "Save policy", "1 key would not fit.")
    page.goto(ada.settings("api-keys/cleanup"))
    page.locator("section#unused").get_by_label("All 1").check()
    page.locator("section#unused").get_by_role("button", name="Quarantine…").click()
    expect(page.get_by_role("heading", name="Quarantine 1 key?")).to_be_visible()
    judge.look()
    _press(judge, "Quarantine 1 key", "1 key put in quarantine")
    _shown_once(judge, ada.settings("notifications"), "Make an address", "calendar address")
    page.goto(ada.settings("webhooks/new"))
    page.get_by_label("Address").fill("https://hooks.example.com/" + "a-long-name-" * 6)
    _shown_once(judge, "", "Add webhook", "signing secret of a webhook")
    page.goto(ada.settings("members/new"))
    page.get_by_label("Name").fill("Grace Hopper")
    page.get_by_label("E-mail").fill(f"grace-{ada.workspace.id.lower()}@example.com")
    _shown_once(judge, "", "Add person", "invitation")
    assert judge.found == []


def _press(judge: Judge, button: str, shown: str) -> None:
    judge.page.get_by_role("button", name=button).click()
    expect(judge.page.get_by_text(shown).first).to_be_visible()
    judge.look()


def _shown_once(judge: Judge, address: str, button: str, what: str) -> None:
    if address:
        judge.page.goto(address)
    judge.page.get_by_role("button", name=button).click()
    text = judge.page.locator("#secret").inner_text()
    # Of an address the last part is the secret.
    ledger.note(text.rpartition("/")[2].rpartition("=")[2].removesuffix(".ics"), what)
    judge.look()


def test_the_dialog_that_shows_a_key_is_accessible(judge: Judge, server: Server) -> None:
    page, ada = judge.page, server.owner()
    sign_in(page, ada)
    judge.open(ada.settings())
    page.get_by_role("link", name="Create API key").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Nightly report")
    page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read").check()
    page.get_by_role("button", name="Create key").click()
    ledger.note(page.locator("#secret").inner_text(), "key")
    judge.look()
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("button", name="Not yet")).to_be_visible()
    judge.look()
    assert judge.found == []
