"""Keys that a key made: the person behind that key counts as their maker, however long the chain."""

import importlib
from collections.abc import Callable

from models import ApiKey, Member, key_list
from models.actor import COMMAND_LINE
from models.database import db, now
from models.key_settings import KeySettings
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import words
from tests.support.keys import reread, works

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]

NAME = "Olga Ladyzhenskaya"
LEAKED = {"reason": "leaked", "note": "Laptop stolen", "confirm": NAME, "remove": "y"}


def made_with(call: Call, person: Person, text: str, name: str, *more: str) -> tuple[ApiKey, str]:
    """What a key of somebody makes over the API."""
    body = {"name": name, "scopes": ["read:members", *more]}
    made = call(text).post(person.api("api-keys"), json=body).get_json()
    return ApiKey.get_by_id(made["id"]), made["secret"]


def test_keys_that_a_key_of_theirs_made_end_with_theirs(ada: Person, olga: Person, browse: Browse, call: Call) -> None:
    first, text = make_admin_key(olga, name="CI")
    second, again = made_with(call, ada, text, "Bootstrap", "admin:workspace")
    third, last = made_with(call, ada, again, "Worker")
    _, other = made_with(call, ada, make_admin_key(ada, name="Mine")[1], "Not hers")
    # Whatever became of the key in between.
    second.revoke(by=ada.actor)
    assert third.maker_name == NAME and (third.creator_kind, third.creator_name) == ("key", "Bootstrap")
    shown = call(text).get(ada.api(f"api-keys/{third.id}")).get_json()["created_by"]
    assert shown == {"kind": "key", "name": "Bootstrap", "id": second.id, "member_id": olga.member.id}
    end = ada.settings(f"members/{olga.member.id}/revoke-keys")
    listed = words(browse(ada).get(end))
    assert "Revoke all 2 keys made by" in listed and "Worker" in listed and "Not hers" not in listed
    assert "Created by Bootstrap, a key of Olga Ladyzhenskaya" in words(
        browse(ada).get(ada.settings(f"api-keys/{third.id}"))
    )
    assert browse(ada).post(end, LEAKED).status_code == 303
    assert not works(text) and not works(last) and works(other)
    assert reread(first).revoke_reason == reread(third).revoke_reason == "leaked"


def test_keys_that_a_key_of_theirs_made_have_lost_their_maker_too(
    ada: Person, olga: Person, browse: Browse, call: Call
) -> None:
    child, _ = made_with(call, ada, make_admin_key(olga, name="CI")[1], "Worker")
    root = KeySettings("Root", frozenset({"admin:workspace"}))
    _, secret = ApiKey.issue(ada.workspace, root, by=COMMAND_LINE)
    ours, _ = made_with(call, ada, secret.reveal(), "Of the terminal")
    assert (reread(ours).maker_name, reread(child).maker_left) == (None, False)
    olga.member.change({"role": "member"}, by=ada.actor)
    assert reread(child).maker_left and not reread(ours).maker_left
    cleanup = words(browse(ada).get(ada.settings("api-keys/cleanup")))
    assert f"{NAME}, who made it with a key, has not managed keys since" in cleanup
    shown = words(browse(ada).get(ada.settings(f"api-keys/{child.id}")))
    assert f"{NAME} no longer manages keys here." in shown
    Member.find(ada.workspace.id, olga.member.id).remove(by=ada.actor)
    found = key_list.listed(ada.workspace.id, now()).attention
    assert (found.kind, found.count) == ("left", 2)
    assert reread(child).maker_left and reread(child).maker_name == NAME and not reread(ours).maker_left


def test_the_history_tells_who_is_behind_the_keys_of_before(ada: Person, olga: Person, call: Call) -> None:
    _, text = make_admin_key(olga, name="CI")
    second, again = made_with(call, ada, text, "Bootstrap", "admin:workspace")
    third, _ = made_with(call, ada, again, "Worker")
    root, secret = ApiKey.issue(ada.workspace, KeySettings("Root", frozenset({"admin:workspace"})), by=COMMAND_LINE)
    ours, _ = made_with(call, ada, secret.reveal(), "Of the terminal")
    kept = {key.id: (key.creator_key_id, key.behind_name, key.creator_id) for key in ApiKey.select()}
    ApiKey.update(creator_key_id=None, behind_name=None, creator=None).where(ApiKey.creator_kind == "key").execute()
    migration = importlib.import_module("models.migrations.0017_behind_keys")
    for _ in range(2):
        migration.fill(db.obj)
        assert {key.id: (key.creator_key_id, key.behind_name, key.creator_id) for key in ApiKey.select()} == kept
    assert kept[third.id] == (second.id, NAME, olga.member.id) and kept[ours.id] == (root.id, None, None)
