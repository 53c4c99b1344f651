"""What looks at the pages sees what is wrong with one."""

from playwright.sync_api import Browser

from tests.support.axe import Judge

PAGE = """<!doctype html><html lang="en"><head><title>A page</title>
<style>
:root { color-scheme: light dark; }
body { background: #fff; color: #111; }
.pale { color: #ccc; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } .murky { color: #333; } }
</style></head><body><main><h1>A page</h1>{}</main></body></html>"""


def judged(chromium: Browser, *contents: str) -> list[list[str]]:
    """What is wrong with pages that have these contents, looked at one after the other: rules, by page."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    judge = Judge(context.new_page())
    rules = []
    for content in contents:
        judge.page.set_content(PAGE.replace("{}", content))
        judge.look()
        rules.append([each.removeprefix("about:blank ").partition(": [")[0] for each in judge.found])
        judge.found.clear()
    context.close()
    return rules


def test_colours_are_judged_in_both_schemes(chromium: Browser) -> None:
    pages = ['<p class="pale">Pale</p>', '<p class="murky">Murky</p>', "<p>Well</p>"]
    assert judged(chromium, *pages) == [["color-contrast"], ["dark: color-contrast"], []]


def test_of_what_looks_alike_the_first_is_judged(chromium: Browser) -> None:
    pages = ["<p>Well</p>", '<p>Well</p><p class="pale">Pale</p>', '<p class="pale">Pale again</p>']
    assert judged(chromium, *pages) == [[], ["color-contrast"], []]


def test_what_cannot_be_seen_is_not_taken_for_judged(chromium: Browser) -> None:
    pages = ['<p class="pale" hidden>Pale</p>', '<p class="pale">Pale</p>']
    assert judged(chromium, *pages) == [[], ["color-contrast"]]


def test_what_only_its_surroundings_make_wrong_is_seen(chromium: Browser) -> None:
    on_grey = '<div style="background: #777"><p>Well</p></div>'
    assert judged(chromium, "<p>Well</p>", on_grey)[1] == ["color-contrast", "dark: color-contrast"]


def test_other_rules_hold_on_every_page(chromium: Browser) -> None:
    image = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    assert judged(chromium, image, image) == [["image-alt"], ["image-alt"]]


def test_what_is_wider_than_a_phone_is_seen(chromium: Browser) -> None:
    [found] = judged(chromium, '<div style="width: 350px">Wide</div>')
    assert len(found) == 1
    assert found[0].endswith("on a screen of 320")
