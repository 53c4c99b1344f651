"""The three months of requests in the demo, and the month that they used."""

from pathlib import Path

import pytest
from flask import Flask

from jobs import demo
from jobs.demo_login import Login
from models import ApiKey, MonthlyUse, Refusal, Workspace, quota, scope, usage_month, usage_series
from models.database import now
from models.settings import Settings
from models.usage import DENIED, RATE_LIMITED, SERVER_ERROR, UsageRoute
from models.usage_series import Series


@pytest.fixture
def data_dir(settings: Settings) -> Path:
    settings.data_dir.mkdir(exist_ok=True)
    return settings.data_dir


@pytest.fixture
def login(connected: str, data_dir: Path) -> Login:
    return demo.seed(data_dir)


def keys(login: Login) -> dict[str, ApiKey]:
    return {key.name: key for key in ApiKey.in_workspace(login.workspace_id)}


def test_its_three_months_of_use_are_believable(login: Login) -> None:
    moment, made = now(), keys(login)
    workspace = Workspace.get_by_id(login.workspace_id)

    def series(name: str, days: str = "90d") -> Series:
        return usage_series.of_key(made[name], workspace.plan, usage_series.latest(days, moment), moment)

    sync = series("Customer sync")
    full = sync.buckets[:-1]
    working = [bucket.total for bucket in full if bucket.starts.weekday() < 5]
    weekend = [bucket.total for bucket in full if bucket.starts.weekday() >= 5]
    assert len(sync.known) == 90 and 0 < max(weekend) < sum(working) / len(working)
    # A day on which a limit was reached, an outage for more than one key, a burst from elsewhere, a key nobody uses.
    assert max(bucket.counts[RATE_LIMITED] for bucket in full) == 1050
    out = [bucket.starts for bucket in full if bucket.counts[SERVER_ERROR] > 50]
    assert len(out) == 1 and out[0].weekday() < 5
    dashboard = {bucket.starts: bucket for bucket in series("Support dashboard").buckets}
    assert dashboard[out[0]].counts[SERVER_ERROR] > 50
    assert max(bucket.counts[DENIED] for bucket in series("Supplier portal").buckets) == 240
    assert series("Warehouse export").total == series("Spreadsheet add-on").total == 0
    for key in made.values():
        assert not key.last_used_at or series(key.name, "24h").buckets[-1].starts <= moment
    assert {row.code for row in Refusal.of(made["Intranet"])} == {"revoked_key"}


def test_its_requests_are_such_as_its_keys_can_make(app: Flask, login: Login) -> None:
    routes = {
        f"{method} {rule.rule}": app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    by_id = {key.id: key for key in keys(login).values()}
    for row in UsageRoute.select():
        key = by_id[row.key_id]
        assert row.scope == getattr(routes[row.request], "needs", None), row.request
        assert not row.scope or scope.covers(scope.parse(key.scopes), row.scope), (key.name, row.scope)
    last = {key.name: (key.last_used_request, key.last_used_status) for key in by_id.values() if key.last_used_at}
    assert last["Van tracking"] == ("POST /api/v2/w/<workspace_id>/data/<collection>/records", 201)
    assert {request for request, _ in last.values()} <= routes.keys()


def test_its_month_is_what_its_keys_spent(app: Flask, login: Login) -> None:
    workspace = Workspace.get_by_id(login.workspace_id)
    month = usage_month.month(workspace, now())
    counted = sum(bucket.counts[outcome] for bucket in month.known for outcome in usage_month.SPENT)
    assert counted == MonthlyUse.get(MonthlyUse.workspace == workspace.id).used == quota.used(workspace.id)
