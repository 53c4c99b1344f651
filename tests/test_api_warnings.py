"""The warnings in answers to a secret that is near its end: when they are there, and what they say."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime

import time_machine

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.rotation import KEY, ROTATE, WARNINGS, told

Call = Callable[..., ApiClient]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_a_secret_that_retires_is_told_in_every_answer(ada: Person, call: Call, make_key: MakeKey) -> None:
    start = now().replace(microsecond=123)
    with time_machine.travel(start, tick=False) as clock:
        key, old = make_key(ada, scopes={"read:members"})
        new = key.rotate(by=ada.actor, overlap="7d").reveal()
        clock.shift(timedelta(hours=1))
        page = f"http://localhost{ada.settings(f'api-keys/{key.id}')}"
        for path, status in ((KEY, 200), (ada.api("members"), 200), (ada.api("data"), 403)):
            answer = call(old).get(path, headers={"X-Forwarded-Host": "evil.example"})
            assert answer.status_code == status
            end = (start + timedelta(days=7)).replace(microsecond=0)
            assert parsedate_to_datetime(answer.headers["Sunset"]) == end
            assert answer.headers["Deprecation"] == f"@{int(start.timestamp())}"
            assert answer.headers["Link"] == ", ".join(
                f'<{page}>; rel="{rel}"; type="text/html"' for rel in ("deprecation", "sunset")
            )
        assert told(call(new).get(KEY)) == []
        body = call(old).get(KEY).get_json()
        assert body["secret_status"] == "retiring"
        assert body["secret_ends_at"] == body["warning"]["sunset"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert body["warning"]["deprecation"] == start.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert body["warning"]["link"] == page and "Use the new one" in body["warning"]["detail"]
        assert call(new).get(KEY).get_json()["warning"] is None


def test_it_is_told_whatever_the_answer_is(ada: Person, call: Call, make_key: MakeKey) -> None:
    """Also where something else was wrong with the request before its key was looked at."""
    _, old = make_key(ada, scopes={"read:members"})
    new = call(old).post(ROTATE).get_json()["secret"]
    answers = {
        200: call(old).open("HEAD", KEY),
        404: call(old).get("/api/v2/nothing-like-that"),
        405: call(old).delete(KEY),
        400: call(old).get(f"{KEY}?api_key={old}"),
        415: call(old).post(ROTATE, data="overlap=24h"),
        422: call(old).patch(KEY, json={"expires_at": "soon"}),
        411: call(old).post(ROTATE, headers={"Transfer-Encoding": "chunked"}),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {each: each for each in answers}
    assert {status: told(answer) for status, answer in answers.items()} == {each: list(WARNINGS) for each in answers}
    assert told(call(new).get("/api/v2/nothing-like-that")) == told(call().get("/api/v2/nothing-like-that")) == []
    limited = call(old)
    while (answer := limited.get(KEY)).status_code == 200:
        pass
    assert answer.status_code == 429 and told(answer) == list(WARNINGS)


def test_a_key_that_expires_soon_is_told_and_is_not_deprecated(ada: Person, call: Call, make_key: MakeKey) -> None:
    end = (now() + timedelta(days=30)).replace(microsecond=0)
    _, text = make_key(ada, expires_at=end)
    near = end - timedelta(days=14)
    with time_machine.travel(near - timedelta(microseconds=1), tick=False):
        assert told(call(text).get(KEY)) == []
        assert call(text).get(KEY).get_json()["warning"] is None
    with time_machine.travel(near, tick=False):
        answer = call(text).get(KEY)
        assert told(answer) == ["Sunset", "Link"]
        assert 'rel="sunset"' in answer.headers["Link"] and "deprecation" not in answer.headers["Link"]
        body = answer.get_json()
        assert (body["secret_status"], body["warning"]["deprecation"]) == ("current", None)
        assert body["warning"]["sunset"] == body["secret_ends_at"] == body["expires_at"]


def test_a_retiring_secret_of_a_key_that_ends_first_tells_that_end(ada: Person, call: Call, make_key: MakeKey) -> None:
    end = (now() + timedelta(hours=2)).replace(microsecond=0)
    key, old = make_key(ada, expires_at=end)
    key.rotate(by=ada.actor, overlap="7d")
    answer = call(old).get(KEY)
    assert parsedate_to_datetime(answer.headers["Sunset"]) == end and "Deprecation" in answer.headers
