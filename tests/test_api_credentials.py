"""What a credential must look like, and in which order it is refused (RFC 6750)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.problems import refusal

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

KEY = "/api/v2/key"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer   "])
def test_the_scheme_is_read_without_case_and_with_any_number_of_blanks(
    scheme: str, ada: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada)
    assert call().get(KEY, headers={"Authorization": f"{scheme} {text}"}).status_code == 200


@pytest.mark.parametrize("header", [None, "Basic Z3I6", "Basic gr_", "Digest a=b", ""])
def test_without_credentials_the_challenge_names_no_error(header: str | None, app: Flask, call: Call) -> None:
    answer = call().get(KEY, headers={"Authorization": header} if header is not None else {})
    assert refusal(answer) == (401, "missing_key", 'Bearer realm="gravity-rail"')


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer a b", "Bearer\ta", "Bearer a,Bearer b", "Basic x,Bearer b", ",Bearer b"]
)
def test_a_bearer_header_without_exactly_one_token_is_a_bad_request(header: str, app: Flask, call: Call) -> None:
    status, code, challenge = refusal(call().get(KEY, headers={"Authorization": header}))
    assert (status, code) == (400, "bad_request")
    assert challenge and 'error="invalid_request"' in challenge


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.upper(),
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:-1] + "u",
        lambda text: text[:-1] + "²",
        lambda text: text.replace("gr_", "GR_"),
        lambda text: f'"{text}"',
        lambda text: text + "\u00a0",
        lambda text: "gr_" + "\u0663" * 20,
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: "a=b",
    ],
)
def test_whatever_is_not_exactly_a_key_is_invalid_and_nothing_more(
    change: Callable[[str], str], ada: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada)
    header = f"Bearer {change(text)}".encode().decode("latin-1")
    status, code, challenge = refusal(call().get(KEY, headers={"Authorization": header}))
    assert (status, code) == (401, "invalid_key")
    assert challenge and 'error="invalid_token"' in challenge


@pytest.mark.parametrize("name", ["access_token", "api_key", "key"])
def test_a_key_in_the_address_or_the_body_is_refused_even_beside_a_good_header(
    name: str, ada: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada, scopes={"write:members"})
    path = ada.api()
    for answer in (
        call(text).get(KEY, query_string={name: text}),
        call().get(KEY, query_string={name: text}),
        call(text).post(path, json={name: text, "name": "X", "email": "x@example.com"}),
        call(text).post(path, data={name: text}),
        call().post(path, json={name: text}),
    ):
        status, code, challenge = refusal(answer)
        assert (status, code) == (400, "bad_request")
        assert challenge and 'error="invalid_request"' in challenge
        assert text not in answer.text


def test_a_field_called_key_that_holds_no_key_is_nothing_special(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada)
    assert call(text).get(KEY, query_string={"key": "anything"}).status_code == 200


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda key, by: key.revoke(by=by), "revoked_key"),
        (lambda key, by: key.disable(by=by), "disabled_key"),
        (lambda key, by: ApiKey.update(expires_at=now()).execute(), "expired_key"),
        (lambda key, by: ApiKey.update(starts_at=now() + timedelta(hours=1)).execute(), "not_yet_valid_key"),
    ],
)
def test_only_the_whole_secret_learns_the_state_of_its_key(
    prepare: Callable[[ApiKey, Any], None], code: str, ada: Person, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada)
    prepare(key, ada.actor)
    status, told, challenge = refusal(call(text).get(KEY))
    assert (status, told) == (401, code)
    assert challenge and 'error="invalid_token"' in challenge
    nearly = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert refusal(call(nearly).get(KEY))[1] == "invalid_key"


def test_a_rotated_out_secret_is_revoked_and_the_new_one_works(ada: Person, call: Call, make_key: MakeKey) -> None:
    key, old = make_key(ada)
    new = key.rotate(by=ada.actor)
    assert refusal(call(old).get(KEY))[1] == "revoked_key"
    assert call(new).get(KEY).get_json()["id"] == key.id


def test_revoked_comes_before_expired_before_disabled_before_the_address(
    ada: Person, call: Call, make_key: MakeKey
) -> None:
    key, text = make_key(ada, networks=("203.0.113.0/24",))
    elsewhere = call(text, address="198.51.100.1")
    assert refusal(elsewhere.get(KEY))[1] == "ip_not_allowed"
    key.disable(by=ada.actor)
    assert refusal(elsewhere.get(KEY))[1] == "disabled_key"
    ApiKey.update(expires_at=now()).execute()
    assert refusal(elsewhere.get(KEY))[1] == "expired_key"
    ApiKey.update(revoked_at=now()).execute()
    assert refusal(elsewhere.get(KEY))[1] == "revoked_key"


def test_the_workspace_comes_before_the_address_and_the_address_before_the_scope(
    ada: Person, mallory: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada, networks=("203.0.113.0/24",), scopes={"read:data"})
    outside = call(text, address="198.51.100.1")
    assert refusal(outside.get(mallory.api()))[1] == "not_found"
    assert refusal(outside.get(ada.api()))[1] == "ip_not_allowed"
    assert refusal(call(text, address="203.0.113.9").get(ada.api()))[1] == "insufficient_scope"


def test_a_missing_scope_is_named_in_the_challenge_and_the_body(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, scopes={"write:members"})
    answer = call(text).get(ada.api())
    status, code, challenge = refusal(answer)
    assert (status, code) == (403, "insufficient_scope")
    assert challenge == 'Bearer realm="gravity-rail", error="insufficient_scope", scope="read:members"'
    assert answer.get_json()["scope"] == "read:members"


def test_admin_implies_every_scope(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, scopes={"admin:workspace"})
    assert call(text).get(ada.api()).status_code == 200


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (("203.0.113.0/28",), "203.0.113.15", 200),
        (("203.0.113.0/28",), "203.0.113.16", 403),
        (("203.0.113.0/28",), "::ffff:203.0.113.4", 200),
        (("2001:db8::/32",), "2001:db8::1", 200),
        (("2001:db8::/32",), "203.0.113.4", 403),
        (("203.0.113.4",), "not an address", 403),
        (("0.0.0.0/0",), "2001:db8::1", 403),
        ((), "not an address", 200),
    ],
)
def test_the_allowlist_decides_by_address(
    networks: tuple[str, ...], address: str, status: int, ada: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada, networks=networks)
    assert call(text).get(KEY, address=address).status_code == status


def test_forwarding_headers_are_not_believed_by_default(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, networks=("203.0.113.4",))
    forged = {"X-Forwarded-For": "203.0.113.4", "X-Real-Ip": "203.0.113.4", "Forwarded": "for=203.0.113.4"}
    answer = call(text, address="198.51.100.1").get(KEY, headers=forged)
    assert refusal(answer)[1] == "ip_not_allowed"
