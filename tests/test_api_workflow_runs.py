"""Runs of workflows: each step once, in the background, with the rights of whoever started it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models import ApiKey, AuditEvent, Chat, Collection, WorkflowRun, database
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient
from tests.support.threads import at_once
from tests.support.workflows import carry_out, made, said, say, started

Call = Callable[..., ApiClient]


@pytest.fixture
def client(ada: Person, call: Call) -> ApiClient:
    """A client with Ada's workflow automation key."""
    return call(make_key(ada, name="Bot", scopes={"write:chats", "write:workflows"})[1])


@pytest.fixture
def chat(ada: Person) -> Chat:
    return Chat.start(ada.workspace, "Deploy notes", by=ada.actor)


def test_a_run_takes_its_steps_and_tells_of_each(ada: Person, client: ApiClient, chat: Chat, call: Call) -> None:
    run = started(client, made(client, ada, say(chat, "one"), say(chat, "two")))
    carry_out()
    body = client.get(run).get_json()
    assert body["status"] == "succeeded" and body["ended_at"] and body["started_at"]
    assert body["started_by"]["name"] == "Bot"
    assert [(entry["step"], entry["status"]) for entry in body["log"]] == [(1, "done"), (2, "done")]
    assert body["log"][0]["message"].endswith("to Deploy notes.")
    assert said(chat) == ["one", "two"]
    message = chat.messages(1, None)[0][0]
    assert (message.sender_kind, message.sender_name, message.sender_id) == ("workflow", "Announce", body["id"])
    actions = [event.action for event in AuditEvent.about(ada.workspace.id, body["id"])]
    assert actions == ["workflow_run.succeeded", "workflow_run.started"]


def test_a_run_adds_records(ada: Person, call: Call) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    Collection.make(ada.workspace, name="deals", title="Deals", schema=schema, by=ada.actor)
    client = call(make_key(ada, scopes={"write:data", "write:workflows"})[1])
    step = {"action": "create_record", "collection": "deals", "values": {"amount": 7}}
    good = started(client, made(client, ada, step))
    bad = started(client, made(client, ada, step | {"values": {"amount": "x"}}, name="Bad"))
    carry_out()
    assert client.get(good).get_json()["status"] == "succeeded"
    failed = client.get(bad).get_json()
    assert (failed["status"], failed["log"][-1]["status"]) == ("failed", "failed")
    assert failed["log"][-1]["message"]


def test_a_step_that_fails_ends_the_run_and_keeps_what_was_done(
    ada: Person, mallory: Person, client: ApiClient, chat: Chat
) -> None:
    strange = Chat.start(mallory.workspace, "Theirs", by=mallory.actor)
    run = started(client, made(client, ada, say(chat, "first"), say(strange), say(chat, "never")))
    carry_out()
    body = client.get(run).get_json()
    assert [entry["status"] for entry in body["log"]] == ["done", "failed"]
    assert body["log"][1]["message"] == "There is no such chat in this workspace."
    assert (said(chat), said(strange)) == (["first"], [])


def test_waiting_takes_its_time_without_holding_anybody_up(ada: Person, client: ApiClient, chat: Chat) -> None:
    before = database.now()
    run = started(client, made(client, ada, {"action": "wait", "seconds": 600}, say(chat)))
    carry_out()
    assert client.get(run).get_json()["status"] == "running"
    with database.at(before + timedelta(seconds=599)):
        carry_out()
    assert said(chat) == []
    with database.at(database.now() + timedelta(seconds=601)):
        carry_out()
    assert client.get(run).get_json()["status"] == "succeeded"
    assert said(chat) == ["Version 42 is out."]


def test_a_run_keeps_the_steps_it_was_started_with(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, say(chat, "before"))
    started(client, workflow)
    assert client.patch(workflow, json={"steps": [say(chat, "after")], "name": "Other"}).status_code == 200
    carry_out()
    assert said(chat) == ["before"]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda key, by: key.revoke(by=by), "The key that started this run is revoked."),
        (lambda key, by: key.disable(by=by), "The key that started this run is disabled."),
        (
            lambda key, by: key.change({"scopes": frozenset({"write:workflows"})}, disabled=None, by=by),
            "This API key lacks the scope write:chats.",
        ),
    ],
)
def test_a_run_ends_with_the_rights_of_the_key_that_started_it(
    ada: Person, chat: Chat, call: Call, end: Callable[..., None], words: str
) -> None:
    key, text = make_key(ada, scopes={"write:chats", "write:workflows"})
    client = call(text)
    started(client, made(client, ada, say(chat)))
    end(ApiKey.find(ada.workspace.id, key.id), ada.actor)
    carry_out()
    run = WorkflowRun.get()
    assert (run.status, run.log[-1]["message"]) == ("failed", words)
    assert said(chat) == []


def test_executors_at_once_take_each_step_once(ada: Person, client: ApiClient, chat: Chat) -> None:
    workflow = made(client, ada, *[say(chat, str(number)) for number in range(5)])
    for _ in range(4):
        started(client, workflow)
    at_once(4, lambda _: carry_out())
    carry_out()
    assert sorted(said(chat)) == sorted([str(number) for number in range(5)] * 4)
    assert {run.status for run in WorkflowRun.select()} == {"succeeded"}


def test_a_step_that_dies_half_way_happened_not_at_all(
    ada: Person, client: ApiClient, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(client, made(client, ada, say(chat)))

    def killed(self: WorkflowRun, *_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        # After the message was written, before anything is committed.
        patched.setattr(WorkflowRun, "_note", killed)
        carry_out()
    assert said(chat) == []
    carry_out()
    assert said(chat) == ["Version 42 is out."]


def test_a_fault_of_ours_ends_the_run_without_telling_its_insides(
    ada: Person, client: ApiClient, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(client, made(client, ada, say(chat)))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("insides")

    monkeypatch.setattr(Chat, "send", broken)
    carry_out()
    body = client.get(run).get_json()
    assert body["status"] == "failed"
    assert body["log"][-1]["message"] == "Something went wrong on our side. Nothing of this step was done."


def test_runs_that_ended_long_ago_are_deleted(ada: Person, client: ApiClient, chat: Chat) -> None:
    started(client, made(client, ada, say(chat)))
    with database.at(database.now() + timedelta(days=100)):
        assert WorkflowRun.purge() == 0
    carry_out()
    with database.at(database.now() + timedelta(days=91)):
        assert WorkflowRun.purge() == 1
