"""Workflows of the tests: made, started and carried out."""

from typing import Any

from models import Chat, WorkflowRun
from tests.support.cast import Person
from tests.support.clients import ApiClient


def say(chat: Chat, text: str = "Version 42 is out.") -> dict[str, Any]:
    return {"action": "send_message", "chat_id": chat.id, "text": text}


def made(client: ApiClient, person: Person, *steps: dict[str, Any], name: str = "Announce") -> str:
    """The address of a new workflow."""
    answer = client.post(person.api("workflows"), json={"name": name, "steps": list(steps)})
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def started(client: ApiClient, workflow: str) -> str:
    """The address of a new run."""
    answer = client.post(f"{workflow}/runs", json={})
    assert (answer.status_code, answer.get_json()["status"]) == (201, "queued"), answer.text
    return str(answer.headers["Location"])


def carry_out() -> None:
    while WorkflowRun.advance_all(seconds=60)[1]:
        pass


def said(chat: Chat) -> list[str]:
    return [message.text for message in chat.messages(100, None)[0]]
