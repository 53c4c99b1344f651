"""The pages of webhooks: who may see them, the secret that is shown once, the log and what can be done there."""

import re
from collections.abc import Callable

import pytest

from jobs import send_webhooks
from models import AuditEvent, Webhook, WebhookDelivery, webhook
from tests.support import ledger
from tests.support.cast import Person, make_key
from tests.support.clients import Browser
from tests.support.key_pages import words
from tests.support.receiver import receiving

Browse = Callable[[Person], Browser]

URL = "https://hooks.example.com/in?token=of-the-receiver"


def add(ada: Person, browse: Browse, **fields: object) -> tuple[Webhook, str]:
    """Through the form, as a person does."""
    form = {"url": URL, "events": ["*"]} | fields
    answer = browse(ada).post(ada.settings("webhooks/new"), form)
    assert answer.status_code == 201, words(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/]{43}=", answer.text))
    ledger.note(secret, "signing secret of a webhook")
    return Webhook.listed(ada.workspace.id)[-1], secret


def test_a_webhook_is_added_and_its_secret_shown_once(ada: Person, browse: Browse) -> None:
    assert "No webhooks yet" in words(browse(ada).get(ada.settings("webhooks")))
    hook, secret = add(ada, browse, description="Audit store")
    for path in ("webhooks", f"webhooks/{hook.id}", f"webhooks/{hook.id}/edit", f"webhooks/{hook.id}/rotate"):
        answer = browse(ada).get(ada.settings(path))
        assert answer.status_code == 200
        assert secret not in answer.text
    shown = browse(ada).get(ada.settings(f"webhooks/{hook.id}"))
    assert "Audit store" in words(shown)
    # The query of the address may be a password of the receiver: it is in the form alone.
    assert "of-the-receiver" not in shown.text
    [event] = AuditEvent.about(ada.workspace.id, hook.id)
    assert event.action == "webhook.created"
    assert "of-the-receiver" not in event.details
    assert secret not in event.details


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "http://hooks.example.com/"}, "Enter an address that begins with https://."),
        ({"url": "https://10.0.0.1/"}, "This address is not public."),
        ({"url": "https://hooks.example.com:22/"}, "Use port 443 or 8443."),
        ({"url": ""}, "Enter an address"),
        ({"events": []}, "Choose at least one event."),
        ({"events": ["no.such"]}, "Choose at least one event."),
        ({"description": "x" * 121}, "Use at most 120 characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(ada: Person, browse: Browse, fields: dict[str, object], said: str) -> None:
    form = {"url": URL, "events": ["*"]} | fields
    answer = browse(ada).post(ada.settings("webhooks/new"), form)
    assert answer.status_code == 422
    assert said in words(answer)
    assert Webhook.select().count() == 0


def test_there_is_a_most(ada: Person, browse: Browse) -> None:
    for _ in range(webhook.MOST):
        Webhook.add(ada.workspace, url=URL, events=["*"], by=ada.actor)
    answer = browse(ada).post(ada.settings("webhooks/new"), {"url": URL, "events": ["*"]})
    assert answer.status_code == 409
    assert "at most 20 webhooks" in words(answer)


def test_a_webhook_is_edited(ada: Person, browse: Browse) -> None:
    hook, _ = add(ada, browse)
    form = browse(ada).get(ada.settings(f"webhooks/{hook.id}/edit")).text
    assert URL in form
    fields = {"url": "https://other.example.com/", "events": ["api_key.leaked", "api_key.revoked"]}
    assert browse(ada).post(ada.settings(f"webhooks/{hook.id}/edit"), fields).status_code == 303
    stored = Webhook.get_by_id(hook.id)
    assert (stored.url, stored.events) == ("https://other.example.com/", ["api_key.revoked", "api_key.leaked"])
    wrong = browse(ada).post(ada.settings(f"webhooks/{hook.id}/edit"), fields | {"url": "x"})
    assert wrong.status_code == 422


def test_the_secret_is_rotated(ada: Person, browse: Browse) -> None:
    hook, first = add(ada, browse)
    answer = browse(ada).post(ada.settings(f"webhooks/{hook.id}/rotate"))
    assert answer.status_code == 201
    second = ledger.note(re.findall(r"whsec_[A-Za-z0-9+/]{43}=", answer.text)[0], "signing secret of a webhook")
    assert [each.reveal() for each in Webhook.get_by_id(hook.id).signing()] == [second, first]
    assert "signs too until" in words(browse(ada).get(ada.settings(f"webhooks/{hook.id}")))


def test_the_log_tells_of_each_delivery_and_sends_again(ada: Person, browse: Browse) -> None:
    with receiving() as receiver:
        receiver.answers = [500, 200]
        hook, _ = add(ada, browse, url=receiver.url)
        page = ada.settings(f"webhooks/{hook.id}")
        assert "Nothing was sent yet" in words(browse(ada).get(page))
        assert browse(ada).post(f"{page}/test").status_code == 303
        assert "On its way" in words(browse(ada).get(page))
        assert send_webhooks.run() == "1 failed"
        shown = words(browse(ada).get(page))
        assert "Will be tried again" in shown
        assert re.search(r"500 in \d+ ms", shown)
        assert "It has accepted nothing since" in shown
        [delivery] = WebhookDelivery.log_of(hook)
        assert browse(ada).post(f"{page}/deliveries/{delivery.id}/redeliver").status_code == 303
        assert send_webhooks.run() == "1 delivered"
        shown = words(browse(ada).get(page))
        assert "Delivered" in shown
        assert re.search(r"200 in \d+ ms", shown)
        assert len({got.id for got in receiver.got}) == 1
        assert "webhook.redelivered" in [each.action for each in AuditEvent.about(ada.workspace.id, hook.id)]


def test_a_disabled_webhook_is_sent_nothing_until_it_is_enabled(ada: Person, browse: Browse) -> None:
    hook, _ = add(ada, browse)
    page = ada.settings(f"webhooks/{hook.id}")
    browse(ada).post(f"{page}/disable")
    make_key(ada)
    assert WebhookDelivery.log_of(hook) == []
    assert browse(ada).post(f"{page}/test").status_code == 409
    assert "It is disabled" in words(browse(ada).get(page))
    for reason, said in (("gone", "answered 410"), ("failing", "accepted nothing for 5 days")):
        browse(ada).post(f"{page}/enable")
        hook.disable(reason=reason)
        assert said in words(browse(ada).get(page))
    browse(ada).post(f"{page}/enable")
    make_key(ada)
    assert len(WebhookDelivery.log_of(hook)) == 1


def test_a_webhook_is_deleted_with_its_log(ada: Person, browse: Browse) -> None:
    hook, _ = add(ada, browse)
    make_key(ada)
    assert browse(ada).post(ada.settings(f"webhooks/{hook.id}/delete")).status_code == 303
    assert Webhook.select().count() == WebhookDelivery.select().count() == 0
    answer = browse(ada).get(ada.settings(f"webhooks/{hook.id}"))
    assert (answer.status_code, answer.headers["Location"]) == (303, ada.settings("webhooks"))
    told = words(browse(ada).get(ada.settings("webhooks")))
    assert re.search(r"example\.com/\S* was deleted on .* by Ada Byron", told)


def test_a_delivery_of_another_webhook_is_none_of_this_one(ada: Person, browse: Browse) -> None:
    first, _ = add(ada, browse)
    second, _ = add(ada, browse)
    make_key(ada)
    [delivery] = WebhookDelivery.log_of(second)
    path = ada.settings(f"webhooks/{first.id}/deliveries/{delivery.id}/redeliver")
    assert browse(ada).post(path).status_code == 404


def test_owners_and_admins_manage_them_and_nobody_else(
    ada: Person, olga: Person, bob: Person, mallory: Person, browse: Browse
) -> None:
    add(olga, browse)
    assert browse(bob).get(ada.settings("webhooks")).status_code == 403
    assert browse(bob).post(ada.settings("webhooks/new"), {"url": URL, "events": ["*"]}).status_code == 403
    assert "Webhooks" not in words(browse(bob).get(ada.settings("members")))
    assert browse(mallory).get(ada.settings("webhooks")).status_code == 404
    assert "Webhooks" in words(browse(ada).get(ada.settings("members")))


def test_a_description_is_text(ada: Person, browse: Browse) -> None:
    hook, _ = add(ada, browse, description="<script>alert(1)</script>")
    for path in ("webhooks", f"webhooks/{hook.id}"):
        assert "<script>alert(1)" not in browse(ada).get(ada.settings(path)).text
