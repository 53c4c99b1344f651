"""How every answer of the API reads: problems (RFC 9457), headers, and what is noted of a use."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response

from models import ApiKey, usage_fold
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.problems import refusal
from views.api.enforcement import ANY_KEY, needs

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

KEY = "/api/v2/key"


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


@pytest.mark.parametrize(
    ("what", "body", "said"),
    [
        ("members", {"email": "z@example.com"}, {"name": "This field is needed."}),
        ("members", {"name": 5, "email": None}, {"name": "Send a text.", "email": "Send a text."}),
        ("members", {"name": "x", "email": "z@example.com", "x": 1}, {"x": "There is no such field. Leave it out."}),
        ("members", [], {"body": "Send an object."}),
        ("api-keys", {"name": "x", "scopes": "read:data"}, {"scopes": "Send a list."}),
        (
            "api-keys",
            {"name": "x", "scopes": ["read:data"], "expires_at": 5},
            {"expires_at": "Write a time with its zone, like 2027-01-31T00:00:00Z."},
        ),
        ("workflows", {"name": "x", "enabled": "yes", "steps": []}, {"enabled": "Send true or false."}),
        (
            "workflows",
            {"name": "x", "steps": [{"action": "wait", "seconds": "5"}]},
            {"steps.0.seconds": "Send a whole number."},
        ),
        ("workflows", {"name": "x", "steps": [{"action": "wait"}]}, {"steps.0.seconds": "This field is needed."}),
        ("workflows", {"name": "x", "steps": [{}]}, {"steps.0": "This needs the field 'action'."}),
    ],
)
def test_each_mistake_is_told_in_plain_words_and_where_it_was_sent(
    what: str, body: Any, said: dict[str, str], ada: Person, call: Call, make_key: MakeKey
) -> None:
    answer = call(make_key(ada, scopes={"admin:workspace"})[1]).post(ada.api(what), json=body)
    assert refusal(answer)[:2] == (422, "validation_failed")
    told = {each["field"]: each["message"] for each in answer.get_json()["errors"]}
    assert {field: told.get(field) for field in said} == said


@pytest.mark.parametrize("body", [{f"f{number}": 1 for number in range(50_000)}, {"x" * 900_000: 1}])
def test_a_body_full_of_mistakes_has_a_short_answer(
    body: dict[str, int], ada: Person, call: Call, make_key: MakeKey
) -> None:
    answer = call(make_key(ada, scopes={"write:members"})[1]).post(ada.api(), json=body)
    assert answer.status_code == 422 and 1 <= len(answer.get_json()["errors"]) <= 20
    assert len(answer.data) < 10_000


def test_a_crash_is_a_problem_document_that_says_nothing_of_the_inside(
    app: Flask, ada: Person, call: Call, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = make_key(ada)

    @needs(ANY_KEY)
    def crash() -> Response:
        raise RuntimeError(f"with {text} inside")

    monkeypatch.setitem(app.view_functions, "api.get_key", crash)
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
    usage_fold.fold()
    used = ApiKey.get_by_id(key.id)
    assert used.last_used_at is not None and used.version == 1
    assert (used.last_used_address, used.last_used_client) == ("192.0.2.7", "reporter/1.0")
    assert (used.last_used_request, used.last_used_status) == ("GET /api/v2/w/<workspace_id>/members", 403)
