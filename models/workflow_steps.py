"""The steps of a workflow: what each takes, which scope it needs, and what it does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models import json_value, scope
from models.actor import Actor, Grant
from models.chat import LONGEST_MESSAGE, Chat
from models.collection import NAME, Collection
from models.data_record import DEEPEST, LARGEST
from models.errors import InsufficientScope, Invalid, NotFound

MOST = 20
LONGEST_WAIT = 3600

Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """What a kind of step does: it tells its outcome in a sentence, or raises a `DomainError`."""

    scope: str | None
    check: Callable[[Step, str], dict[str, str]]
    take: Callable[[str, Step, Actor], str]


def checked(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The steps, if there are 1 to `MOST` and each could be taken. `Invalid` names each field that is wrong."""
    found = [dict(step) for step in steps]
    if not 1 <= len(found) <= MOST:
        raise Invalid(steps=f"Give 1 to {MOST} steps. This has {len(found)}.")
    errors: dict[str, str] = {}
    for place, step in enumerate(found):
        if step.get("action") not in ACTIONS:
            errors[f"steps.{place}.action"] = f"Choose one of: {', '.join(ACTIONS)}."
        else:
            errors |= ACTIONS[step["action"]].check(step, f"steps.{place}")
    if errors:
        raise Invalid(errors)
    return found


def must_hold(grant: Grant | None, steps: Iterable[Step]) -> None:
    """Raise `InsufficientScope` unless a key that acts holds what each step needs. Others are bound by their role."""
    for step in steps:
        needed = ACTIONS[step["action"]].scope
        if grant is not None and needed is not None and not scope.covers(grant.scopes, needed):
            raise InsufficientScope(needed)


def take(workspace_id: str, step: Step, *, by: Actor) -> str:
    """Take a step, in the transaction at hand. Returns what came of it."""
    return ACTIONS[step["action"]].take(workspace_id, step, by)


def _check_message(step: Step, path: str) -> dict[str, str]:
    said = step["text"]
    if not 1 <= len(said) <= LONGEST_MESSAGE or not json_value.is_storable(said):
        return {f"{path}.text": f"Send 1 to {LONGEST_MESSAGE:,} characters of text."}
    if not json_value.is_storable(step["chat_id"]):
        return {f"{path}.chat_id": "This is not the id of a chat."}
    return {}


def _send_message(workspace_id: str, step: Step, by: Actor) -> str:
    try:
        chat: Chat = Chat.find(workspace_id, step["chat_id"])
    except NotFound as problem:
        raise NotFound("There is no such chat in this workspace.") from problem
    message = chat.send(step["text"], by=by)
    return f"Sent {message.id} to {chat.title}."


def _check_record(step: Step, path: str) -> dict[str, str]:
    if not NAME.fullmatch(step["collection"]):
        return {f"{path}.collection": "This is not the name of a collection."}
    try:
        json_value.written(step["values"], field=f"{path}.values", largest=LARGEST, deepest=DEEPEST)
    except Invalid as problem:
        return dict(problem.errors)
    return {}


def _create_record(workspace_id: str, step: Step, by: Actor) -> str:
    try:
        collection = Collection.named(workspace_id, step["collection"])
    except NotFound as problem:
        raise NotFound(f"There is no collection {step['collection']} in this workspace.") from problem
    return f"Added {collection.add(step['values'], by=by).id} to {collection.name}."


def _check_wait(step: Step, path: str) -> dict[str, str]:
    return {} if 1 <= step["seconds"] <= LONGEST_WAIT else {f"{path}.seconds": f"Wait 1 to {LONGEST_WAIT:,} seconds."}


def _wait(_workspace_id: str, step: Step, _by: Actor) -> str:
    return f"Waits {step['seconds']} seconds."


ACTIONS = {
    "send_message": Action("write:chats", _check_message, _send_message),
    "create_record": Action("write:data", _check_record, _create_record),
    "wait": Action(None, _check_wait, _wait),
}
