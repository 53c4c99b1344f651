"""axe on pages that are open in a browser."""

import json
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# The rules that another scheme may break; no other one depends on it.
COLOURS = ("color-contrast", "link-in-text-block")
_SCRIPT = Axe().axe_script


def violations(page: Page, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> list[str]:
    """What axe has to say about the page as it stands: by all of its rules, or by `only` these."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_SCRIPT)
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    found = page.evaluate(f"axe.run({json.dumps(options)})")
    assert found["passes"], "axe saw nothing"
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]
