"""A person at the list of keys, in a browser that is watched."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import Judge
from tests.support.cast import Person
from tests.support.chromium import Watched, sign_in, watched
from tests.support.servers import Server
from tests.support.world import World, build


@pytest.fixture(scope="package")
def world(server: Server) -> World:
    return build(server)


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
def judge(chromium: Browser, watch: Watched, javascript: bool) -> Iterator[Judge]:
    """In a tab of its own, without JavaScript if the test is."""
    page = watch.page()
    if javascript:
        yield Judge(page)
        return
    context = chromium.new_context(viewport=page.viewport_size, reduced_motion="reduce")
    yield Judge(page, context.new_page())
    context.close()


@pytest.fixture
def page(watch: Watched, ada: Person) -> Page:
    """On the list of keys, signed in, by way of the menu."""
    page = watch.page()
    sign_in(page, ada)
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("list", name="Developer").get_by_role("link", name="API Keys").click()
    expect(page.get_by_role("heading", name="API keys", level=1)).to_be_visible()
    # A link that is clicked before the scripts are there loads a page of its own.
    page.wait_for_load_state()
    return page
