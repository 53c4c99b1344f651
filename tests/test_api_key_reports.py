"""`POST /api/v2/key-reports`: whoever holds a key may end it, and learns nothing."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from models import ApiKey, AuditEvent, Leak, rate_limit
from models.tenancy import choose_leak_policy
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.keys import actions, reread, works
from views.api import key_reports

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]

PATH = "/api/v2/key-reports"


def seen(answer: Any) -> tuple[Any, ...]:
    """All that whoever reports gets to see, without what differs between any two requests."""
    headers = sorted((name, value) for name, value in answer.headers if name not in ("X-Request-Id", "Date"))
    return answer.status_code, answer.data, headers


def test_whoever_holds_a_key_ends_it(ada: Person, make_key: MakeKey, call: Call) -> None:
    key, text = make_key(ada)
    answer = call().post(PATH, json={"key": text, "url": "https://example.com/paste/1"})
    assert (answer.status_code, answer.get_json()) == (202, {"status": "received"})
    assert call(text).get("/api/v2/key").get_json()["code"] == "revoked_key"
    assert (reread(key).revoked_by, reread(key).revoke_reason) == ("Someone who had the key", "leaked")
    assert actions(key) == ["api_key.created", "api_key.leaked", "api_key.revoked"]
    told = AuditEvent.about(ada.workspace.id, key.id)[1]
    assert (told.address, told.facts["reporter"], told.facts["outcome"]) == ("192.0.2.7", "holder", "revoked")
    assert Leak.get().url == "https://example.com/paste/1"


@pytest.mark.parametrize("found", ["{}\n", "  {} ", '"{}"', "export GRAVITY_KEY={}", "Authorization: Bearer {}\r\n"])
def test_a_key_is_found_in_what_stands_around_it(ada: Person, make_key: MakeKey, call: Call, found: str) -> None:
    """Nobody would hear that it was not: every report is answered alike."""
    _, text = make_key(ada)
    assert call().post(PATH, json={"key": found.format(text)}).status_code == 202
    assert not works(text)


def test_of_many_keys_in_one_report_a_few_are_looked_at(ada: Person, make_key: MakeKey, call: Call) -> None:
    """More would take longer than the answer does, and so be told by it."""
    texts = [make_key(ada)[1] for _ in range(4)]
    call().post(PATH, json={"key": "\n".join(texts)})
    assert [works(text) for text in texts] == [False, False, False, True]


def test_the_answer_is_the_same_whatever_the_key_is(
    ada: Person, mallory: Person, make_key: MakeKey, call: Call
) -> None:
    live, revoked, quiet = make_key(ada), make_key(ada), make_key(mallory)
    old = make_key(ada)
    old[0].rotate(by=ada.actor)
    revoked[0].revoke(by=ada.actor)
    choose_leak_policy(mallory.workspace, "tell", by=mallory.actor)
    texts = [live[1], live[1], revoked[1], quiet[1], old[1], "gr_" + "0" * 20, "gr_", "", "x" * 9000, "ü"]
    assert len({str(seen(call().post(PATH, json={"key": text}))) for text in texts}) == 1
    assert not works(live[1])
    assert works(quiet[1])


def test_the_answer_takes_the_same_time_whatever_the_key_is(ada: Person, make_key: MakeKey, call: Call) -> None:
    """Each waits for the same moment, which comes after the work for a key that lives."""
    for text in (make_key(ada)[1], "gr_" + "0" * 20, "no key"):
        began = time.monotonic()
        assert call().post(PATH, json={"key": text}).status_code == 202
        assert time.monotonic() - began >= key_reports.SECONDS


def test_a_report_again_changes_nothing(ada: Person, make_key: MakeKey, call: Call) -> None:
    key, text = make_key(ada)
    for _ in range(3):
        call().post(PATH, json={"key": text})
    assert actions(key).count("api_key.leaked") == actions(key).count("api_key.revoked") == 1
    assert Leak.select().count() == 1


def test_many_reports_of_one_address_are_answered_alike_and_not_looked_at(
    ada: Person, make_key: MakeKey, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_reports, "SECONDS", 0)
    monkeypatch.setattr(rate_limit, "REPORTS_A_MINUTE", 5)
    key, text = make_key(ada)
    answers = {str(seen(call().post(PATH, json={"key": "gr_" + "0" * 20}))) for _ in range(5)}
    answers.add(str(seen(call().post(PATH, json={"key": text}))))
    assert len(answers) == 1
    assert works(text)
    assert call().post(PATH, json={"key": text}, address="198.51.100.4").status_code == 202
    assert not works(text)
    assert key.id == Leak.get().key_id


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[" * 5000, 400), (b"{}", 422), (b"[]", 422), (b'{"key": 5}', 422),
        (b'{"key": null}', 422), (b'{"key": "x", "more": 1}', 422), (b'{"key": "x", "url": 5}', 422),
        (b'{"key": "\\ud800"}', 422),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(call: Call, body: bytes, status: int) -> None:
    answer = call().post(PATH, data=body, content_type="application/json")
    assert answer.status_code == status


def test_it_needs_no_key_and_takes_none(ada: Person, make_key: MakeKey, call: Call) -> None:
    _, mine = make_key(ada)
    _, found = make_key(ada)
    answer = call(mine).post(PATH, json={"key": found}, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 202
    assert "RateLimit" not in answer.headers
    assert works(mine) and not works(found)
    assert reread(ApiKey.get(ApiKey.revoked_at.is_null())).last_used_at is None


def test_a_key_in_the_address_is_no_report(ada: Person, make_key: MakeKey, call: Call) -> None:
    _, text = make_key(ada)
    assert call().post(f"{PATH}?key={text}", json={"key": "x"}).status_code == 202
    assert call().post(f"{PATH}?key={text}").status_code == 415
    assert works(text)


def test_only_a_post_is_taken(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 405


def test_the_key_is_in_no_log_and_no_row(
    ada: Person, make_key: MakeKey, call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    _, text = make_key(ada)
    call().post(PATH, json={"key": text, "url": f"https://example.com/?leaked={text}&more"})
    for wrong in ({"key": [text]}, {"key": text, text: 1}, {"key": text, "url": [text]}, text):
        assert call().post(PATH, json=wrong).status_code == 422
    assert text[7:-2] not in "".join(capfd.readouterr())
    assert Leak.get().url == "https://example.com/?leaked=gr_…&more"
    assert text[7:-2] not in str(list(AuditEvent.select().dicts()))
