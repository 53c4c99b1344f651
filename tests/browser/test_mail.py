"""Every mail as a mail program shows it: light and dark, on a phone and wide, without asking for anything."""

import re
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from models.mail_kinds import DIGESTS, KINDS
from models.outbox import Notice
from tests.support import axe
from tests.support.artifacts import ARTIFACTS
from tests.support.chromium import Watched
from tests.support.mailbox import Arrived, Mailbox
from tests.support.mails import sent

# What is about a whole site, and what a mail program brings itself.
NOT_FOR_MAIL = ("region", "landmark-one-main", "page-has-heading-one", "target-size")
# As lists of mails cut them off.
LONGEST_SUBJECT = 70
WIDTHS = (390, 800)
LINK = re.compile(r"https?://[^\s\"<>]+")
# Where somebody may act, or look into it; not the links at the foot.
ACTION = re.compile(r"/settings/(api-keys/|plan|webhooks/)|/team-address/")


def kinds(mails: Iterable[Arrived]) -> set[str]:
    """What these were about, as their notices say."""
    ids = [each.id.strip("<").partition("@")[0] for each in mails]
    query: Any = Notice.select(Notice.kind).where(Notice.mail.in_(ids), Notice.dropped_at.is_null())
    return {kind for (kind,) in query.distinct().tuples()}


def problems_of(mail: Arrived) -> list[str]:
    """What can be said without a browser."""
    found = []
    in_text, in_html = ({unescape(each) for each in LINK.findall(part)} for part in (mail.text, mail.html))
    wanted = {each for each in in_html if re.search(r"/(w|unsubscribe|team-address)/", each)}
    if wanted - in_text or not any(ACTION.search(each) for each in wanted):
        found.append(f"links only in one part: {wanted ^ in_text}")
    if len(mail.subject) > LONGEST_SUBJECT:
        found.append(f"subject of {len(mail.subject)}: {mail.subject}")
    for line in mail.text.splitlines():
        if len(line) > 72 and not LINK.search(line):
            found.append(f"wide line: {line}")
        if re.search(r"&[a-z#0-9]+;|</?(p|div|a|td|br|span)\b|\{\{|None|  $", line):
            found.append(f"not for people: {line}")
    if re.search(r"<(img|script|link|iframe)\b|url\(|\ssrc=|@import", mail.html):
        found.append("asks for something from elsewhere")
    return found


def look(page: Page, name: str, file: Path) -> list[str]:
    """Open it in both schemes and widths, keep the pictures, and say what is wrong."""
    page.goto(file.as_uri())
    found = []
    for scheme in axe.SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 700})
            page.screenshot(path=ARTIFACTS / f"mail-{name}-{scheme}-{width}.png", full_page=True)
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{wide} wide on {width}")
        found += axe.violations(page, only=axe.COLOURS if scheme == "dark" else (), without=NOT_FOR_MAIL)
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_kind_of_mail_reads_well(chromium: Browser, mailbox: Mailbox, tmp_path: Path) -> None:
    mails = sent(mailbox)
    assert kinds(mails.values()) == set(KINDS), "a kind of mail that nobody looks at here: see tests/support/mails.py"
    assert set(mails) >= set(KINDS)
    # As mail programs do: no scripts, and nothing from elsewhere.
    context = chromium.new_context(offline=True)
    watch, wrong = Watched(context), {}
    page = watch.page()
    for name, mail in mails.items():
        file = tmp_path / f"{name.replace(':', '-')}.html"
        file.write_text(mail.html)
        wrong[name] = problems_of(mail) + look(page, file.stem, file)
    context.close()
    assert {name: found for name, found in wrong.items() if found} == {}
    assert {url for url in watch.asked if not url.startswith("file:")} == set()
    assert all("List-Unsubscribe" in mails[name].message for name in DIGESTS)
