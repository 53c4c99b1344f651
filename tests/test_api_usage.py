"""The usage of a key over the API: hours and days, what may be asked, and what is not known."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from models import ApiKey, UsageGap, database, usage
from models.actor import COMMAND_LINE
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient
from tests.support.usage import used

Call = Callable[..., ApiClient]
NOON = datetime(2026, 11, 19, 12, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def old(ada: Person) -> tuple[ApiKey, str]:
    with database.at(NOON - timedelta(days=500)):
        return make_key(ada)


@pytest.fixture
def admin(ada: Person, call: Call) -> ApiClient:
    return call(make_admin_key(ada)[1])


def at(**ago: float) -> datetime:
    return NOON - timedelta(**ago)


def ask(client: ApiClient, person: Person, key: ApiKey, **query: str) -> Any:
    answer = client.get(person.api(f"api-keys/{key.id}/usage"), query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_thirty_days_without_being_asked(ada: Person, admin: ApiClient, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=29), times=4)
    used(text, at=at(hours=1), times=2, status=429)
    body = ask(admin, ada, key)
    assert list(body) == ["key_id", "bucket", "from", "to", "totals", "data"]
    assert (body["key_id"], body["bucket"], len(body["data"])) == (key.id, "day", 30)
    assert (body["from"], body["to"]) == ("2026-10-21T00:00:00Z", "2026-11-20T00:00:00Z")
    assert body["totals"] == {
        "succeeded": 4, "client_error": 0, "denied": 0, "rate_limited": 2, "server_error": 0, "total": 6,
    }  # fmt: skip
    assert body["data"][-1] == {
        "from": "2026-11-19T00:00:00Z", "to": "2026-11-20T00:00:00Z",
        "succeeded": 0, "client_error": 0, "denied": 0, "rate_limited": 2, "server_error": 0, "total": 2,
        "unknown": None, "complete": True,
    }  # fmt: skip


def test_hours_between_two_moments(ada: Person, admin: ApiClient, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=datetime(2026, 11, 18, 9, 59, 59, tzinfo=UTC), times=3)
    used(text, at=datetime(2026, 11, 18, 10, tzinfo=UTC), times=5)
    used(text, at=datetime(2026, 11, 18, 12, tzinfo=UTC), times=70)
    given = {"from": "2026-11-18T11:30:00+02:00", "to": "2026-11-18T12:00:00Z", "bucket": "hour"}
    body = ask(admin, ada, key, **given)
    assert [(bucket["from"][11:13], bucket["total"]) for bucket in body["data"]] == [("09", 3), ("10", 5), ("11", 0)]
    assert len(ask(admin, ada, key, bucket="hour")["data"]) == 24
    # The future is not told of.
    late = ask(admin, ada, key, **{"from": "2026-11-19T00:00:00Z", "to": "2027-01-01T00:00:00Z"})
    assert (len(late["data"]), late["to"]) == (1, "2026-11-20T00:00:00Z")


@pytest.mark.parametrize(
    ("bucket", "to", "first", "number"),
    [
        ("day", "2026-11-08T00:00:00Z", "2026-10-09T00:00:00Z", 30),
        ("day", "2026-11-08T00:00:01Z", "2026-10-10T00:00:00Z", 30),
        ("hour", "2026-11-08T10:00:00Z", "2026-11-07T10:00:00Z", 24),
        ("hour", "2026-11-08T10:59:59Z", "2026-11-07T11:00:00Z", 24),
    ],
)
def test_only_an_end_gives_as_much_as_nothing_does(
    ada: Person, admin: ApiClient, old: tuple[ApiKey, str], bucket: str, to: str, first: str, number: int
) -> None:
    body = ask(admin, ada, old[0], bucket=bucket, to=to)
    assert (body["from"], len(body["data"])) == (first, number)


def test_what_is_not_known_is_null_and_says_why(ada: Person, admin: ApiClient, old: tuple[ApiKey, str]) -> None:
    UsageGap.create(hour=usage.hour_of(at(days=1)), count=3)
    with database.at(at(days=3)):
        young, _ = make_key(ada)
    body = ask(admin, ada, young)
    assert [bucket["unknown"] for bucket in body["data"]] == ["before"] * 26 + [None] * 4
    assert body["data"][0]["total"] is None and body["data"][0]["succeeded"] is None and body["data"][-1]["total"] == 0
    assert [bucket["complete"] for bucket in body["data"][-3:]] == [True, False, True]
    change_plan(ada.workspace, "business", by=COMMAND_LINE)
    hours = {"from": "2026-08-20T00:00:00Z", "to": "2026-08-22T00:00:00Z", "bucket": "hour"}
    assert {bucket["unknown"] for bucket in ask(admin, ada, old[0], **hours)["data"]} == {"hours", None}
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    assert [bucket["unknown"] for bucket in ask(admin, ada, old[0])["data"]] == ["history"] * 23 + [None] * 7


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-18T00:00:00Z", "to": "2026-11-18T00:00:00Z"}, "from"),
        ({"from": "2026-12-18T00:00:00Z"}, "from"),
        ({"from": "2025-10-01T00:00:00Z"}, "from"),
        ({"from": "2025-10-15T23:59:59Z"}, "from"),
        ({"from": "2026-10-01T00:00:00Z", "bucket": "hour"}, "from"),
        ({"from": "2026-10-19T12:59:59Z", "bucket": "hour"}, "from"),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "0001-01-02T00:00:00Z"}, "to"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
        ({"from": "9999-12-31T23:59:59-14:00", "to": "9999-12-31T23:59:59-14:00"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "1763500000"}, "from"),
        ({"to": "2026-11-18T00:00:00"}, "to"),
        ({"bucket": "week"}, "bucket"),
    ],
)
def test_what_cannot_be_asked(
    ada: Person, admin: ApiClient, old: tuple[ApiKey, str], query: dict[str, str], field: str
) -> None:
    answer = admin.get(ada.api(f"api-keys/{old[0].id}/usage"), query_string=query)
    assert answer.status_code == 422, answer.text
    assert answer.json and [each["field"] for each in answer.json["errors"]] == [field]


def test_the_longest_questions_are_answered(ada: Person, admin: ApiClient, old: tuple[ApiKey, str]) -> None:
    first = datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=400)
    assert len(ask(admin, ada, old[0], **{"from": first.isoformat()})["data"]) == 400
    first = datetime(2026, 11, 19, 13, tzinfo=UTC) - timedelta(hours=744)
    assert len(ask(admin, ada, old[0], **{"from": first.isoformat(), "bucket": "hour"})["data"]) == 744


def test_it_needs_the_scope_and_a_key_of_the_workspace(
    ada: Person, mallory: Person, call: Call, admin: ApiClient, old: tuple[ApiKey, str]
) -> None:
    key, text = old
    assert call(text).get(ada.api(f"api-keys/{key.id}/usage")).status_code == 403
    theirs, _ = make_key(mallory)
    assert admin.get(ada.api(f"api-keys/{theirs.id}/usage")).status_code == 404
