"""Every page and dialog: accessible in light and dark, as narrow as a phone, by keyboard alone, without complaint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from models import ApiKey, Member, database, verification
from models.database import now
from tests.support import ledger
from tests.support.cast import Person, joined, make_key
from tests.support.chromium import Watched, keep, sign_in, watched
from tests.support.servers import Server

EVERYTHING = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


@dataclass(frozen=True)
class World:
    """A workspace with a key in every state, and people in every role."""

    ada: Person
    keys: dict[str, ApiKey]
    people: dict[str, Member]
    token: str


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    ada = server.owner("Fieldstone", "business")
    with server.models():
        return World(ada, keys_in_every_state(ada), people(ada), invitation(ada))


def keys_in_every_state(ada: Person) -> dict[str, ApiKey]:
    past, soon = now() - timedelta(days=100), now() + timedelta(days=5)
    with database.at(past):
        expired, _ = make_key(ada, name="Expired", expires_at=past + timedelta(days=30))
        unused, _ = make_key(ada, name="Unused")
    made = {state: make_key(ada, name=state.title()) for state in ("active", "disabled", "revoked")}
    everything = {"scopes": {"read:members", "write:members", "read:data", "write:chats", "admin:workspace"}}
    made["full"] = make_key(
        ada, name="A name of eighty characters, " + "without_any_blank_" * 2 + "to_be_broken_a", note="1Password", **everything,
        networks=("203.0.113.0/24", "2001:db8:40::/48"), starts_at=soon, expires_at=soon + timedelta(days=1),
    )  # fmt: skip
    made["expiring"] = make_key(ada, name="Expiring", expires_at=soon)
    keys = {state: key for state, (key, _) in made.items()} | {"expired": expired, "unused": unused}
    used = verification.verify(made["active"][1])
    verification.record_use(used, address="2001:db8::1", client="curl/8.1 " * 20, request="GET /api/v2/key", status=200)
    keys["disabled"].disable(by=ada.actor)
    keys["revoked"].revoke(by=ada.actor, reason="leaked", note="Seen in a chat")
    for number in range(20):
        make_key(ada, name=f"Filler {number}")
    return keys


def people(ada: Person) -> dict[str, Member]:
    serial = ada.member.email.partition("@")[0]
    return {
        role: joined(ada.workspace, f"{role}-of-{serial} Long Family Name", role).member
        for role in ("admin", "member", "contact")
    }


def invitation(ada: Person) -> str:
    invited = Member.add(
        ada.workspace, name="Eve Curie", email=f"eve-{ada.workspace.id}@example.com", role="member", by=ada.actor
    )
    return ledger.note(invited.invite(by=ada.actor), "invitation")


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
    lists = ["api-keys", "api-keys?page=2", "api-keys?status=inactive&sort=name", "api-keys?q=nothing-like-this"]
    members = [f"members/{world.people['member'].id}/{verb}" for verb in ("edit", "remove")]
    more = [
        "api-keys/new",
        "api-keys/new?preset=crm-sync",
        f"api-keys/new?copy={live}",
        "members",
        "members/new",
        "general",
    ]
    pages = [*lists, *keys, *verbs, *more, *members]
    return ["/account", "/help", *(world.ada.settings(page) for page in pages)]


def test_pages_for_everyone_are_accessible(watch: Watched, world: World) -> None:
    watch.expect("404", "422")
    page, found = watch.page(), []
    for address in ("/login", "/help", f"/set-password?token={world.token}", "/set-password?token=x", "/nothing"):
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
    return [
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


# By keyboard alone


@pytest.fixture
def keyboard(chromium: Browser, server: Server, world: World) -> Iterator[Page]:
    with watched(chromium, server.base_url, reduced_motion="reduce") as watch:
        page = watch.page()
        sign_in(page, world.ada)
        page.goto(world.ada.settings("api-keys?status=inactive"))
        yield page


def name_all(page: Page) -> set[str]:
    """Give each thing that can be used a number, and return the numbers of those that one sees."""
    return set(
        page.evaluate(
            """selector => [...document.querySelectorAll(selector)].filter(each => {
              each.dataset.number ??= String(window.count = (window.count || 0) + 1);
              const open = document.querySelector("dialog[open]");
              const group = document.getElementsByName(each.name);
              const reachable = each.type !== "radio" || each === ([...group].find(one => one.checked) || group[0]);
              return each.checkVisibility({visibilityProperty: true}) && !each.disabled && each.tabIndex >= 0
                && reachable && (!open || open.contains(each));
            }).map(each => `${each.dataset.number} ${each.tagName} ${(each.ariaLabel || each.innerText || each.name || "").slice(0, 30)}`)""",
            EVERYTHING,
        )
    )


FOCUSED = """() => { const each = document.activeElement;
  return `${each.dataset.number} ${each.tagName} ${(each.ariaLabel || each.innerText || each.name || "").slice(0, 30)}`; }"""


def tab_until(page: Page, done: Callable[[], bool], limit: int = 150) -> None:
    for _ in range(limit):
        if done():
            return
        page.keyboard.press("Tab")
    raise AssertionError("the Tab key never got there")


def focused(where: Locator) -> bool:
    return where.count() > 0 and bool(where.first.evaluate("each => each === document.activeElement"))


def walk(page: Page) -> set[str]:
    """What the Tab key reaches."""
    reached = set()
    for _ in range(len(name_all(page)) + 10):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    return reached


def test_the_tab_key_reaches_everything_on_the_page(keyboard: Page) -> None:
    everything = name_all(keyboard)
    assert len(everything) > 20
    assert everything - walk(keyboard) == set()


def test_the_tab_key_reaches_everything_in_the_dialog_and_nothing_behind_it(keyboard: Page) -> None:
    opener = keyboard.get_by_role("link", name="Create API key")
    tab_until(keyboard, lambda: focused(opener))
    keyboard.keyboard.press("Enter")
    expect(keyboard.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    everything = name_all(keyboard)
    reached = walk(keyboard)
    assert everything - reached == set()
    assert {each for each in reached if not each.startswith("undefined")} <= everything
    keyboard.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_what_has_the_focus_can_be_seen(keyboard: Page) -> None:
    plain = keyboard.evaluate("() => getComputedStyle(document.querySelector('.btn-solid')).outlineStyle")
    for _ in range(12):
        keyboard.keyboard.press("Tab")
        ring = keyboard.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            " return style.outlineStyle !== 'none' || style.boxShadow !== 'none'; }"
        )
        assert ring, keyboard.evaluate(FOCUSED)
    assert plain == "none"


def test_a_menu_opens_and_closes_by_keyboard(keyboard: Page) -> None:
    button = keyboard.locator("button[popovertarget^=menu-]").first
    tab_until(keyboard, lambda: focused(button))
    keyboard.keyboard.press("Enter")
    item = keyboard.locator("[popover]:popover-open a").first
    expect(item).to_be_visible()
    tab_until(keyboard, lambda: focused(item))
    keyboard.keyboard.press("Escape")
    expect(item).not_to_be_visible()
    expect(button).to_be_focused()


def test_a_key_is_created_and_revoked_by_keyboard_alone(chromium: Browser, server: Server) -> None:
    ada = server.owner()
    with watched(chromium, server.base_url, reduced_motion="reduce") as watch:
        page = watch.page()
        page.goto("/login")
        page.keyboard.type(ada.member.email)
        page.keyboard.press("Tab")
        page.keyboard.type(ada.password)
        page.keyboard.press("Enter")
        press(page, page.get_by_role("link", name="Create API key"))
        expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
        page.keyboard.type("Nightly report")
        press(page, page.get_by_role("group", name="Members").get_by_role("checkbox", name="Read"), "Space")
        press(page, page.get_by_role("button", name="Create key"))
        ledger.note(page.locator("#secret").inner_text(), "key")
        press(page, page.get_by_role("button", name="Copy key"))
        press(page, page.get_by_role("link", name="I have stored it"))
        press(page, page.get_by_role("link", name="Nightly report"))
        press(page, page.get_by_role("link", name="Revoke", exact=True))
        expect(page.get_by_label("Type the name to confirm")).to_be_focused()
        page.keyboard.type("Nightly report")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Revoked by")).to_be_visible()


def press(page: Page, what: Locator, key: str = "Enter") -> None:
    expect(what.first).to_be_visible()
    tab_until(page, lambda: focused(what))
    page.keyboard.press(key)
