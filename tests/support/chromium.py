"""A real Chromium, and what its pages did that they should not have."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.support import ledger
from tests.support.artifacts import ARTIFACTS
from tests.support.cast import Person

# Milliseconds that anything may take: nothing depends on how fast the machine is.
PATIENCE = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Before any script of the page: what the policy blocked is kept where the test can read it.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
STORED = """async () => {
  const databases = indexedDB.databases ? await indexedDB.databases() : [];
  return JSON.stringify({
    session: {...sessionStorage}, local: {...localStorage}, databases, state: history.state,
    caches: await caches.keys(), name: window.name, title: document.title, address: location.href,
  });
}"""


@dataclass
class Watched:
    """A context whose pages are watched: addresses asked for, console errors, blocked content."""

    context: BrowserContext
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def page(self) -> Page:
        page = self.context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self._note(message.type, f"{message.text} {message.location}"))
        page.on("pageerror", lambda error: self.errors.append(f"uncaught {error}"))
        return page

    def expect(self, *patterns: str) -> None:
        """These errors on the console are part of the test, such as a refused request."""
        self.expected += patterns

    def complaints(self) -> list[str]:
        blocked = []
        for page in self.context.pages:
            with contextlib.suppress(Error):
                blocked += page.evaluate("() => window.violations || []")
        surprising = [text for text in self.errors if not any(re.search(each, text) for each in self.expected)]
        return surprising + blocked

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)


def sign_in(page: Page, person: Person, *, open_page: bool = True) -> None:
    """Through the login page, which must be open unless `open_page`."""
    assert person.user
    if open_page:
        page.goto("/login")
    page.get_by_label("E-mail").fill(person.user.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def stored(page: Page) -> str:
    """All that this page left in the browser: storage, history state, window name, title, address."""
    return str(page.evaluate(STORED))


def keep(page: Page, name: str) -> None:
    """Save what the page shows and stores, for the sweep. Never call this while a key is revealed."""
    (ARTIFACTS / f"{name}.html").write_text(page.content())
    (ARTIFACTS / f"{name}.stored.json").write_text(stored(page))


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = next((found for name in NAMES if (found := shutil.which(name))), None)
        options: dict[str, Any] = {
            "executable_path": path,
            # Playwright turns the back/forward cache off; people have it on.
            "ignore_default_args": ["--disable-back-forward-cache"],
            "args": ["--no-sandbox"] if os.geteuid() == 0 else [],
        }
        try:
            browser = playwright.chromium.launch(**options)
        except Error as problem:
            first = str(problem).splitlines()[0]
            pytest.exit(f"Chromium is missing: run tests/install-tools.sh chromium ({first})", returncode=3)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@contextlib.contextmanager
def watched(browser: Browser, base_url: str, **options: Any) -> Iterator[Watched]:
    """A fresh profile; the test fails when its pages complained."""
    # A colour that is on its way to another one is neither, and says nothing of contrast.
    context = browser.new_context(base_url=base_url, **({"reduced_motion": "reduce"} | options))
    context.set_default_timeout(PATIENCE)
    if options.get("java_script_enabled", True):
        context.add_init_script(LISTEN)
    watch = Watched(context)
    yield watch
    complaints = watch.complaints()
    for cookie in context.cookies():
        if cookie.get("name", "").endswith("gravity"):
            ledger.note(cookie.get("value", ""), "session cookie")
    context.close()
    assert not complaints, complaints
