"""Every kind of mail as a mail program shows it: light and dark, on a phone and wide, without asking for anything."""

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from jobs import send_mail
from models import ApiKey, database, mail_kinds, outbox, weekly
from models.database import now
from tests.support.artifacts import ARTIFACTS
from tests.support.cast import Person, make_key
from tests.support.chromium import Watched
from tests.support.mailbox import Mailbox

# What is about a whole site, and what a mail program brings itself.
NOT_FOR_MAIL = {"region", "landmark-one-main", "page-has-heading-one", "target-size"}
LONG = "A name of eighty characters, " + "without_any_blank_" * 2 + "to_be_broken_a"


def written(mailbox: Mailbox, ada: Person) -> dict[str, str]:
    """Kind of mail → its HTML."""
    with outbox.quiet(), database.at(now() - timedelta(days=100)):
        keys = [make_key(ada, name=name, expires_at=now() + timedelta(days=104))[0] for name in (LONG, "CRM sync")]
        expired, _ = make_key(ada, name="Old report", expires_at=now() + timedelta(days=99))
        for number in range(3):
            keys.append(make_key(ada, name=f"Worker {number}", expires_at=now() + timedelta(days=103))[0])
    ApiKey.update(creator=None, quarantined_at=now()).where(ApiKey.id == keys[1].id).execute()
    about = {"expired": [expired], "maker_left": keys[1:2], "quarantined": keys[1:2]}
    found = {}
    for kind in mail_kinds.SECURITIES:
        facts = {
            "name": keys[0].name,
            "by": "Ada Byron",
            "scopes": ["read:members", "write:members", "read:data", "write:chats"],
            "networks": ["203.0.113.0/24", "2001:db8:40::/48"],
            "where": "https://github.example/acme/site/blob/main/" + "deeply/" * 12 + ".env",
            "address": "2001:db8:40::17",
            "client": "python-requests/2.32 " * 4,
            "request": "GET /api/v2/w/<workspace_id>/members",
        }
        outbox.promise(kind, ada.workspace.id, kind, key=keys[0], facts=facts)
        send_mail.run()
        found[kind] = mailbox.arrived[-1].html
    monday = weekly.last_monday(now())
    outbox.promise("weekly", ada.workspace.id, "week", "1", facts=weekly.figures(ada.workspace, monday))
    for kind in mail_kinds.DIGESTS[:-1]:
        for key in about.get(kind, keys):
            facts = {"revoke_at": (now() + timedelta(days=14)).isoformat()}
            outbox.promise(kind, ada.workspace.id, key.id, "90d", key=key, facts=facts)
    with database.at(now() + timedelta(days=1)):
        assert send_mail.run() == "1 sent"
    found["digest"] = mailbox.arrived[-1].html
    assert all(mail_kinds.title(kind) in found["digest"] for kind in mail_kinds.DIGESTS)
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_mail_reads_well(chromium: Browser, mailbox: Mailbox, ada: Person, tmp_path: Path) -> None:
    wrong = []
    for kind, html in written(mailbox, ada).items():
        file = tmp_path / f"{kind}.html"
        file.write_text(html)
        for scheme in ("light", "dark"):
            # As mail programs do: no scripts, and nothing from elsewhere.
            context = chromium.new_context(color_scheme=scheme, offline=True)
            watch = Watched(context)
            page = watch.page()
            for width in (390, 800):
                page.set_viewport_size({"width": width, "height": 700})
                page.goto(file.as_uri())
                page.screenshot(path=ARTIFACTS / f"mail-{kind}-{scheme}-{width}.png", full_page=True)
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    wrong.append(f"{kind} is wider than {width}")
            wrong += [
                f"{kind} {scheme} {each['id']}: {[node['html'][:120] for node in each['nodes']]}"
                for each in Axe().run(page).response["violations"]
                if each["id"] not in NOT_FOR_MAIL
            ]
            wrong += [f"{kind} asks for {url}" for url in watch.asked if url != file.as_uri()]
            context.close()
    assert not wrong
