"""Every page and dialog: accessible in light and dark, as narrow as a phone, without complaint."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support import ledger
from tests.support.chromium import Watched, keep, sign_in, watched
from tests.support.servers import Server
from tests.support.world import World


@pytest.fixture(params=["light", "dark"])
def watch(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Watched]:
    with watched(chromium, server.base_url, color_scheme=request.param, reduced_motion="reduce") as watch:
        yield watch


def judge(page: Page) -> list[str]:
    """What is wrong with the page as it stands, at any width."""
    page.evaluate("document.fonts.ready")
    results = Axe().run(page).response
    assert results["passes"]
    found = [
        f"{page.url} {each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in results["violations"]
    ]
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"{page.url} is {wide} wide on a screen of {width}")
    page.set_viewport_size({"width": 1280, "height": 720})
    return found


def addresses(world: World) -> list[str]:
    """Every page that has an address; dialogs are drawn as sheets there."""
    keys = [f"api-keys/{key.id}" for key in world.keys.values()]
    live, ended = world.keys["full"].id, world.keys["revoked"].id
    verbs = [f"api-keys/{live}/{verb}" for verb in ("edit", "rotate", "revoke")] + [f"api-keys/{ended}/delete"]
    turning = world.keys["rotating"].id
    acts = ("rotate", "finish-rotation", "extend-rotation", "undo-rotation")
    verbs += [f"api-keys/{turning}/{verb}" for verb in acts]
    lists = ["api-keys", "api-keys?page=2", "api-keys?status=inactive&sort=name", "api-keys?q=nothing-like-this"]
    members = [f"members/{world.people['member'].id}/{verb}" for verb in ("edit", "remove", "revoke-keys")]
    members += [f"members/{world.people['admin'].id}/{verb}" for verb in ("remove", "revoke-keys")]
    more = [
        "api-keys/new",
        "api-keys/new?preset=crm-sync",
        f"api-keys/new?copy={live}",
        "members",
        "members/new",
        "general",
        "webhooks",
        "webhooks/new",
        *(f"webhooks/{world.hook.id}{verb}" for verb in ("", "/edit", "/rotate", "/delete")),
        "policy",
        "api-keys/cleanup",
        f"api-keys/{live}/quarantine",
        f"api-keys/{live}/keep",
        "plan",
        "notifications",
        f"api-keys/{live}/add-scope?scope=write:data",
        f"api-keys/{world.keys['busy'].id}/restrict",
    ]
    pages = [*lists, *keys, *verbs, *more, *members]
    return ["/account", "/help", "/pricing", *(world.ada.settings(page) for page in pages)]


def test_pages_for_everyone_are_accessible(watch: Watched, world: World) -> None:
    watch.expect("404", "422")
    page, found = watch.page(), []
    for address in (
        "/login",
        "/help",
        "/pricing",
        f"/set-password?token={world.token}",
        "/set-password?token=x",
        "/nothing",
    ):
        page.goto(address)
        found += judge(page)
    page.goto("/login")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert found + judge(page) == []


def test_pages_for_members_are_accessible(watch: Watched, world: World) -> None:
    watch.expect("404")
    page, found = watch.page(), []
    sign_in(page, world.ada)
    for address in [*addresses(world), world.ada.settings("nothing")]:
        page.goto(address)
        found += judge(page)
        keep(page, "page-" + "".join(char if char.isalnum() else "-" for char in address)[-80:])
    assert found == []


def test_dialogs_are_accessible(watch: Watched, world: World, server: Server) -> None:
    watch.expect("422", "403", "404")
    page, found = watch.page(), []
    sign_in(page, world.ada)
    for address, words in dialogs(world):
        page.goto(address)
        page.get_by_role("link", name=words, exact=True).first.click()
        expect(page.locator("#dlg[open]")).to_be_visible()
        found += judge(page)
        if (submit := page.locator("#dlg button[type=submit].btn-solid")).count() and "new" in address + words.lower():
            submit.click()
            expect(
                page.locator("#dlg").get_by_role("alert").or_(page.locator("#dlg [data-invalid]")).first
            ).to_be_visible()
            found += judge(page)
    assert found == []


def dialogs(world: World) -> list[tuple[str, str]]:
    at = world.ada.settings
    live, ended = f"api-keys/{world.keys['full'].id}", f"api-keys/{world.keys['revoked'].id}"
    turning = f"api-keys/{world.keys['rotating'].id}"
    return [
        (at(turning), "Rotate"), (at(turning), "Finish now"), (at(turning), "More time"), (at(turning), "Undo"),
        (at(), "Create API key"), (at(live), "Edit"), (at(live), "Rotate"), (at(live), "Revoke"), (at(ended), "Delete"),
        (at("members"), "Add person"),
    ]  # fmt: skip


def test_the_dialog_that_shows_a_key_is_accessible(watch: Watched, server: Server) -> None:
    page, ada = watch.page(), server.owner()
    sign_in(page, ada)
    page.goto(ada.settings())
    found = judge(page)
    page.get_by_role("link", name="Create API key").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Nightly report")
    page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read").check()
    page.get_by_role("button", name="Create key").click()
    ledger.note(page.locator("#secret").inner_text(), "key")
    found += judge(page)
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("button", name="Not yet")).to_be_visible()
    assert found + judge(page) == []
