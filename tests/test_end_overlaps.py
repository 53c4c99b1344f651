"""The job that notes which overlaps are over: once each, with who used the old secret last."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine

from jobs import end_overlaps
from models import ApiKey, AuditEvent, Webhook, WebhookDelivery, database, key_overlaps
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import code, words
from tests.support.threads import at_once
from tests.support.usage import used

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
HOUR = timedelta(hours=1)
# The job reads the journal of uses first.
pytestmark = pytest.mark.usefixtures("app")


def run_at(moment: datetime) -> str:
    with database.at(moment):
        return end_overlaps.run()


def ended(key: ApiKey) -> list[AuditEvent]:
    events = AuditEvent.in_workspace(key.workspace_id).where(AuditEvent.subject == key.id)
    return list(events.where(AuditEvent.action == "api_key.overlap_ended"))


def test_an_overlap_that_is_over_is_noted_once_with_its_last_use(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    Webhook.add(ada.workspace, url="https://example.com/hook", events=["api_key.overlap_ended"], by=ada.actor)
    with time_machine.travel("2027-03-01T12:00:00Z", tick=False) as clock:
        key, old = make_key(ada, name="CI")
        key.rotate(by=ada.actor, overlap="1h")
        clock.shift(HOUR / 2)
        assert call(old).get("/api/v2/key", headers={"User-Agent": "cron/1"}).status_code == 200
        assert end_overlaps.run() == ""
        clock.shift(HOUR / 2)
        # It had stopped before anybody noted it.
        assert code(call(old).get("/api/v2/key", headers={"User-Agent": "cron/1"})) == "expired_key"
        assert [end_overlaps.run() for _ in range(3)] == ["1 overlap over", "", ""]
        shown = words(Browser(browse(ada).client.application).sign_in(ada).get(ada.settings(f"api-keys/{key.id}")))
    (event,) = ended(key)
    assert (event.actor_kind, event.facts["used_from"], event.facts["used_by"]) == ("system", "192.0.2.7", "cron/1")
    assert "Gravity Rail ended the overlap" in shown
    assert f"The old key, gr_{old[3:7]}…{old[-2:]}, stopped working on Mar 1, 2027, 13:00 UTC" in shown
    assert "from 192.0.2.7, cron/1" in shown
    assert [row.event for row in WebhookDelivery.select()] == ["api_key.overlap_ended"]


def test_an_old_secret_that_nothing_used_is_noted_too(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    used(old, at=now() - HOUR)
    key.rotate(by=ada.actor, overlap="1h")
    assert run_at(now() + 500 * HOUR) == "1 overlap over", "however late"
    assert "Nothing had used it since the rotation" in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))


def finished(key: ApiKey, ada: Person) -> None:
    key.finish_rotation(by=ada.actor)


def undone(key: ApiKey, ada: Person) -> None:
    key.undo_rotation(by=ada.actor)


def revoked(key: ApiKey, ada: Person) -> None:
    key.revoke(by=ada.actor)


def stopped(key: ApiKey, ada: Person) -> None:
    key.rotate(by=ada.actor)


@pytest.mark.parametrize("end", [finished, undone, revoked, stopped])
def test_what_ended_otherwise_is_not_told_again(
    ada: Person, make_key: MakeKey, end: Callable[[ApiKey, Person], None]
) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="1h")
    end(key, ada)
    assert (run_at(now() + 2 * HOUR), ended(key)) == ("", [])


def test_an_overlap_that_ended_with_its_key_is_not_told_of(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada, expires_at=now() + HOUR)
    key.rotate(by=ada.actor, overlap="7d")
    assert (run_at(now() + 2 * HOUR), ended(key)) == ("", [])


def test_a_secret_that_came_back_and_retires_again_is_noted_when_that_is_over(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.rotate(by=ada.actor, overlap="1h")
    key.undo_rotation(by=ada.actor)
    key.rotate(by=ada.actor, overlap="24h")
    assert run_at(now() + 2 * HOUR) == ""
    assert run_at(now() + 25 * HOUR) == "1 overlap over" and len(ended(key)) == 1


def test_two_schedulers_at_once_note_each_overlap_once(ada: Person, make_key: MakeKey) -> None:
    keys = [make_key(ada)[0] for _ in range(5)]
    for key in keys:
        key.rotate(by=ada.actor, overlap="1h")
    late = now() + 2 * HOUR

    def close(_: int) -> int:
        with database.at(late):
            return key_overlaps.close_all()

    assert sum(at_once(2, close)) == 5  # type: ignore[arg-type]
    assert [len(ended(key)) for key in keys] == [1] * 5
