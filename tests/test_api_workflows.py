"""`/api/v2/w/{workspace_id}/workflows`: workflows, and runs that are carried out in the background."""

from collections.abc import Callable
from typing import Any

import pytest

from models import Chat, Workflow, WorkflowRun
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient
from tests.support.workflows import carry_out, made, said, say, started

Call = Callable[..., ApiClient]


@pytest.fixture
def client(ada: Person, call: Call) -> ApiClient:
    """A client with Ada's workflow automation key."""
    return call(make_key(ada, name="Bot", scopes={"write:chats", "write:workflows"})[1])


@pytest.fixture
def chat(ada: Person) -> Chat:
    return Chat.start(ada.workspace, "Deploy notes", by=ada.actor)


def test_a_disabled_workflow_cannot_be_started(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, say(chat))
    assert client.patch(workflow, json={"enabled": False}).get_json()["enabled"] is False
    refused = client.post(f"{workflow}/runs", json={})
    assert (refused.status_code, refused.get_json()["detail"]) == (409, "This workflow is disabled. Enable it first.")


def test_a_workflow_gives_a_key_nothing_that_it_lacks(ada: Person, client: ApiClient, chat: Chat, call: Call) -> None:
    workflow = made(client, ada, say(chat))
    poor = call(make_key(ada, scopes={"write:workflows"})[1])
    attempts = [
        poor.post(ada.api("workflows"), json={"name": "Mine", "steps": [say(chat)]}),
        poor.patch(workflow, json={"steps": [say(chat, "mine")]}),
        poor.patch(workflow, json={"enabled": False}),
        poor.post(f"{workflow}/runs", json={}),
    ]
    for answer in attempts:
        body = answer.get_json()
        assert (answer.status_code, body["code"], body["required_scope"]) == (403, "insufficient_scope", "write:chats")
    assert poor.get(workflow).status_code == 200
    assert poor.patch(workflow, json={"name": "Renamed"}).status_code == 200
    assert not WorkflowRun.select().exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "steps"}),
        ({"name": "x", "steps": []}, {"steps"}),
        ({"name": "x", "steps": [{"action": "explode"}]}, {"steps.0"}),
        ({"name": "x", "steps": [{"action": "wait", "seconds": 0}]}, {"steps.0.seconds"}),
        ({"name": "x", "steps": [{"action": "wait", "seconds": 1, "more": 1}]}, {"steps.0.more"}),
        ({"name": "", "steps": [{"action": "wait", "seconds": 1}]}, {"name"}),
        ({"name": "x", "steps": [{"action": "wait", "seconds": 1}] * 21}, {"steps"}),
        ({"name": "x", "steps": [{"action": "send_message", "chat_id": "c", "text": "\0"}]}, {"steps.0.text"}),
    ],
)
def test_wrong_values_are_named_and_make_nothing(
    ada: Person, client: ApiClient, body: dict[str, Any], fields: set[str]
) -> None:
    answer = client.post(ada.api("workflows"), json=body)
    assert answer.status_code == 422
    assert {each["field"] for each in answer.get_json()["errors"]} == fields
    assert not Workflow.select().exists()


def test_a_name_is_taken_once(ada: Person, client: ApiClient, chat: Chat) -> None:
    made(client, ada, say(chat))
    other = made(client, ada, say(chat), name="Other")
    assert client.post(ada.api("workflows"), json={"name": "Announce", "steps": [say(chat)]}).status_code == 409
    assert client.patch(other, json={"name": "Announce"}).status_code == 409
    assert client.patch(other, json={"name": None}).status_code == 422


def test_lists_lead_to_each_once_and_runs_come_newest_first(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, say(chat))
    runs = [started(client, workflow).rpartition("/")[2] for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"{workflow}/runs", query_string=query).get_json()
        seen += [each["id"] for each in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == runs[::-1]
    assert [each["name"] for each in client.get(ada.api("workflows")).get_json()["data"]] == ["Announce"]


def test_a_run_belongs_to_its_workflow(ada: Person, client: ApiClient, chat: Chat) -> None:
    run = started(client, made(client, ada, say(chat)))
    other = made(client, ada, say(chat), name="Other")
    assert client.get(f"{other}/runs/{run.rpartition('/')[2]}").status_code == 404


def test_a_stale_change_is_refused(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, say(chat))
    tag = client.get(workflow).headers["ETag"]
    assert client.patch(workflow, json={"enabled": False}, headers={"If-Match": tag}).status_code == 200
    assert client.patch(workflow, json={"enabled": True}, headers={"If-Match": tag}).status_code == 412


def test_a_run_that_is_started_again_under_one_header_starts_once(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, say(chat))
    for _ in range(2):
        assert client.post(f"{workflow}/runs", json={}, headers={"Idempotency-Key": "x"}).status_code == 201
    carry_out()
    assert said(chat) == ["Version 42 is out."]
