"""Everything can be reached and used by keyboard alone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import ledger
from tests.support.chromium import sign_in, watched
from tests.support.servers import Server
from tests.support.world import World

EVERYTHING = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


@pytest.fixture
def keyboard(chromium: Browser, server: Server, world: World) -> Iterator[Page]:
    with watched(chromium, server.base_url, reduced_motion="reduce") as watch:
        page = watch.page()
        sign_in(page, world.ada)
        page.goto(world.ada.settings("api-keys?status=inactive"))
        yield page


DESCRIBE = """each =>
  `${each.dataset.number} ${each.tagName} ${(each.ariaLabel || each.innerText || each.name || "").slice(0, 30)}`"""
FOCUSED = f"() => ({DESCRIBE})(document.activeElement)"
# Gives each thing that can be used a number. Of a group of radio buttons the Tab key stops at one.
VISIBLE = f"""selector => [...document.querySelectorAll(selector)].filter(each => {{
  each.dataset.number ??= String(window.count = (window.count || 0) + 1);
  const open = document.querySelector("dialog[open]");
  const group = [...document.getElementsByName(each.name)];
  const stops = each.type !== "radio" || each === (group.find(one => one.checked) || group[0]);
  return each.checkVisibility({{visibilityProperty: true}}) && !each.disabled && each.tabIndex >= 0
    && stops && (!open || open.contains(each));
}}).map({DESCRIBE})"""


def name_all(page: Page) -> set[str]:
    """What one sees and can use."""
    return set(page.evaluate(VISIBLE, EVERYTHING))


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
        expect(page.get_by_label("E-mail")).to_be_focused()
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
        # The clipboard answers when it likes; until then the way out asks first.
        expect(page.locator("[data-locked][data-stored]")).to_be_attached()
        press(page, page.get_by_role("link", name="I have stored it"))
        press(page, page.get_by_role("link", name="Nightly report"))
        press(page, page.get_by_role("link", name="Revoke", exact=True))
        expect(page.get_by_label("Type “Nightly report” to confirm")).to_be_focused()
        page.keyboard.type("Nightly report")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Revoked by")).to_be_visible()


def press(page: Page, what: Locator, key: str = "Enter") -> None:
    expect(what.first).to_be_visible()
    tab_until(page, lambda: focused(what))
    page.keyboard.press(key)
