"""What belongs to another workspace does not exist: each address answers as if the id had never been given out."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from models import (
    BrowserSession,
    Chat,
    Collection,
    Mail,
    Member,
    Notice,
    TeamAddress,
    Webhook,
    WebhookDelivery,
    Workflow,
    WorkflowRun,
    webhook_delivery,
)
from models.actor import COMMAND_LINE
from models.database import new_id, now
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.strangers import FORM, JSON, JSON_FOR, MALFORMED, PREFIXES, rows

Ids = dict[str, str]
Browse = Callable[[Person], Browser]

VARYING = {"date", "x-request-id", "ratelimit", "ratelimit-policy"}
PER_REQUEST = re.compile(r'(name="csrf_token"[^>]*value=")[^"]*|("request_id": ?")[^"]*')


@pytest.fixture
def theirs(mallory: Person) -> Ids:
    """Ids that exist, in Mallory's workspace."""
    assert mallory.user
    session, _ = BrowserSession.start(mallory.user, address="192.0.2.9", client="Firefox")
    key, _ = make_key(mallory, name="Rival's")
    chat = Chat.start(mallory.workspace, "Rival's", [mallory.member.id], by=mallory.actor)
    chat.send("Rival's", by=mallory.actor)
    collection = Collection.make(mallory.workspace, name="rivals", title="Rival's", schema={}, by=mallory.actor)
    mail = Mail.begin("rival", lane="security", kind="key_created", recipient="x", address="x", due_at=now())
    assert mail
    Notice.update(mail=mail.id).where(Notice.key_id == key.id).execute()
    waiting = {"name": "Rival's", "steps": [{"action": "wait", "seconds": 60}]}
    workflow = Workflow.make(mallory.workspace, waiting, by=mallory.actor)
    hook, _ = Webhook.add(mallory.workspace, url="https://rival.example.com/", events=["*"], by=mallory.actor)
    webhook_delivery.test(hook)
    [delivery] = WebhookDelivery.log_of(hook)
    return {
        "webhook_id": hook.id,
        "delivery_id": delivery.id,
        "workflow_id": workflow.id,
        "run_id": WorkflowRun.start(workflow, by=mallory.actor).id,
        "chat_id": chat.id,
        "collection": collection.name,
        "record_id": collection.add({}, by=mallory.actor).id,
        "workspace_id": mallory.workspace.id,
        "key_id": key.id,
        "member_id": mallory.member.id,
        "session_id": session.id,
        "team_id": TeamAddress.add(mallory.workspace, "r@example.com", ["expired"], by=mallory.actor).id,
        "mail_id": mail.id,
    }


def never() -> Ids:
    return {name: new_id(prefix) for name, prefix in PREFIXES.items()}


def routes(app: Flask, api: bool) -> Iterator[tuple[str, Rule]]:
    """Each method and route with an id in its address."""
    for rule in app.url_map.iter_rules():
        if rule.arguments & PREFIXES.keys() and rule.rule.startswith("/api/") == api:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule


def address(rule: Rule, ids: Ids) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found[1]], rule.rule)


def body(method: str, path: str) -> dict[str, Any] | None:
    """What the address takes, so that a refusal is about the id."""
    if method in ("GET", "DELETE"):
        return None
    parts = path.split("/")[5:]
    parts[1::2] = "*" * len(parts[1::2])
    return JSON_FOR.get("/".join(parts), JSON)


def positions(rule: Rule, own: str) -> list[Callable[[Ids], Ids]]:
    """A strange workspace, and a strange id within one's own workspace."""
    inner = rule.arguments - {"workspace_id"}
    found: list[Callable[[Ids], Ids]] = []
    if "workspace_id" in rule.arguments:
        found.append(lambda ids: ids)
    if inner:
        found.append(lambda ids: ids | {"workspace_id": own})
    return found


def seen(answer: TestResponse, ids: Ids, own: str) -> tuple[Any, ...]:
    """All that the asker sees, without what differs between any two requests."""
    headers = sorted((name, value) for name, value in answer.headers if name.lower() not in VARYING)
    text = PER_REQUEST.sub(r"\1\2", answer.text)
    where = str(headers)
    if not answer.request.path.startswith("/api/"):
        # A page repeats its own address, for coming back to it.
        for name, value in ids.items():
            if value != own:
                text, where = text.replace(value, name), where.replace(value, name)
    return answer.status_code, where, text


def compare(rules: Iterator[tuple[str, Rule]], own: str, theirs: Ids, ask: Callable[[str, str], TestResponse]) -> int:
    """Ask for what exists elsewhere and for what never was; returns how many addresses were compared."""
    count = 0
    for method, rule in rules:
        for place in positions(rule, own):
            strange, unknown = place(theirs), place(never())
            answers = [ask(method, address(rule, ids)) for ids in (strange, unknown)]
            assert seen(answers[0], strange, own) == seen(answers[1], unknown, own), f"{method} {rule.rule}"
            assert answers[0].status_code == 404, f"{method} {rule.rule} {strange}"
            count += 1
    return count


