"""axe on pages that are open in a browser, and what is as wrong as what it finds: a page that scrolls sideways."""

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
# Each element that shows words of its own, by what its colours depend on: names and classes down to it, and the colours
# that come of them.
LOOKS = """() => {
  window.worded = [...document.body.querySelectorAll("*")].filter(element =>
    element.checkVisibility() && (element.matches("input, select, textarea") ||
    [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())));
  const look = element => {
    const style = getComputedStyle(element);
    return [element.tagName, element.getAttribute("class"), style.color, style.backgroundColor, style.backgroundImage,
      style.opacity, style.fontSize, style.fontWeight].join(" ");
  };
  const known = new Map();
  const path = element => {
    if (!element) return "";
    if (!known.has(element)) known.set(element, `${path(element.parentElement)}|${look(element)}`);
    return known.get(element);
  };
  return window.worded.map(path);
}"""
# What axe finds of some places in that list, and which of them it could judge: none that is hidden, or covered.
RUN = """async ([options, places]) => {
  const context = places ? {include: places.map(place => worded[place])} : document;
  const found = await axe.run(context, {...options, elementRef: true});
  const judged = [...found.passes, ...found.violations].flatMap(({nodes}) => nodes.map(({element}) => element));
  return {
    wrong: found.violations.map(({id, nodes}) => [id, nodes.map(({html}) => html.slice(0, 200))]),
    judged: places ? judged.map(element => worded.indexOf(element)) : judged.length,
  };
}"""
_SCRIPT = Axe().axe_script


def violations(page: Page, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list[str]:
    """What axe has to say about the page as it stands: by all of its rules, or by `only` these."""
    found = _run(page, only=only, without=without)
    assert found["judged"], "axe saw nothing"
    return _told(found)


def _run(
    page: Page, *, only: tuple[str, ...] = (), without: tuple[str, ...] = (), places: list[int] | None = None
) -> Any:
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_SCRIPT)
    # It would load all style sheets again, for rules that are about films.
    options: dict[str, Any] = {"preload": False, "rules": {rule: {"enabled": False} for rule in without}}
    # Of what is well, a node of each rule, unless it matters which.
    options["resultTypes"] = ["violations"] if places is None else ["passes", "violations"]
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    return page.evaluate(RUN, [options, places])


def _told(found: Any) -> list[str]:
    return [f"{rule}: {nodes}" for rule, nodes in found["wrong"]]


@dataclass
class Judge:
    """Looks at one page after another in a tab and keeps what is wrong.

    All rules hold as wide as the tab was opened, those about colours in the dark scheme too, and nothing may be wider
    than a phone. Where scripts do not run, axe looks at a `mirror` of the page in a tab where they do. To judge colours
    takes most of its time, so of elements that look alike, on whichever pages, the first is judged.
    """

    page: Page
    mirror: Page | None = None
    found: list[str] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def look(self) -> None:
        """At what is shown now."""
        page = self._mirrored(self.mirror) if self.mirror else self.page
        page.evaluate("document.fonts.ready")
        found = violations(page, without=COLOURS) + self._wrong_colours(page)
        page.emulate_media(color_scheme=DARK)
        found += [f"dark: {each}" for each in self._wrong_colours(page)]
        page.emulate_media(color_scheme=LIGHT)
        self.found += [f"{self.page.url} {each}" for each in found + self._too_wide()]

    def _wrong_colours(self, page: Page) -> list[str]:
        """In the scheme at hand, of elements that look like none that was judged."""
        looks = page.evaluate(LOOKS)
        fresh: dict[str, int] = {}
        for place, look in enumerate(looks):
            if look not in self.judged:
                fresh.setdefault(look, place)
        if not fresh:
            return []
        found = _run(page, only=COLOURS, places=sorted(fresh.values()))
        self.judged |= {looks[place] for place in found["judged"] if place >= 0}
        return _told(found)

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
