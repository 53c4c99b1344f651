"""The graph of a key in a browser: pointed at, by keyboard, while its range changes, and while time passes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from models import ApiKey, BrowserSession, database
from tests.support.axe import Judge
from tests.support.cast import Person, make_key
from tests.support.chromium import Watched, sign_in, watched
from tests.support.servers import Server
from tests.support.usage import ago, used

# Days ago, how often, and with which outcome.
USES = ((12, 1400, 200), (12, 600, 429), (3, 800, 200), (3, 90, 500), (2, 40, 403), (0, 7, 200))
HIDE = """() => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => window.shown ?? "visible" });
}"""
SHOW = """state => { window.shown = state; document.dispatchEvent(new Event("visibilitychange")); }"""


@dataclass(frozen=True)
class Scene:
    """A key with requests of each outcome, and whose it is."""

    ada: Person
    key: ApiKey
    text: str

    def address(self, rest: str = "") -> str:
        return self.ada.settings(f"api-keys/{self.key.id}{rest}")


@pytest.fixture
def scene(server: Server) -> Scene:
    ada = server.owner()
    with server.models():
        with database.at(ago(days=60)):
            key, text = make_key(ada, name="Nightly report")
        for days, times, status in USES:
            used(text, at=ago(days=days), times=times, status=status)
    return Scene(ada, key, text)


@pytest.fixture
def graph(watch: Watched, scene: Scene) -> Iterator[Page]:
    """The page of the key, its clock in the hands of the test, asked for by somebody who sees it."""
    page = watch.page()
    sign_in(page, scene.ada)
    page.clock.install()
    page.add_init_script(f"({HIDE})()")
    page.goto(scene.address())
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    yield page


def figures(page: Page) -> list[str]:
    return page.locator("#usage [data-figs] dd").all_inner_texts()


def refreshes(watch: Watched) -> int:
    return sum("/usage?" in address for address in watch.asked)


ALL = ["2,207", "0", "40", "600", "90"]


def test_pointing_at_a_bar_tells_its_numbers(graph: Page) -> None:
    assert figures(graph) == ALL
    graph.locator('.hit rect[data-i="26"]').hover()
    assert figures(graph) == ["800", "0", "0", "0", "90"]
    expect(graph.locator("[data-readout]")).to_have_text(re.compile(r"^\w+ \d+: 890 requests$"))
    graph.get_by_role("heading", name="Usage").hover()
    assert figures(graph) == ALL
    expect(graph.locator("[data-readout]")).to_contain_text("2,937 requests from")


def test_the_arrow_keys_walk_over_the_days(graph: Page) -> None:
    slider = graph.get_by_role("slider", name="Inspect a day")
    slider.focus()
    assert figures(graph) == ["7", "0", "0", "0", "0"]
    graph.keyboard.press("ArrowLeft")
    graph.keyboard.press("ArrowLeft")
    assert figures(graph) == ["0", "0", "40", "0", "0"]
    assert "40 requests. 40 denied" in (slider.get_attribute("aria-valuetext") or "")
    graph.keyboard.press("Home")
    assert figures(graph) == ["0"] * 5
    graph.keyboard.press("Tab")
    assert figures(graph) == ALL


def test_another_range_changes_the_card_alone_and_keeps_the_focus(graph: Page, watch: Watched, scene: Scene) -> None:
    graph.evaluate("document.querySelector('h1').dataset.same = 'yes'")
    link = graph.get_by_role("link", name="90 days")
    link.focus()
    graph.keyboard.press("Enter")
    expect(graph.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    expect(graph.get_by_role("link", name="90 days")).to_be_focused()
    assert graph.locator("h1[data-same]").count() == 1
    expect(graph).to_have_url(scene.address("?range=90d"))
    assert graph.locator("#usage-table tbody tr").count() == 90
    assert graph.locator("rect.void").count() == 1
    graph.go_back()
    expect(graph.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")


def test_it_renews_itself_while_it_can_be_seen(graph: Page, watch: Watched, server: Server, scene: Scene) -> None:
    graph.get_by_text("Show as table").click()
    graph.get_by_role("slider", name="Inspect a day").focus()
    graph.keyboard.press("ArrowLeft")
    graph.keyboard.press("ArrowLeft")
    with server.models():
        used(scene.text, times=2, status=404, address="2001:db8::9")
    assert refreshes(watch) == 0
    graph.clock.run_for(31_000)
    expect(graph.locator("#usage [data-figs] dd").nth(1)).to_have_attribute("data-total", "2")
    # What the person was doing with it stays.
    expect(graph.get_by_role("slider", name="Inspect a day")).to_be_focused()
    assert figures(graph) == ["0", "0", "40", "0", "0"]
    expect(graph.locator("#usage-table")).to_have_attribute("open", "")
    expect(graph.locator("#last-used")).to_contain_text("2001:db8::9")
    graph.keyboard.press("ArrowLeft")
    assert figures(graph) == ["800", "0", "0", "0", "90"]


def test_a_hidden_page_asks_for_nothing(graph: Page, watch: Watched) -> None:
    graph.evaluate(SHOW, "hidden")
    graph.clock.run_for(200_000)
    assert refreshes(watch) == 0
    with graph.expect_response(re.compile("/usage")):
        graph.evaluate(SHOW, "visible")
    with graph.expect_response(re.compile("/usage")):
        graph.clock.run_for(31_000)


def test_the_end_of_the_session_ends_it(graph: Page, watch: Watched, server: Server, scene: Scene) -> None:
    watch.expect("401")
    with server.models():
        BrowserSession.end_all(scene.ada.user)
    with graph.expect_response(re.compile("/usage")) as answer:
        graph.clock.run_for(31_000)
    assert answer.value.status == 401
    graph.clock.run_for(200_000)
    assert refreshes(watch) == 1
    # Nobody is thrown off a page that they only look at.
    assert graph.url.endswith(scene.address())
    expect(graph.get_by_role("heading", name="Nightly report")).to_be_visible()


def test_the_list_and_the_plan_renew_themselves_too(graph: Page, server: Server, scene: Scene) -> None:
    spark = graph.locator(f"#use-{scene.key.id}")
    graph.goto(scene.ada.settings())
    expect(spark.get_by_role("img")).to_have_attribute("aria-label", "2,937 requests in 30 days, 24.9% failed")
    graph.get_by_role("searchbox", name="Search keys").fill("night")
    expect(graph).to_have_url(re.compile("q=night"))
    expect(graph.locator(".htmx-request")).to_have_count(0)
    with server.models():
        used(scene.text, times=63)
    graph.clock.run_for(31_000)
    expect(spark.get_by_role("img")).to_have_attribute("aria-label", "3,000 requests in 30 days, 24.3% failed")
    expect(graph.get_by_role("searchbox", name="Search keys")).to_have_value("night")
    expect(graph.get_by_role("searchbox", name="Search keys")).to_be_focused()
    graph.goto(scene.ada.settings("plan"))
    succeeded = graph.locator("#month [data-figs] dd").first
    before = int((succeeded.get_attribute("data-total") or "").replace(",", ""))
    with server.models():
        used(scene.text, times=5)
    graph.clock.run_for(31_000)
    expect(succeeded).to_have_attribute("data-total", f"{before + 5:,}")


def test_an_open_dialog_is_left_in_peace(graph: Page, watch: Watched) -> None:
    graph.get_by_role("link", name="Rotate").click()
    expect(graph.locator("#dlg[open]")).to_be_visible()
    graph.clock.run_for(100_000)
    assert refreshes(watch) == 0


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_the_table_and_the_tooltips_have_it_all(watch: Watched, scene: Scene) -> None:
    page = watch.page()
    sign_in(page, scene.ada)
    page.goto(scene.address())
    assert figures(page) == ALL
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_text("Show as table").click()
    expect(page.get_by_role("region", name="Requests per day, as a table").get_by_role("row")).to_have_count(31)
    tooltip = page.locator('.hit rect[data-i="26"] title').text_content() or ""
    assert tooltip.endswith(": 890 requests. 800 succeeded, 90 server errors")
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(scene.address("?range=7d#usage"))
    assert figures(page) == ["807", "0", "40", "0", "90"]


def test_it_is_accessible_and_narrow(chromium: Browser, server: Server, scene: Scene) -> None:
    with watched(chromium, server.base_url) as watch:
        judge = Judge(page := watch.page())
        sign_in(page, scene.ada)
        ranges = [scene.address(f"?range={name}") for name in ("24h", "7d", "30d", "90d")]
        for address in (*ranges, scene.ada.settings("plan")):
            page.goto(address)
            page.get_by_text("Show as table").click()
            page.get_by_role("slider").focus()
            judge.look()
    assert judge.found == []
