"""What a credential must look like, in which order it is refused, and how refusals read (RFC 6750, RFC 9457)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

KEY = "/api/v2/key"


def refusal(answer: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and challenge of a refusal, which is always a whole problem document."""
    body = answer.get_json()
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["code"], answer.headers.get("WWW-Authenticate")


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
    assert call(new).get(KEY).json["id"] == key.id


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
    assert answer.json["scope"] == "read:members"


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


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/api/v2/nothing", "GET", 404, "not_found"),
        ("/api/v2/key", "PUT", 405, "method_not_allowed"),
        ("/api/v2/key", "OPTIONS", 405, "method_not_allowed"),
        ("/api/v2/key", "TRACE", 405, "method_not_allowed"),
    ],
)
def test_errors_of_the_framework_are_problem_documents_too(
    path: str, method: str, status: int, code: str, app: Flask, call: Call
) -> None:
    answer = call().open(method, path)
    assert refusal(answer)[:2] == (status, code)
    assert (answer.headers.get("Allow") is not None) == (status == 405)


def test_bodies_that_are_no_json_are_told_apart(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, scopes={"write:members"})
    client, path = call(text), ada.api()
    assert refusal(client.post(path, data="{", content_type="application/json"))[:2] == (400, "bad_request")
    assert refusal(client.post(path, data=b"\xff", content_type="application/json"))[:2] == (400, "bad_request")
    assert refusal(client.post(path, data="a", content_type="text/plain"))[:2] == (415, "unsupported_media_type")
    assert refusal(client.post(path, json=[]))[:2] == (422, "validation_failed")
    large = client.post(path, data=b"0" * (1024 * 1024 + 1), content_type="application/json")
    assert refusal(large)[:2] == (413, "too_large")
    chunked = client.post(path, data="{}", content_type="application/json", headers={"Transfer-Encoding": "chunked"})
    assert refusal(chunked)[:2] == (411, "length_required")
    oversized = call().get(KEY, headers={"Authorization": "Bearer " + "a" * 9000})
    assert refusal(oversized)[:2] == (431, "headers_too_large")


def test_a_crash_is_a_problem_document_that_says_nothing_of_the_inside(
    app: Flask, ada: Person, call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada)

    def crash() -> None:
        raise RuntimeError(f"with {text} inside")

    app.view_functions["api.get_key"].needs  # noqa: B018 it declares one
    crash.needs = ""  # type: ignore[attr-defined]
    app.view_functions["api.get_key"] = crash
    answer = call(text).get(KEY)
    assert refusal(answer)[:2] == (500, "internal_error")
    assert text not in answer.text and "RuntimeError" not in answer.text


def test_the_api_sets_no_cookie_takes_none_and_sends_no_cors_headers(
    ada: Person, browse: Callable[..., Any], call: Call, make_key: MakeKey
) -> None:
    _, text = make_key(ada)
    assert refusal(browse(ada).client.get(KEY))[1] == "missing_key"
    answer = call(text).get(KEY, headers={"Origin": "https://evil.example", "Cookie": "session=x"})
    assert answer.status_code == 200
    assert not [name for name, _ in answer.headers if name.lower() in ("set-cookie", "vary")]
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_key_opens_no_page(ada: Person, call: Call, make_key: MakeKey) -> None:
    _, text = make_key(ada, scopes={"admin:workspace"})
    answer = call(text).get(ada.settings())
    assert answer.status_code == 302 and "/login" in answer.headers["Location"]


def test_an_end_within_14_days_is_announced(ada: Person, call: Call, make_key: MakeKey) -> None:
    soon, later = now() + timedelta(days=13), now() + timedelta(days=15)
    _, near = make_key(ada, expires_at=soon)
    _, far = make_key(ada, expires_at=later)
    assert call(near).get(KEY).headers["Sunset"] == soon.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert "Sunset" not in call(far).get(KEY).headers


def test_the_last_use_is_noted_with_place_and_route_and_only_enforcement_counts(
    ada: Person, call: Call, make_key: MakeKey, browse: Callable[..., Any]
) -> None:
    key, text = make_key(ada, scopes={"read:data"})
    browse(ada).get(ada.settings(f"api-keys/{key.id}"))
    assert ApiKey.get_by_id(key.id).last_used_at is None
    call(text).get(ada.api(), headers={"User-Agent": "reporter/1.0"})
    used = ApiKey.get_by_id(key.id)
    assert used.last_used_at is not None and used.version == 1
    assert (used.last_used_address, used.last_used_client) == ("192.0.2.7", "reporter/1.0")
    assert (used.last_used_request, used.last_used_status) == ("GET /api/v2/w/<workspace_id>/members", 403)
