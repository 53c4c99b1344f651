"""The policy holds in form, API and command line alike, and never breaks a key that works."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from models import ApiKey
from models.database import now
from tests.support.cast import Person, make_admin_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import code, create, created, edit, fresh, put_on_plan, ticked, words
from tests.support.keys import works
from tests.support.policies import policy_of, rule

Browse = Callable[[Person], Browser]
Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

LIFE = "Keys in this workspace live at most 30 days."
END = "Keys in this workspace must expire."
ALLOWLIST = "Keys with admin:workspace need an IP allowlist in this workspace."
CREATORS = "Only owners create API keys in this workspace."


def made_by_cli(app: Flask, person: Person, *more: str) -> Any:
    given = ["key", "create", "--workspace", person.workspace.id, "--name", "CI", "--scope", "read:members", *more]
    return app.test_cli_runner().invoke(args=given)


def wanted(days: int | None = None, **more: Any) -> dict[str, Any]:
    end = None if days is None else (now() + timedelta(days=days)).isoformat()
    return {"name": "By key", "scopes": ["read:members"], "expires_at": end} | more


def errors(answer: Any) -> dict[str, str]:
    return {each["field"]: each["message"] for each in answer.json["errors"]}


@pytest.mark.parametrize(("chosen", "says"), [({"longest_life_days": 30}, LIFE), ({"expiry_required": True}, END)])
def test_the_end_of_a_new_key_is_held_to_the_policy_everywhere(
    ada: Person, app: Flask, browse: Browse, call: Call, chosen: dict[str, Any], says: str
) -> None:
    _, text = make_admin_key(ada)
    rule(ada, **chosen)
    form = create(browse(ada), ada, expires="none")
    assert form.status_code == 422 and says in words(form)
    api = call(text).post(ada.api("api-keys"), json=wanted())
    assert (api.status_code, code(api)) == (422, "validation_failed") and says in errors(api)["expires_at"]
    cli = made_by_cli(app, ada, "--expires", "never")
    assert cli.exit_code == 1 and says in cli.stderr
    assert ApiKey.select().count() == 1
    assert call(text).post(ada.api("api-keys"), json=wanted(29)).status_code == 201
    assert made_by_cli(app, ada, "--expires", "30d").exit_code == 0
    assert created(browse(ada), ada, name="Form", expires="30").expires_at


def test_the_form_shows_the_rule_and_offers_what_fits(ada: Person, browse: Browse) -> None:
    rule(ada, longest_life_days=30)
    shown = browse(ada).get(ada.settings("api-keys/new"))
    assert LIFE in words(shown) and ticked(shown, "expires") == {"30"}
    assert shown.text.count(" disabled") == 2, "90 days and no expiration"
    rule(ada, longest_life_days=7)
    assert ticked(browse(ada).get(ada.settings("api-keys/new")), "expires") == {"custom"}
    rule(ada, longest_life_days=None, expiry_required=True, admin_allowlist=True)
    shown = browse(ada).get(ada.settings("api-keys/new"))
    assert END in words(shown) and "need an allowlist in this workspace" in words(shown)
    assert shown.text.count(" disabled") == 1


@pytest.mark.parametrize(("life", "says"), [(30, LIFE), (120, "Keys on the Free plan live at most 90 days.")])
def test_of_plan_and_policy_the_shorter_holds(ada: Person, browse: Browse, life: int, says: str) -> None:
    put_on_plan(ada, "free")
    rule(ada, longest_life_days=life)
    shown = browse(ada).get(ada.settings("api-keys/new"))
    assert says in words(shown)
    day = (now() + timedelta(days=110)).date().isoformat()
    answer = create(browse(ada), ada, expires="custom", expires_on=day)
    assert answer.status_code in (403, 422) and says in words(answer)


def test_admin_keys_need_an_allowlist(ada: Person, app: Flask, browse: Browse, call: Call) -> None:
    _, text = make_admin_key(ada)
    rule(ada, admin_allowlist=True)
    form = create(browse(ada), ada, scopes=["admin:workspace"])
    assert form.status_code == 422 and ALLOWLIST in words(form)
    api = call(text).post(ada.api("api-keys"), json=wanted(30, scopes=["admin:workspace"]))
    assert api.status_code == 422 and ALLOWLIST in errors(api)["networks"]
    assert made_by_cli(app, ada, "--expires", "30d", "--scope", "admin:workspace").exit_code == 1
    assert created(browse(ada), ada, scopes=["admin:workspace"], networks="192.0.2.0/24").networks


@pytest.mark.parametrize("networks", ["0.0.0.0/0", "::/0", "0.0.0.0/1 128.0.0.0/1", "192.0.2.7 0.0.0.0/1"])
def test_an_allowlist_of_nearly_everybody_is_none(
    ada: Person, app: Flask, browse: Browse, call: Call, networks: str
) -> None:
    before, text = make_admin_key(ada)
    rule(ada, admin_allowlist=True)
    form = create(browse(ada), ada, scopes=["admin:workspace"], networks=networks)
    assert form.status_code == 422 and f"{ALLOWLIST} This one lets half of all addresses in, or more." in words(form)
    listed = networks.split()
    api = call(text).post(ada.api("api-keys"), json=wanted(30, scopes=["admin:workspace"], networks=listed))
    assert api.status_code == 422 and "lets half of all addresses in" in errors(api)["networks"]
    given = [word for each in listed for word in ("--allow-ip", each)]
    assert made_by_cli(app, ada, "--expires", "30d", "--scope", "admin:workspace", *given).exit_code == 1
    assert created(browse(ada), ada, scopes=["read:members"], networks=networks), "others may have it"
    assert works(text) and fresh(before).networks == ""


def test_only_owners_create_where_the_policy_says_so(
    ada: Person, olga: Person, app: Flask, browse: Browse, call: Call
) -> None:
    key, text = make_admin_key(ada)
    rule(ada, creators="owners")
    for path in ("api-keys/new", f"api-keys/new?copy={key.id}"):
        answer = browse(olga).get(ada.settings(path))
        assert answer.status_code == 403 and CREATORS in answer.text
    assert browse(olga).post(ada.settings("api-keys/new"), {"name": "x"}).status_code == 403
    assert "Create API key" not in browse(olga).get(ada.settings("api-keys")).text
    assert "copy=" not in browse(olga).get(ada.settings("api-keys")).text
    api = call(text).post(ada.api("api-keys"), json=wanted(30))
    assert (api.status_code, code(api)) == (403, "not_allowed") and CREATORS in api.text
    assert ApiKey.select().count() == 1
    assert "Create API key" in browse(ada).get(ada.settings("api-keys")).text
    assert created(browse(ada), ada)
    assert made_by_cli(app, ada, "--expires", "30d").exit_code == 1, "the name is taken"
    assert edit(browse(olga), key, olga, name="Renamed").status_code == 303


# Keys that were there before


def test_a_key_that_does_not_fit_begins_no_earlier(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_admin_key(ada)
    key, _ = make_key(ada, starts_at=now() + timedelta(days=5))
    rule(ada, expiry_required=True)
    path = ada.api(f"api-keys/{key.id}")
    for start, status in ((4, 422), (None, 422), (6, 200)):
        when = start and (now() + timedelta(days=start)).isoformat()
        assert call(text).patch(path, json={"starts_at": when}).status_code == status


def test_a_key_that_does_not_fit_works_on_and_can_become_less_but_not_more(
    ada: Person, browse: Browse, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada, scopes={"read:members", "read:data"}, expires_at=now() + timedelta(days=300))
    rule(ada, longest_life_days=30)
    assert works(text) and call(text).get("/api/v2/key").status_code == 200
    page = words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))
    assert "Outside the policy of the workspace." in page and LIFE in page
    assert "Off policy" in browse(ada).get(ada.settings()).text
    assert edit(browse(ada), key, ada, name="Renamed").status_code == 303
    assert edit(browse(ada), key, ada, scopes=["read:members"]).status_code == 303
    day = (now() + timedelta(days=200)).date().isoformat()
    assert edit(browse(ada), key, ada, expires="custom", expires_on=day).status_code == 303, "earlier, if not yet fit"
    for more in ({"scopes": ["read:members", "read:chats"]}, {"expires": "none"}):
        answer = edit(browse(ada), key, ada, **more)
        assert answer.status_code == 422 and LIFE in words(answer), more
    assert fresh(key).scopes == "read:members"
    made = fresh(key).rotate(by=ada.actor)
    assert works(made.reveal())
    fits = {"expires": "30", "scopes": ["read:members", "read:chats"]}
    assert edit(browse(ada), key, ada, **fits).status_code == 303, "more, now that it fits"
    assert "Outside the policy" not in words(browse(ada).get(ada.settings(f"api-keys/{key.id}")))


def test_over_the_api_a_key_is_not_extended_beyond_the_policy(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_admin_key(ada)
    key, _ = make_key(ada, expires_at=now() + timedelta(days=10))
    rule(ada, longest_life_days=30)
    path = ada.api(f"api-keys/{key.id}")
    for days, status in ((31, 422), (None, 422), (29, 200)):
        answer = call(text).patch(path, json={"expires_at": wanted(days)["expires_at"]})
        assert answer.status_code == status, days
        if status == 422:
            assert LIFE in errors(answer)["expires_at"]
    assert (
        call(text).get(f"{path}/impact?expires_at={(now() + timedelta(days=99)):%Y-%m-%dT%H:%M:%SZ}").status_code == 422
    )


def test_a_key_without_expiration_is_never_ended_for_lacking_one(ada: Person, make_key: MakeKey, call: Call) -> None:
    key, text = make_key(ada)
    rule(ada, expiry_required=True, longest_life_days=1)
    assert fresh(key).expires_at is None and fresh(key).revoked_at is None
    assert call(text).get(ada.api()).status_code == 200


def test_a_copy_fits_the_policy(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    rule(ada, expiry_required=True)
    assert ticked(browse(ada).get(ada.settings(f"api-keys/new?copy={key.id}")), "expires") == {"90"}
    rule(ada, longest_life_days=30)
    assert ticked(browse(ada).get(ada.settings(f"api-keys/new?copy={key.id}")), "expires") == {"30"}


def test_unused_is_what_the_policy_says(ada: Person, browse: Browse, call: Call, make_key: MakeKey) -> None:
    _, text = make_admin_key(ada)
    used, _ = make_key(ada, name="Idle for 20")
    ApiKey.update(last_used_at=now() - timedelta(days=20)).where(ApiKey.id == used.id).execute()
    never, _ = make_key(ada, name="Never for 20")
    ApiKey.update(created_at=now() - timedelta(days=20)).where(ApiKey.id == never.id).execute()

    def unused() -> set[str]:
        listed: Any = call(text).get(ada.api("api-keys?status=unused")).json
        api = {each["name"] for each in listed["data"]}
        page = browse(ada).get(ada.settings("api-keys?status=unused")).text
        assert {name for name in ("Idle for 20", "Never for 20") if name in page} == api
        assert {key.name for key in ApiKey.select() if key.is_unused(now(), policy_of(ada))} == api
        return api

    assert unused() == set()
    rule(ada, unused_days=20)
    assert unused() == {"Idle for 20", "Never for 20"}
    rule(ada, unused_days=365)
    assert unused() == set()


# The command line


def test_the_policy_is_shown_and_changed_from_the_terminal(ada: Person, app: Flask, make_key: MakeKey) -> None:
    key, _ = make_key(ada)

    def run(*given: str) -> dict[str, Any]:
        done = app.test_cli_runner().invoke(args=["workspace", "policy", ada.workspace.id, *given, "--json"])
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    assert (run()["longest_life_days"], run()["saved"]) == (None, False)
    dry = run("--longest-life", "60", "--dry-run")
    assert (dry["keys_that_would_not_fit"], dry["saved"]) == ([key.id], False)
    assert policy_of(ada).longest_life_days is None
    done = run("--longest-life", "60", "--expiry-required", "--creators", "owners", "--unused-after", "10")
    assert (done["saved"], done["longest_life_days"], done["who_could_not_create"]) == (True, 60, [])
    assert policy_of(ada).expiry_required and policy_of(ada).unused_days == 10
    assert run("--longest-life", "none", "--expiry-optional")["longest_life_days"] is None
    bad = app.test_cli_runner().invoke(args=["workspace", "policy", ada.workspace.id, "--creators", "all"])
    assert bad.exit_code == 1 and "Choose who may create keys." in bad.stderr
