"""`/api/v2/w/{workspace_id}/chats`: conversations and their messages, over the API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models import ApiKey, AuditEvent, Chat, Message, Participant, Workspace
from models.actor import Actor
from tests.support.cast import Person
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture
def client(ada: Person, call: Call, make_key: MakeKey) -> ApiClient:
    """A client with a key of Ada's that reads and writes chats."""
    return call(make_key(ada, name="Chat bot", scopes={"read:chats", "write:chats"})[1])


@pytest.fixture
def chat(ada: Person, bob: Person) -> Chat:
    return Chat.start(ada.workspace, "East wing", [bob.member.id], by=ada.actor)


def walk(client: ApiClient, path: str, limit: int) -> Iterator[dict[str, Any]]:
    """Each thing on each page of a list."""
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get(path, query_string=query).get_json()
        assert len(page["data"]) <= limit
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


def fields(answer: Any) -> set[str]:
    assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_failed")
    return {each["field"] for each in answer.get_json()["errors"]}


def test_a_chat_is_started_with_its_participants(ada: Person, bob: Person, carla: Person, client: ApiClient) -> None:
    ids = [bob.member.id, carla.member.id, bob.member.id]
    answer = client.post(ada.api("chats"), json={"title": " East  wing ", "member_ids": ids})
    made = answer.get_json()
    assert answer.status_code == 201 and made["id"].startswith("chat_") and made["title"] == "East  wing"
    assert sorted(made["member_ids"]) == sorted({bob.member.id, carla.member.id})
    found = client.get(answer.headers["Location"])
    assert found.get_json() == made and found.headers["ETag"] == answer.headers["ETag"]
    event = AuditEvent.about(ada.workspace.id, made["id"])[0]
    assert (event.action, event.actor_kind, event.facts) == ("chat.created", "key", {"title": "East  wing"})


def test_a_chat_needs_no_participants(ada: Person, client: ApiClient) -> None:
    assert client.post(ada.api("chats"), json={"title": "Notes"}).get_json()["member_ids"] == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"title"}),
        ({"title": ""}, {"title"}),
        ({"title": "x" * 121}, {"title"}),
        ({"title": "a\nb"}, {"title"}),
        ({"title": "a\0b"}, {"title"}),
        ({"title": "A", "member_ids": "mem_x"}, {"member_ids"}),
        ({"title": "A", "member_ids": ["mem_0000000000000000"]}, {"member_ids.0"}),
        ({"title": "A", "member_ids": ["a\0b"]}, {"member_ids.0"}),
        ({"title": "A", "member_ids": ["x" * 101]}, {"member_ids.0"}),
        ({"title": "A", "member_ids": [None]}, {"member_ids.0"}),
        ({"title": "A", "member_ids": ["mem_x"] * 101}, {"member_ids"}),
        ({"title": "A", "id": "chat_x", "workspace_id": "ws_x"}, {"id", "workspace_id"}),
    ],
)
def test_what_is_wrong_with_a_chat_is_named_and_starts_none(
    body: dict[str, Any], wrong: set[str], ada: Person, client: ApiClient
) -> None:
    assert fields(client.post(ada.api("chats"), json=body)) == wrong
    assert not Chat.select().exists()


def test_a_member_of_another_workspace_cannot_take_part(
    ada: Person, bob: Person, mallory: Person, client: ApiClient
) -> None:
    ids = [bob.member.id, mallory.member.id]
    assert fields(client.post(ada.api("chats"), json={"title": "A", "member_ids": ids})) == {"member_ids.1"}
    assert not Chat.select().exists()


def test_pages_lead_to_each_chat_exactly_once_oldest_first(ada: Person, bob: Person, client: ApiClient) -> None:
    made = [Chat.start(ada.workspace, f"Chat {n}", [bob.member.id] * (n % 2), by=ada.actor) for n in range(7)]
    seen = list(walk(client, ada.api("chats"), 3))
    assert [each["id"] for each in seen] == [chat.id for chat in made]
    assert [each["member_ids"] for each in seen] == [[], [bob.member.id]] * 3 + [[]]


def test_a_participant_who_leaves_the_workspace_leaves_the_chat(
    ada: Person, bob: Person, chat: Chat, client: ApiClient
) -> None:
    path = ada.api(f"chats/{chat.id}")
    assert client.get(path).get_json()["member_ids"] == [bob.member.id]
    bob.member.remove(by=ada.actor)
    assert client.get(path).get_json()["member_ids"] == []


def test_a_message_says_who_sent_it(ada: Person, bob: Person, chat: Chat, client: ApiClient) -> None:
    path = ada.api(f"chats/{chat.id}/messages")
    answer = client.post(path, json={"text": "On my way."})
    key = ApiKey.get(ApiKey.name == "Chat bot")
    assert answer.status_code == 201 and answer.get_json()["id"].startswith("msg_")
    assert answer.get_json()["sender"] == {"kind": "key", "name": "Chat bot", "id": key.id}
    chat.send("Thanks", by=bob.actor)
    chat.send("Done", by=Actor("workflow", "Thank everyone", "wf_0000000000000000"))  # type: ignore[arg-type,unused-ignore]
    senders = [each["sender"] for each in client.get(path).get_json()["data"]]
    assert senders[1:] == [
        {"kind": "user", "name": bob.member.name, "id": bob.member.id},
        {"kind": "workflow", "name": "Thank everyone", "id": "wf_0000000000000000"},
    ]
    assert client.get(path).get_json()["data"][0] == answer.get_json()


