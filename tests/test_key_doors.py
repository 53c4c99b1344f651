"""Each state of a key, each verb, each door: page, API, terminal and the key itself give one answer."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask

from models import ApiKey, database
from models.database import now
from models.key_rotation import NOT_RETIRING, REPLACED_ALREADY, STILL_RETIRING
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import all_hidden, code, fresh
from tests.support.keys import on_plan
from tests.support.rotation import KEY, ROTATE
from tests.support.terminal import Terminal

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]
Door = Callable[[str, ApiKey], str]

HOUR = timedelta(hours=1)
DONE, GONE = "done", "gone"
STATES = ("active", "scheduled", "disabled", "flagged", "quarantined", "expired", "revoked", "deleted")
# Of a key that has ended: words of the API and the terminal.
ENDED = {
    "expired": "This key has expired. Create a new one with the same settings.",
    "revoked": "This key is revoked. It cannot be changed.",
}
# What the old secret of a key can make a difference to.
OF_SECRETS = ("rotate", "overlap", "finish", "extend", "undo", "revoke")
STILL_LIVES = "Only a revoked or expired key can be deleted. Revoke it first."
# Verb → the page that does it with its fields, the request of the API, the command.
VERBS: dict[str, tuple[tuple[str, dict[str, Any]], tuple[str, str, Any] | None, list[str] | None]] = {
    "rename": (
        ("edit", {"name": "By a page", "scopes": ["read:members"], "expires": "keep"}),
        ("PATCH", "", {"name": "Over the API"}),
        None,
    ),
    "disable": (("disable", {}), ("PATCH", "", {"disabled": True}), None),
    "enable": (("enable", {}), ("PATCH", "", {"disabled": False}), None),
    "rotate": (
        ("rotate", {"overlap": "none"}),
        ("POST", "/rotate", {"overlap": "none"}),
        ["rotate", "--overlap", "none"],
    ),
    "overlap": (("rotate", {"overlap": "24h"}), ("POST", "/rotate", {"overlap": "24h"}), ["rotate", "--overlap=24h"]),
    "finish": (("finish-rotation", {}), ("POST", "/finish-rotation", None), ["finish-rotation"]),
    "extend": (
        ("extend-rotation", {"overlap": "7d"}),
        ("POST", "/extend-rotation", {"overlap": "7d"}),
        ["extend-rotation", "--overlap=7d"],
    ),
    "undo": (("undo-rotation", {}), ("POST", "/undo-rotation", None), ["undo-rotation"]),
    "quarantine": (("quarantine", {}), None, None),
    "wake": (("wake", {}), None, None),
    "keep": (("keep", {"reason": "Wanted"}), None, None),
    "revoke": (("revoke", {"reason": "unneeded"}), ("POST", "/revoke", {}), ["revoke"]),
    "delete": (("delete", {}), ("DELETE", "", None), ["delete"]),
}


def expected(state: str, retires: bool, verb: str) -> str:
    """The rules, as docs/decisions/0013-rotation.md and docs/pages.md have them."""
    if state == "deleted":
        return GONE
    if state in ENDED:
        return DONE if verb in ("revoke", "delete") else ENDED[state]
    if verb == "delete":
        return STILL_LIVES
    if verb in ("finish", "extend", "undo") and not retires:
        return NOT_RETIRING
    return STILL_RETIRING if verb == "overlap" and retires else DONE


def made(ada: Person, make_key: MakeKey, state: str, retires: bool) -> tuple[ApiKey, str, str]:
    """A key in this state, its current secret, and the one before it."""
    end, start = now() + HOUR, now() + 9 * HOUR
    with database.at(now() - 2 * HOUR):
        key, old = make_key(
            ada,
            expires_at=end - 2 * HOUR if state == "expired" else None,
            starts_at=start if state == "scheduled" else None,
        )
        new = key.rotate(by=ada.actor, overlap="7d").reveal() if retires else old
    key = fresh(key)
    if state == "flagged":
        key.flag(by=ada.actor, quarantine_at=now())
    elif state in ("revoked", "deleted"):
        key.revoke(by=ada.actor)
    elif state in ("disabled", "quarantined"):
        {"disabled": key.disable, "quarantined": key.quarantine}[state](by=ada.actor)
    if state == "deleted":
        fresh(key).delete(by=ada.actor)
    return key, new, old


@pytest.fixture
def doors(app: Flask, ada: Person, browse: Browse, call: Call) -> list[Door]:
    on_plan(ada, "enterprise")
    api, browser, terminal = call(make_admin_key(ada)[1]), browse(ada), Terminal(app)

    def page(verb: str, key: ApiKey) -> str:
        path, fields = VERBS[verb][0]
        address = ada.settings(f"api-keys/{key.id}/{path}")
        fields = {"confirm": key.name, **all_hidden(browser.get(address)), **fields}
        answer = browser.post(address, fields)
        if answer.status_code == 303 and answer.headers["Location"] == ada.settings():
            # The list says what became of a key that is not on it.
            return GONE if "Nothing was changed" in browser.get(ada.settings()).text else DONE
        return DONE if answer.status_code in (201, 303) else str(answer.status_code)

    def request(verb: str, key: ApiKey) -> str:
        method, path, body = VERBS[verb][1] or ("", "", None)
        answer = api.open(method, ada.api(f"api-keys/{key.id}{path}"), json=body)
        if answer.status_code < 300:
            return DONE
        return GONE if answer.status_code == 404 else f"{answer.status_code} {answer.get_json()['detail']}"

    def command(verb: str, key: ApiKey) -> str:
        name, *options = VERBS[verb][2] or [""]
        done = terminal.run("key", name, key.id, *options)
        if done.exit_code == 0:
            return DONE
        said = done.stderr.removeprefix("Error: ").strip()
        return GONE if said == f"There is no key {key.id!r}." else f"409 {said}"

    return [page, request, command]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("state", "retires"), list(product(STATES, (False, True))))
def test_the_doors_agree(ada: Person, make_key: MakeKey, doors: list[Door], state: str, retires: bool) -> None:
    def answers(verb: str) -> Iterator[str]:
        for door, has_it in zip(doors, VERBS[verb], strict=True):
            if has_it is not None:
                yield door(verb, made(ada, make_key, state, retires)[0])

    wrong = {}
    for verb in OF_SECRETS if retires else VERBS:
        rule, (shown, *said) = expected(state, retires, verb), answers(verb)
        right = rule if rule in (DONE, GONE) else "409"
        words = rule if rule in (DONE, GONE) else f"409 {rule}"
        if shown != right or said != [words] * len(said):
            wrong[verb] = (words, shown, said)
    assert not wrong


OWN = {
    "active": "", "flagged": "", "scheduled": "not_yet_valid_key", "disabled": "disabled_key",
    "quarantined": "key_quarantined", "expired": "expired_key", "revoked": "revoked_key", "deleted": "revoked_key",
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("state", "refusal"), list(OWN.items()))
def test_a_key_acts_for_itself_only_while_it_works(
    ada: Person, make_key: MakeKey, call: Call, state: str, refusal: str
) -> None:
    _, new, old = made(ada, make_key, state, retires=True)
    replaced = call(old).post(ROTATE)
    if refusal:
        assert [code(answer) for answer in (replaced, call(new).post(ROTATE))] == [refusal] * 2
        assert code(call(new).patch(KEY, json={"networks": ["192.0.2.0/24"]})) == refusal
    else:
        assert (replaced.status_code, replaced.get_json()["detail"]) == (409, REPLACED_ALREADY)
        assert call(new).patch(KEY, json={"networks": ["192.0.2.0/24"]}).status_code == 200
        assert call(new).post(ROTATE, json={"overlap": "none"}).status_code == 201
