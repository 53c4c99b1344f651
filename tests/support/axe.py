"""axe on pages that are open in a browser, and what is as wrong as what it finds: a page that scrolls sideways."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LIGHT: Literal["light"] = "light"
DARK: Literal["dark"] = "dark"
SCHEMES = (LIGHT, DARK)
# The rules that another scheme may break; no other one depends on it.
COLOURS = ("color-contrast", "link-in-text-block")
PHONES = (390, 320)
_SCRIPT = Axe().axe_script


def violations(page: Page, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list[str]:
    """What axe has to say about the page as it stands: by all of its rules, or by `only` these."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_SCRIPT)
    # It would load all style sheets again, for rules that are about films.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    options["rules"] = {rule: {"enabled": False} for rule in without}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    found = page.evaluate(f"axe.run({json.dumps(options)})")
    assert found["passes"], "axe saw nothing"
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]


@dataclass
class Judge:
    """Looks at one page after another in a tab and keeps what is wrong.

    All rules hold as wide as the tab was opened, those about colours in the dark scheme too, and nothing may be wider
    than a phone. Where scripts do not run, axe looks at a `mirror` of the page in a tab where they do.
    """

    page: Page
    mirror: Page | None = None
    found: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def look(self) -> None:
        """At what is shown now."""
        page = self._mirrored(self.mirror) if self.mirror else self.page
        page.evaluate("document.fonts.ready")
        found = violations(page)
        page.emulate_media(color_scheme=DARK)
        found += [f"dark: {each}" for each in violations(page, only=COLOURS)]
        page.emulate_media(color_scheme=LIGHT)
        self.found += [f"{self.page.url} {each}" for each in found + self._too_wide()]

    def _too_wide(self) -> list[str]:
        size, found = self.page.viewport_size, []
        assert size
        for width in PHONES:
            self.page.set_viewport_size({"width": width, "height": size["height"]})
            if (wide := self.page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{wide} wide on a screen of {width}")
        self.page.set_viewport_size(size)
        return found

    def _mirrored(self, mirror: Page) -> Page:
        """What is in the page, with what it shows because no script runs, and without its scripts."""
        here = urlsplit(self.page.url)
        if mirror.url == "about:blank":
            mirror.goto(f"{here.scheme}://{here.netloc}/healthz")
        text = re.sub(r"<script\b.*?</script>", "", self.page.content(), flags=re.DOTALL)
        mirror.set_content(re.sub(r"<(/?)noscript>", r"<\1div>", text))
        return mirror
