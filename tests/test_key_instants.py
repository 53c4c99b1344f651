"""Whoever tells when a secret stops tells the same instant: header, body, page, mail, calendar, webhook, terminal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import icalendar
import time_machine
from flask import Flask

from jobs import announce_expiry, flag_keys, send_mail
from models import ApiKey, AuditEvent, CalendarFeed, Webhook, WebhookDelivery
from models.database import now
from tests.support import ledger
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import live_in, words
from tests.support.mailbox import Mailbox

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

# Within a second, and in the night in which clocks in Berlin are put forward, an hour after it.
BEGUN = datetime(2027, 3, 27, 1, 30, 45, 678_901, tzinfo=UTC)
END = BEGUN + timedelta(days=1)
SECOND, IN_BERLIN = "2027-03-28T01:30:45Z", "Mar 28, 2027, 03:30 CEST"


def told_to_webhooks(event: str, field: str) -> set[datetime]:
    rows = WebhookDelivery.select().where(WebhookDelivery.event == event)
    found = [json.loads(row.body)["data"] for row in rows]
    return {datetime.fromisoformat(each.get("details", each)[field]) for each in found}


def shown_by_terminal(app: Flask, key: ApiKey) -> dict[str, Any]:
    done = app.test_cli_runner().invoke(args=["key", "show", key.id, "--json"])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_end_of_an_overlap(ada: Person, app: Flask, browse: Browse, call: Call, make_key: MakeKey) -> None:
    live_in(ada, "Europe/Berlin")
    Webhook.add(ada.workspace, url="https://example.com/hook", events=["api_key.rotated"], by=ada.actor)
    boss = make_admin_key(ada)[1]
    with time_machine.travel(BEGUN, tick=False):
        key, old = make_key(ada)
        answer = call(old).post("/api/v2/key/rotate", json={"overlap": "24h"})
        body = call(old).get("/api/v2/key").get_json()
        managed = call(boss).get(ada.api(f"api-keys/{key.id}")).get_json()
        assert f"works until {IN_BERLIN}" in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
        assert datetime.fromisoformat(shown_by_terminal(app, key)["old_secret_ends_at"]) == END
    assert parsedate_to_datetime(answer.headers["Sunset"]) == END.replace(microsecond=0)
    assert answer.headers["Deprecation"] == f"@{int(BEGUN.timestamp())}"
    assert answer.get_json()["old_secret_ends_at"] == body["secret_ends_at"] == body["warning"]["sunset"] == SECOND
    assert managed["retiring_secret"]["ends_at"] == SECOND
    [event] = [each for each in AuditEvent.about(ada.workspace.id, key.id) if each.action == "api_key.rotated"]
    assert {datetime.fromisoformat(event.facts["ends_at"]), *told_to_webhooks("api_key.rotated", "ends_at")} == {END}
    for moment, status in ((END - timedelta(microseconds=1), 200), (END, 401)):
        with time_machine.travel(moment, tick=False):
            assert call(old).get("/api/v2/key").status_code == status


def test_the_end_of_a_key(
    ada: Person, app: Flask, browse: Browse, call: Call, make_key: MakeKey, mailbox: Mailbox
) -> None:
    live_in(ada, "Europe/Berlin")
    Webhook.add(ada.workspace, url="https://example.com/hook", events=["api_key.expiring"], by=ada.actor)
    with time_machine.travel(END - timedelta(days=30), tick=False):
        key, text = make_key(ada, expires_at=END)
    with time_machine.travel(BEGUN, tick=False):
        token = CalendarFeed.make(ada.member, by=ada.actor)
        ledger.note(token, "calendar token")
        calendar: Any = icalendar.Calendar.from_ical(app.test_client().get(f"/calendar/{token}.ics").data)
        answer = call(text).get("/api/v2/key")
        assert f"Expires {IN_BERLIN}" in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
        assert datetime.fromisoformat(shown_by_terminal(app, key)["expires_at"]) == END
        flag_keys.run()
        announce_expiry.run()
    with time_machine.travel(BEGUN + timedelta(hours=12), tick=False):
        send_mail.run()
        assert now() < END
    body = answer.get_json()
    assert parsedate_to_datetime(answer.headers["Sunset"]) == END.replace(microsecond=0)
    assert body["expires_at"] == body["secret_ends_at"] == body["warning"]["sunset"] == SECOND
    assert {each["DTSTART"].dt for each in calendar.walk("VEVENT")} == {END.replace(microsecond=0)}
    assert told_to_webhooks("api_key.expiring", "expires_at") == {END}
    assert [IN_BERLIN in " ".join(mail.text.split()) for mail in mailbox.to("ada@example.com")][-1:] == [True]
