"""What `/metrics` says about what is to be told: mail, webhooks, keys found in public, dead secrets in use."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from models import ApiKey, JobRun, Mail, Notice, Webhook, WebhookDelivery, Workspace, database, usage_fold
from models.database import now
from models.leak import REPORTERS
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.github import Publisher, Send, github, match, send
from tests.support.scrapes import scrape

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
__all__ = ["github", "send"]

HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Iterator[Callable[[timedelta], Any]]:
    start = now()
    yield lambda after: database.at(start + after)


def letter(person: Person, name: str, status: str, due: timedelta, lane: str = "security") -> Mail:
    mail = Mail.begin(
        name, lane=lane, kind="key_created", recipient="usr_x", address="a@example.com", due_at=now() + due
    )
    assert mail
    Mail.update(status=status, lease=None, lease_until=None).where(Mail.id == mail.id).execute()
    return mail


def test_the_mail_that_waits_is_told_with_its_age(ada: Person, make_key: MakeKey, client: FlaskClient, at: Any) -> None:
    quiet = scrape(client)
    assert quiet.value("gravity_mail_overdue_seconds") == quiet.value("gravity_mail_waiting") == 0
    make_key(ada)
    assert Notice.pending().count() == 1
    with at(HOUR):
        found = scrape(client)
    assert 3590 < found.value("gravity_mail_overdue_seconds", lane="security") < 3700
    assert found.value("gravity_mail_waiting", lane="security") == 1
    assert found.value("gravity_mail_overdue_seconds", lane="digest") == 0
    letter(ada, "older", "failed", -2 * HOUR)
    letter(ada, "later", "failed", 2 * HOUR)
    letter(ada, "digest", "planned", -HOUR / 2, lane="digest")
    letter(ada, "dead", "dead", -9 * HOUR)
    letter(ada, "sent", "sent", -9 * HOUR)
    found = scrape(client)
    assert 7190 < found.value("gravity_mail_overdue_seconds", lane="security") < 7300
    assert 1790 < found.value("gravity_mail_overdue_seconds", lane="digest") < 1900
    assert found.value("gravity_mail_waiting", lane="security") == 2
    assert (found.value("gravity_mail_retried"), found.value("gravity_mail_dead_letters")) == (2, 1)


def test_the_messages_of_webhooks_are_told_with_their_age(ada: Person, client: FlaskClient, at: Any) -> None:
    hook, _ = Webhook.add(ada.workspace, url="https://example.com/hook", events=["api_key.created"], by=ada.actor)

    def message(name: str, status: str, due: timedelta, attempts: int = 0) -> None:
        WebhookDelivery.create(
            workspace=ada.workspace, webhook=hook, event="api_key.created", fact=name, body="{}", status=status,
            due_at=now() + due, attempts=attempts,
        )  # fmt: skip

    assert scrape(client).value("gravity_webhook_overdue_seconds") == 0
    message("one", "pending", -HOUR)
    message("two", "pending", HOUR, attempts=3)
    message("three", "failed", -9 * HOUR, attempts=10)
    message("four", "delivered", -9 * HOUR, attempts=1)
    found = scrape(client)
    assert 3590 < found.value("gravity_webhook_overdue_seconds") < 3700
    told = [found.value(f"gravity_webhook_{each}") for each in ("waiting", "retried", "failed")]
    assert told == [1, 1, 1]
    # An endpoint that is not to be called makes nobody wait.
    Webhook.update(paused_until=now() + HOUR).where(Webhook.id == hook.id).execute()
    assert scrape(client).value("gravity_webhook_overdue_seconds") == 0
    hook.disable(by=ada.actor)
    Webhook.update(paused_until=None).execute()
    assert scrape(client).value("gravity_webhook_waiting") == 0


def test_keys_in_public_are_counted_and_told_while_they_work(
    ada: Person, make_key: MakeKey, send: Send, call: Call, client: FlaskClient, at: Any
) -> None:
    before = scrape(client)
    (first, text), (_, other) = make_key(ada), make_key(ada)
    Workspace.update(leak_policy="tell").execute()
    send(match(text), match(text, url="https://example.com/again"))
    with at(HOUR):
        found = scrape(client)
    assert found.value("gravity_leaked_keys") == 1
    assert 3590 < found.value("gravity_leaked_key_oldest_seconds") < 3700
    first.revoke(by=ada.actor)
    Workspace.update(leak_policy="revoke").execute()
    assert call().post("/api/v2/key-reports", json={"key": other}).status_code == 202
    assert call().post("/api/v2/key-reports", json={"key": "gr_" + "0" * 20}).status_code == 202
    after = scrape(client)
    assert (after.value("gravity_leaked_keys"), after.value("gravity_leaked_key_oldest_seconds")) == (0, 0)

    def rise(**labels: str) -> float:
        name = "gravity_leak_reports_total"
        return after.value(name, **labels) - before.value(name, **labels)

    assert (rise(reporter="github", outcome="told"), rise(reporter="holder", outcome="revoked"), rise()) == (2, 1, 3)
    assert after.labels("reporter") <= set(REPORTERS)


def test_alerts_are_counted_by_what_became_of_them(
    ada: Person, github: Publisher, send: Send, client: FlaskClient
) -> None:
    before = scrape(client)
    assert before.labels("outcome") >= {"taken", "refused", "unavailable"}
    send(match("gr_" + "0" * 20))
    wrong = {"Github-Public-Key-Identifier": "f00", "Github-Public-Key-Signature": "MEUCIQ=="}
    assert client.post("/webhooks/github/secret-scanning", data=b"[]", headers=wrong).status_code == 400
    after = scrape(client)
    name = "gravity_github_alerts_total"
    rises = {each: after.value(name, outcome=each) - before.value(name, outcome=each) for each in ("taken", "refused")}
    assert rises == {"taken": 1, "refused": 1}


def test_dead_secrets_in_use_are_counted_by_the_place(
    ada: Person, call: Call, make_key: MakeKey, client: FlaskClient
) -> None:
    key, text = make_key(ada)
    key.revoke(by=ada.actor)
    before = scrape(client).value("gravity_dead_secret_incidents_total")
    for address in ("192.0.2.9", "192.0.2.9", "192.0.2.10"):
        assert call(text).get("/api/v2/key", address=address).status_code == 401
    usage_fold.fold()
    assert scrape(client).value("gravity_dead_secret_incidents_total") - before == 2


def test_the_last_run_of_each_job_is_told_with_its_time(client: FlaskClient) -> None:
    JobRun.begin("purge")
    JobRun.begin("flag_keys")
    JobRun.end("purge", ms=1500, failed=False, outcome="")
    JobRun.begin("clean_up")
    JobRun.end("clean_up", ms=20, failed=True, outcome="ValueError")
    family = scrape(client).families["gravity_job_last_run_seconds"]
    found = {(each.labels["job"], each.labels["outcome"]): each.value for each in family.samples}
    assert found == {("purge", "done"): 1.5, ("clean_up", "failed"): 0.02}
