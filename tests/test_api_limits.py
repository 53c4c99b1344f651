"""The limits of the plan: requests a minute for each key, requests a month for each workspace."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from werkzeug.test import TestResponse

from models import ApiKey, MonthlyUse, database, monthly_use, quota, rate_limit
from models.actor import COMMAND_LINE
from models.settings import Settings
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key, new_owner
from tests.support.clients import ApiClient

Call = Callable[..., ApiClient]

MOMENT = datetime(2026, 11, 23, 10, 0, 5, tzinfo=UTC)
MONTH_SECONDS = 30 * 24 * 3600


@pytest.fixture
def fred(connected: str) -> Person:
    """Owner of a workspace on the Free plan: 60 requests a minute, 10,000 a month."""
    return new_owner("Fred Free", "Freehold", "free")


def end(**settings: object) -> dict[str, object]:
    return {"expires_at": database.now() + timedelta(days=60), **settings}


def free_key(person: Person, **settings: object) -> str:
    return make_key(person, **end(**settings))[1]


def minute_left(answer: TestResponse) -> int:
    found = re.match(r'"minute";r=(\d+);t=\d+', answer.headers["RateLimit"])
    assert found, answer.headers["RateLimit"]
    return int(found[1])


def use_up(client: ApiClient, path: str = "/api/v2/key") -> None:
    for _ in range(60):
        assert client.get(path).status_code == 200


def test_every_answer_to_a_good_key_tells_where_it_stands(fred: Person, call: Call) -> None:
    with time_machine.travel(MOMENT, tick=False):
        client = call(free_key(fred))
        answer = client.get("/api/v2/key")
        to_the_first = int((datetime(2026, 12, 1, tzinfo=UTC) - MOMENT).total_seconds())
        assert answer.headers["RateLimit-Policy"] == f'"minute";q=60;w=60, "month";q=10000;w={MONTH_SECONDS}'
        assert answer.headers["RateLimit"] == f'"minute";r=59;t=60, "month";r=9999;t={to_the_first}'
        assert minute_left(client.get(fred.api())) == 58


def test_a_plan_without_a_quota_states_the_minute_alone(connected: str, call: Call) -> None:
    person = new_owner("Erin Enterprise", "Big", "enterprise")
    answer = call(make_key(person)[1]).get("/api/v2/key")
    assert answer.headers["RateLimit-Policy"] == '"minute";q=1000000;w=60'
    assert "month" not in answer.headers["RateLimit"]


def test_exactly_as_many_requests_as_the_plan_allows_are_answered_in_a_window(fred: Person, call: Call) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        client = call(free_key(fred))
        use_up(client)
        refused = client.get(fred.api())
        assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
        assert refused.headers["Retry-After"] == "60"
        assert minute_left(refused) == 0
        body = refused.get_json()
        assert (body["code"], body["limit"], body["plan"], body["retry_after"]) == ("rate_limited", 60, "free", 60)
        assert body["violated-policies"] == ["minute"]
        assert body["detail"] == "This API key has used its 60 requests of this minute. Try again in 60 seconds."
        clock.shift(59.9)
        late = client.get(fred.api())
        assert (late.status_code, late.headers["Retry-After"]) == (429, "1")
        clock.shift(0.2)
        assert client.get(fred.api()).status_code == 200


def test_a_refused_request_is_tied_to_its_key(fred: Person, call: Call) -> None:
    key, text = make_key(fred, **end())
    client = call(text)
    use_up(client)
    body = client.get("/api/v2/key").get_json()
    assert body["key_id"] == key.id
    assert body["granted_scopes"] == ["read:members"]
    page = f"http://localhost{fred.settings(f'api-keys/{key.id}')}"
    assert body["fix_url"] == f"{page}?request={body['request_id']}#refused"


def test_a_refusal_spends_nothing(fred: Person, mallory: Person, call: Call) -> None:
    client = call(free_key(fred))
    assert minute_left(client.get("/api/v2/key")) == 59
    for path, status in (
        (fred.api("workflows"), (403, 404)),
        (mallory.api(), (404,)),
    ):
        refused = client.get(path)
        assert refused.status_code in status
    assert client.post(fred.api(), json={}).status_code == 403
    assert minute_left(client.get("/api/v2/key")) == 58


def test_answers_that_refuse_a_good_key_tell_where_it_stands_too(fred: Person, call: Call) -> None:
    client = call(free_key(fred))
    refused = client.post(fred.api(), json={})
    assert refused.status_code == 403
    assert minute_left(refused) == 60


def test_answers_without_a_good_key_tell_of_no_limit(call: Call) -> None:
    for client in (call(), call("gr_" + "0" * 20)):
        answer = client.get("/api/v2/key")
        assert answer.status_code == 401
        assert "RateLimit" not in answer.headers


def test_two_secrets_of_a_key_share_one_budget(fred: Person, call: Call) -> None:
    key, before = make_key(fred, **end())
    use_up(call(before))
    after = ApiKey.find(fred.workspace.id, key.id).rotate(by=fred.actor)
    assert call(after).get("/api/v2/key").status_code == 429


def test_keys_do_not_disturb_each_other(fred: Person, call: Call) -> None:
    first, second = free_key(fred), free_key(fred)
    use_up(call(first))
    assert call(first).get("/api/v2/key").status_code == 429
    assert minute_left(call(second).get("/api/v2/key")) == 59


def test_a_larger_plan_holds_from_the_next_request(fred: Person, call: Call) -> None:
    client = call(free_key(fred))
    use_up(client)
    assert client.get("/api/v2/key").status_code == 429
    change_plan(fred.workspace, "team", by=COMMAND_LINE)
    assert minute_left(client.get("/api/v2/key")) == 600 - 61


def test_the_quota_of_the_month_is_the_workspaces(fred: Person, call: Call) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        MonthlyUse.create(workspace=fred.workspace, month=202611, used=9_999)
        first, second = call(free_key(fred)), call(free_key(fred))
        assert first.get("/api/v2/key").status_code == 200
        refused = second.get("/api/v2/key")
        body = refused.get_json()
        assert (refused.status_code, body["code"], body["limit"]) == (429, "quota_exceeded", 10_000)
        assert body["violated-policies"] == ["month"]
        until = int((datetime(2026, 12, 1, tzinfo=UTC) - MOMENT).total_seconds())
        assert refused.headers["Retry-After"] == str(until)
        assert minute_left(refused) == 60
        assert quota.used(fred.workspace.id) == 10_000
        clock.shift(until + 1)
        assert second.get("/api/v2/key").status_code == 200
        assert quota.used(fred.workspace.id) == 1


def test_what_was_used_outlives_the_machine(fred: Person, call: Call, settings: Settings) -> None:
    client = call(free_key(fred))
    with time_machine.travel(MOMENT, tick=False) as clock:
        for _ in range(5):
            client.get("/api/v2/key")
        clock.shift(31)
        client.get("/api/v2/key")
        rate_limit.use(settings.data_dir / "another")
        assert client.get("/api/v2/key").headers["RateLimit"].split(",")[1].startswith(' "month";r=9993')


def test_a_worker_that_starts_goes_on_counting(fred: Person, call: Call, settings: Settings) -> None:
    client = call(free_key(fred))
    use_up(client)
    rate_limit.use(settings.data_dir)
    assert client.get("/api/v2/key").status_code == 429


def test_a_clock_that_is_set_back_locks_nobody_out(fred: Person, call: Call) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        client = call(free_key(fred))
        use_up(client)
        clock.shift(-3600)
        assert client.get("/api/v2/key").status_code == 200


def test_guessing_is_slow_and_a_good_key_never_pays_for_it(fred: Person, call: Call) -> None:
    wrong, good = call("gr_" + "0" * 20), call(free_key(fred))
    for _ in range(rate_limit.BAD_CREDENTIALS_A_MINUTE):
        assert wrong.get("/api/v2/key").status_code == 401
    refused = wrong.get("/api/v2/key")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "key_id" not in refused.get_json()
    assert good.get("/api/v2/key").status_code == 200
    assert wrong.get("/api/v2/key", address="192.0.2.200").status_code == 401


def test_neighbours_in_an_ipv6_network_count_as_one_guesser(call: Call) -> None:
    wrong = call("gr_" + "0" * 20)
    for number in range(rate_limit.BAD_CREDENTIALS_A_MINUTE):
        wrong.get("/api/v2/key", address=f"2001:db8::{number:x}")
    assert wrong.get("/api/v2/key", address="2001:db8::ffff").status_code == 429
    assert wrong.get("/api/v2/key", address="2001:db8:0:1::1").status_code == 401


def test_whoever_holds_a_dead_key_is_told_so_however_often(ada: Person, call: Call) -> None:
    key, text = make_admin_key(ada)
    key.revoke(by=ada.actor)
    codes = {call(text).get("/api/v2/key").get_json()["code"] for _ in range(70)}
    assert codes == {"revoked_key"}


@pytest.mark.parametrize(
    ("day", "number", "days"),
    [(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 202612, 31), (datetime(2028, 2, 29, tzinfo=UTC), 202802, 29)],
)
def test_months_are_those_of_the_calendar(day: datetime, number: int, days: int) -> None:
    month = monthly_use.month_at(database.to_microseconds(day))
    assert (month.number, month.seconds) == (number, days * 24 * 3600)