def test_the_audit_trail_has_no_messages(ada: Person, chat: Chat, client: ApiClient) -> None:
    before = AuditEvent.select().count()
    client.post(ada.api(f"chats/{chat.id}/messages"), json={"text": "Hush"})
    assert AuditEvent.select().count() == before


@pytest.mark.parametrize(
    "text",
    [
        " ",
        " a ",
        "two\r\nlines\n",
        "e\u0301",
        "\u202eabc",
        "<b>{{7*7}}</b> '; --",
        "\x01\ufeff\u200b",
        "x" * 10_000,
        "🔑" * 10_000,
    ],
    ids=range(9),
)
def test_a_message_is_kept_exactly_as_sent(text: str, ada: Person, chat: Chat, client: ApiClient) -> None:
    path = ada.api(f"chats/{chat.id}/messages")
    assert client.post(path, json={"text": text}).get_json()["text"] == text
    assert client.get(path).get_json()["data"][0]["text"] == text


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ('{"text": ""}', {"text"}),
        ('{"text": "%s"}' % ("x" * 10_001), {"text"}),
        ('{"text": "a\\u0000b"}', {"text"}),
        ('{"text": "a\\ud800b"}', {"text"}),
        ('{"text": null}', {"text"}),
        ('{"text": ["a"]}', {"text"}),
        ("{}", {"text"}),
        ('{"text": "a", "sender": {"kind": "user"}}', {"sender"}),
        ("[]", {"body"}),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_wrong_with_a_message_is_named_and_sends_none(
    body: str, wrong: set[str], ada: Person, chat: Chat, client: ApiClient
) -> None:
    answer = client.post(ada.api(f"chats/{chat.id}/messages"), data=body, content_type="application/json")
    assert fields(answer) == wrong
    assert not Message.select().exists()


def test_pages_lead_to_each_message_exactly_once_oldest_first(ada: Person, chat: Chat, client: ApiClient) -> None:
    other = Chat.start(ada.workspace, "Other", by=ada.actor)
    for number in range(7):
        chat.send(f"Message {number}", by=ada.actor)
        other.send("Elsewhere", by=ada.actor)
    seen = [each["text"] for each in walk(client, ada.api(f"chats/{chat.id}/messages"), 3)]
    assert seen == [f"Message {number}" for number in range(7)]


def test_a_message_that_is_sent_twice_with_one_idempotency_key_is_sent_once(
    ada: Person, chat: Chat, client: ApiClient
) -> None:
    path, headers = ada.api(f"chats/{chat.id}/messages"), {"Idempotency-Key": "one"}
    first = client.post(path, json={"text": "Hello"}, headers=headers)
    again = client.post(path, json={"text": "Hello"}, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true" and again.get_json() == first.get_json()
    assert client.post(path, json={"text": "Other"}, headers=headers).status_code == 409
    assert [each.text for each in Message.select()] == ["Hello"]


def test_reading_and_writing_are_apart(ada: Person, chat: Chat, call: Call, make_key: MakeKey) -> None:
    reader, writer = (call(make_key(ada, scopes={scope})[1]) for scope in ("read:chats", "write:chats"))
    stranger = call(make_key(ada, scopes={"read:data", "write:data", "read:members"})[1])
    messages = ada.api(f"chats/{chat.id}/messages")
    for path, body in ((ada.api("chats"), {"title": "A"}), (messages, {"text": "A"})):
        assert (reader.get(path).status_code, reader.post(path, json=body).status_code) == (200, 403)
        assert (writer.get(path).status_code, writer.post(path, json=body).status_code) == (403, 201)
        assert (stranger.get(path).status_code, stranger.post(path, json=body).status_code) == (403, 403)
    assert writer.get(ada.api(f"chats/{chat.id}")).status_code == 403


def test_a_chat_of_another_workspace_does_not_exist(ada: Person, mallory: Person, client: ApiClient) -> None:
    theirs = Chat.start(mallory.workspace, "Secret plan", by=mallory.actor)
    theirs.send("Hush", by=mallory.actor)
    path = ada.api(f"chats/{theirs.id}")
    assert client.get(path).status_code == client.get(f"{path}/messages").status_code == 404
    assert client.post(f"{path}/messages", json={"text": "Hi"}).status_code == 404
    assert client.get(ada.api("chats")).get_json()["data"] == []
    assert Message.select().count() == 1


def test_chats_end_with_their_workspace(ada: Person, bob: Person, chat: Chat) -> None:
    chat.send("Bye", by=ada.actor)
    Workspace.delete().where(Workspace.id == ada.workspace.id).execute()
    assert not any(table.select().exists() for table in (Chat, Message, Participant))
