"""What `/metrics` counts."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.core import GaugeMetricFamily

from jobs import runner
from jobs.schedule import Job
from models import database, metrics, rate_limit
from models.limit_stores import Ask, RedisStore
from models.settings import Settings
from tests.support.cast import Person
from tests.support.clients import ApiClient
from tests.support.connection import disconnect
from tests.support.keys import on_plan
from tests.support.scrapes import Scrape, scrape

Call = Callable[..., ApiClient]


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_it_is_in_the_formats_of_prometheus(client: FlaskClient, accept: str) -> None:
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.content_type.startswith("application/openmetrics-text" if accept else "text/plain; version=0.0.4")
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert "Set-Cookie" not in answer.headers
    found = Scrape(answer.text)
    assert found.value("gravity_process_starts_total", process="web") >= 1
    assert all(family.documentation for family in found.families.values())


def test_requests_are_counted_by_route_method_and_class(ada: Person, call: Call, client: FlaskClient) -> None:
    before = scrape(client)
    for path in (ada.api("members"), ada.api("chats"), "/api/v2/key", "/api/v2/key", "/nowhere", "/api/v2/nowhere"):
        call("gr_" + "0" * 20).get(path)
    call().open("BREW", "/help")
    after = scrape(client)

    def rise(**labels: str) -> float:
        name = "gravity_http_request_seconds_count"
        return after.value(name, **labels) - before.value(name, **labels)

    assert rise(route="/api/v2/w/<workspace_id>/members", method="GET", status="4xx") == 1
    assert rise(route="/api/v2/key", method="GET", status="4xx") == 2
    assert rise(route="/api/v2/key", status="2xx") == 0
    assert rise(route="unmatched", method="GET", status="4xx") == 2
    assert rise(route="unmatched", method="other", status="4xx") == 1
    assert rise(route="/metrics", method="GET", status="2xx") == 1
    assert after.labels("method") <= metrics.METHODS | {"other"}


def test_the_time_of_each_request_is_counted_once(call: Call, client: FlaskClient) -> None:
    before = scrape(client)
    for _ in range(3):
        call().get("/help")
    after = scrape(client)
    for name, labels in (("count", {}), ("bucket", {"le": "+Inf"})):
        name = f"gravity_http_request_seconds_{name}"
        assert after.value(name, route="/help", **labels) - before.value(name, route="/help", **labels) == 3
    assert after.value("gravity_http_request_seconds_sum", route="/help") > 0


def test_refused_keys_are_counted_by_code(ada: Person, call: Call, client: FlaskClient, make_key: Any) -> None:
    _, good = make_key(ada, scopes={"read:members"}, networks=("192.0.2.0/24",))
    revoked, dead = make_key(ada)
    revoked.revoke(by=ada.actor)
    before = scrape(client)
    call().get("/api/v2/key")
    call("gr_" + "0" * 20).get("/api/v2/key")
    call(dead).get("/api/v2/key")
    call(good).get("/api/v2/key", address="198.51.100.1")
    call(good).get(ada.api("chats"))
    call().get("/api/v2/key", headers={"Authorization": "Bearer a, Bearer b"})
    assert call(good).get("/api/v2/key").status_code == 200
    after, name = scrape(client), "gravity_key_refusals_total"
    codes = ("missing_key", "invalid_key", "revoked_key", "ip_not_allowed", "insufficient_scope", "bad_request")
    assert {code: after.value(name, code=code) - before.value(name, code=code) for code in codes} == dict.fromkeys(
        codes, 1
    )
    assert after.value(name) - before.value(name) == 6
    # There before anything was refused, so that the first one is a rise.
    assert "not_yet_valid_key" in before.labels("code")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_over_a_limit_are_counted(ada: Person, call: Call, client: FlaskClient, make_key: Any) -> None:
    on_plan(ada, "free")
    _, secret = make_key(ada, expires_at=database.now() + timedelta(days=30))
    before, name = scrape(client), "gravity_limit_refusals_total"
    statuses = [call(secret).get("/api/v2/key").status_code for _ in range(62)]
    guesses = [
        call("gr_" + "0" * 20).get("/api/v2/key").status_code for _ in range(rate_limit.BAD_CREDENTIALS_A_MINUTE + 3)
    ]
    after = scrape(client)
    assert (
        statuses.count(429) == after.value(name, limit="rate_limited") - before.value(name, limit="rate_limited") == 2
    )
    tries = after.value(name, limit="too_many_tries") - before.value(name, limit="too_many_tries")
    assert guesses.count(429) == tries == 3
    assert after.value(name, limit="quota_exceeded") == before.value(name, limit="quota_exceeded")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_counted_without_redis_are_losses(app: Flask, client: FlaskClient, settings: Settings) -> None:
    rate_limit.use(settings.data_dir)
    store = RedisStore("redis://127.0.0.1:1/0", rate_limit._chosen().local)
    ask = Ask("key_a", "ws_a", 60, None, 2**50, 0)
    before = scrape(client).value("gravity_limits_counted_alone_total")
    store.spend(ask, 0)
    store.spend(ask, 0)
    store.look(ask)
    assert scrape(client).value("gravity_limits_counted_alone_total") - before == 2


def test_small_writes_that_are_left_out_are_counted(client: FlaskClient) -> None:
    before = scrape(client).value("gravity_small_writes_left_out_total")
    database.allow_statements(0.2)
    with database.without_waiting():
        database.db.execute_sql("SELECT * FROM nothing_of_this_name" if database.is_sqlite() else "SELECT pg_sleep(9)")
    assert scrape(client).value("gravity_small_writes_left_out_total") - before == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_without_a_database_are_counted(client: FlaskClient, call: Call, tmp_path: Path) -> None:
    before = scrape(client).value("gravity_database_away_total")
    disconnect()
    database.connect(f"sqlite:///{tmp_path / 'no folder' / 'gravity.db'}")
    assert call("gr_" + "0" * 20).get("/api/v2/key").status_code == 503
    assert scrape(client).value("gravity_database_away_total") - before == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_runs_of_jobs_are_counted_with_their_time(client: FlaskClient) -> None:
    def fail() -> str:
        raise ValueError("no")

    before = scrape(client)
    runner.run(Job("good", timedelta(1), "", lambda: ""))
    runner.run(Job("bad", timedelta(1), "", fail))
    after, runs, last = scrape(client), "gravity_job_runs_total", "gravity_job_last_run_timestamp_seconds"
    for labels in ({"job": "good", "outcome": "done"}, {"job": "bad", "outcome": "failed"}):
        assert after.value(runs, **labels) - before.value(runs, **labels) == 1
        assert after.value(last, **labels) >= after.value("gravity_process_start_timestamp_seconds", process="web")
    assert after.value(runs, job="good", outcome="failed") == 0


def test_figures_are_asked_for_at_the_scrape(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_at_scrape", [])
    ages = iter((1.0, 2.0))

    @metrics.at_scrape
    def oldest() -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("gravity_oldest_seconds", "An age.", next(ages))

    assert [scrape(client).value("gravity_oldest_seconds") for _ in range(2)] == [1, 2]
    # The iterator is at its end now: what cannot be read is missing, and the rest is there.
    before = scrape(client)
    after = scrape(client)
    assert "gravity_oldest_seconds" not in before.families
    assert after.value("gravity_scrape_failures_total") - before.value("gravity_scrape_failures_total") == 1
    assert after.value("gravity_http_request_seconds_count", route="/metrics") > 0