def test_pages_of_another_workspace_look_like_none(app: Flask, ada: Person, theirs: Ids, browse: Browse) -> None:
    browser, before = browse(ada), rows()

    def ask(method: str, path: str) -> TestResponse:
        return browser.get(path) if method == "GET" else browser.post(path, FORM)

    assert compare(routes(app, api=False), ada.workspace.id, theirs, ask) > 20
    assert rows() == before


def test_panels_and_dialogs_of_another_workspace_look_like_none(
    app: Flask, ada: Person, theirs: Ids, browse: Browse
) -> None:
    browser, before = browse(ada), rows()

    def ask(method: str, path: str) -> TestResponse:
        return browser.htmx_get(path) if method == "GET" else browser.htmx_post(path, FORM)

    compare(routes(app, api=False), ada.workspace.id, theirs, ask)
    assert rows() == before


def test_the_api_of_another_workspace_looks_like_none(
    app: Flask, ada: Person, theirs: Ids, call: Callable[..., ApiClient]
) -> None:
    _, text = make_admin_key(ada)
    client, before = call(text), None

    def ask(method: str, path: str) -> TestResponse:
        return client.open(method, path, json=body(method, path))

    client.get(ada.api())
    before = rows()
    assert compare(routes(app, api=True), ada.workspace.id, theirs, ask) > 4
    assert rows() == before


def test_whoever_is_signed_out_learns_nothing_from_an_id(app: Flask, ada: Person, theirs: Ids) -> None:
    stranger = Browser(app)
    for method, rule in routes(app, api=False):
        if method == "GET":
            answers = {seen(stranger.get(address(rule, ids)), ids, "")[0] for ids in (theirs, never())}
            assert answers == {302}, rule.rule


def test_a_member_without_the_right_to_manage_learns_nothing_from_an_id(
    app: Flask, ada: Person, bob: Person, theirs: Ids, browse: Browse
) -> None:
    browser, own = browse(bob), make_key(ada)[0]
    browser.get("/account")
    for method, rule in routes(app, api=False):
        if method == "GET" and "key_id" in rule.arguments:
            ids = [
                {"workspace_id": ada.workspace.id, "key_id": each} for each in (own.id, theirs["key_id"], new_id("key"))
            ]
            answers = [seen(browser.get(address(rule, each)), {"key_id": each["key_id"]}, "") for each in ids]
            assert answers[0] == answers[1] == answers[2]
            assert answers[0][0] == 403


def test_a_malformed_id_is_an_id_of_nothing(
    app: Flask, ada: Person, browse: Browse, call: Callable[..., ApiClient]
) -> None:
    # More requests than the smaller plans let a key make in a minute.
    change_plan(ada.workspace, "business", by=COMMAND_LINE)
    browser, client, own = browse(ada), call(make_admin_key(ada)[1]), ada.workspace.id

    def ask(method: str, path: str) -> TestResponse:
        if path.startswith("/api/"):
            return client.open(method, path, json=body(method, path))
        return browser.get(path) if method == "GET" else browser.post(path, FORM)

    wrong = []
    for malformed in MALFORMED:
        for method, rule in (*routes(app, api=False), *routes(app, api=True)):
            for place in positions(rule, own):
                ids = place(dict.fromkeys(PREFIXES, malformed))
                if (status := ask(method, address(rule, ids)).status_code) != 404:
                    wrong.append((method, rule.rule, malformed[:30], status))
    assert not wrong


def test_ids_smuggled_beside_the_address_are_ignored(
    ada: Person, theirs: Ids, browse: Browse, call: Callable[..., ApiClient]
) -> None:
    before = [row for row in rows()[0] if "Rival" in row]
    smuggled = {"workspace_id": theirs["workspace_id"], "workspace": theirs["workspace_id"], "id": theirs["key_id"]}
    browse(ada).post(
        ada.settings("api-keys/new"), smuggled | {"name": "Mine", "scopes": "read:members", "expires": "none"}
    )
    client = call(make_admin_key(ada)[1])
    client.post(ada.api(), json=smuggled | {"name": "Eve", "email": "eve@example.com", "role": "contact"})
    listed = client.get(ada.api(), query_string={"workspace_id": theirs["workspace_id"]})
    assert "Mallory" not in listed.text
    assert [row for row in rows()[0] if theirs["workspace_id"] in row] == before
    assert Member.in_workspace(theirs["workspace_id"]).count() == 1
