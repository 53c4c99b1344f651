"""The numbers of a graph as files: what is shown and nothing else, and no cell that a spreadsheet would run."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ApiKey, UsageDay, UsageHour, database, usage_series
from models.actor import COMMAND_LINE
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.usage import used
from tests.support.usage_pages import from_csv, from_json, rows, totals
from views import usage_export

Browse = Callable[[Person], Browser]
NOON = datetime(2026, 11, 19, 12, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def old(ada: Person) -> tuple[ApiKey, str]:
    with database.at(NOON - timedelta(days=500)):
        return make_key(ada)


def at(**ago: float) -> datetime:
    return NOON - timedelta(**ago)


def cells(file: Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.get_data().decode("utf-8-sig"), newline="")))


def test_the_links_of_the_page_lead_to_its_numbers(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(hours=2), times=1234)
    page = browse(ada).get(ada.settings(f"api-keys/{key.id}?range=24h"))
    for kind in ("csv", "json"):
        address = ada.settings(f"api-keys/{key.id}/usage.{kind}?range=24h")
        assert f'href="{address}" download' in page.text
    file = browse(ada).get(ada.settings(f"api-keys/{key.id}/usage.csv?range=24h"))
    assert (file.status_code, file.content_type) == (200, "text/csv; charset=utf-8; header=present")
    assert file.headers["Content-Disposition"] == f"attachment; filename=usage-{key.id}-24h.csv"
    assert file.headers["Cache-Control"] == "no-store" and file.headers["X-Content-Type-Options"] == "nosniff"
    head, first = file.text.split("\r\n")[:2]
    # Excel reads UTF-8 as what it is when this stands before it.
    assert head == "\ufeff" + (
        '"from","to","succeeded","client_error","denied","rate_limited","server_error","total","unknown","complete"'
    )
    assert first == '"2026-11-18T13:00:00Z","2026-11-18T14:00:00Z","0","0","0","0","0","0","","true"'
    body = browse(ada).get(ada.settings(f"api-keys/{key.id}/usage.json?range=24h"))
    assert body.headers["Content-Disposition"] == f"attachment; filename=usage-{key.id}-24h.json"
    assert body.json and body.json["totals"]["total"] == 1234 and body.json["name"] == key.name
    assert text not in file.text + body.text


def test_a_file_keeps_to_the_history_of_the_plan(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=9), times=1000)
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    for kind in ("csv", "json"):
        file = browse(ada).get(ada.settings(f"api-keys/{key.id}/usage.{kind}?range=90d"))
        assert "1000" not in file.text and "history" in file.text


FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
STARTS = [*FORMULA, " =", "\u3000@", "\n="]


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_can_become_a_formula(start: str) -> None:
    value = f'{start}HYPERLINK("http://evil.example","x")'
    file = usage_export.sheet(["name", "count"], [[value, 7]], "x")
    text, number = cells(file)[1]
    assert text.startswith("'") and (text.replace("'", ""), number) == (value, "7")


# Where the system writes decimals with a comma, spreadsheets part cells at semicolons, and take quotes for quotes only
# at the start of a line or right after one.
@pytest.mark.parametrize("between", [";", "\t", "\n", "; ", ';"', ';"" ', ";;"])
@pytest.mark.parametrize("start", "=+-@＝")
def test_no_part_of_a_cell_can_become_one_elsewhere(between: str, start: str) -> None:
    file = usage_export.sheet(["key_id", "name"], [["key_1", f"Sync{between}{start}1+1;rest"]], "x")
    assert "'" in cells(file)[1][1]
    parts = re.split(r"[;\t\r\n]", file.get_data(as_text=True))
    assert not [part for part in parts if part.replace('"', "").strip().startswith(FORMULA)]


@pytest.mark.parametrize("name", ["Sync; report", "a;b", "x-y; z=1", "Zoë – Lager", "3 + 4 = 7"])
def test_a_name_that_is_harmless_is_left_as_it_is(name: str) -> None:
    assert cells(usage_export.sheet(["name"], [[name]], "x"))[1] == [name]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_what_is_read_back_is_what_was_written(written: list[list[str]]) -> None:
    file = usage_export.sheet(["a", "b"], written, "x")
    read = cells(file)[1:]
    assert [[cell.replace("'", "") for cell in row] for row in read] == [
        [cell.replace("'", "") for cell in row] for row in written
    ]
    assert not any(cell.startswith(FORMULA) for row in read for cell in row)


USES = st.lists(
    st.tuples(
        st.integers(0, 100 * 24 * 60 - 1), st.sampled_from([200, 404, 403, 429, 500]), st.integers(1, 10_000),
        st.sampled_from(["read:members", "read:data", ""]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uses=USES, age=st.integers(0, 120 * 24), plan=st.sampled_from(["free", "team", "business"]))
def test_page_and_files_and_api_say_the_same(
    ada: Person,
    browse: Browse,
    call: Callable[..., ApiClient],
    uses: list[tuple[int, int, int, str]],
    age: int,
    plan: str,
) -> None:
    for table in (UsageHour, UsageDay):
        table.delete().execute()
    ApiKey.update(deleted_at=NOON).execute()
    with database.at(at(hours=age)):
        key, text = make_key(ada)
    for minutes, status, times, scope in uses:
        used(text, at=at(minutes=minutes), status=status, times=times, scope=scope)
    admin = call(make_admin_key(ada)[1])
    ada.workspace.plan_slug = plan
    ada.workspace.save()
    for name in usage_series.RANGES:
        base = ada.settings(f"api-keys/{key.id}")
        page = browse(ada).get(f"{base}?range={name}")
        shown = [numbers for _, numbers in rows(page)]
        file = browse(ada).get(f"{base}/usage.json?range={name}").json
        if shown:
            assert shown == from_csv(browse(ada).get(f"{base}/usage.csv?range={name}")) == from_json(file)
            assert totals(page) == [sum(row[place] or 0 for row in shown) for place in range(5)]
        hours, _ = usage_series.RANGES[name]
        assert file
        if hours != 6:
            asked = {"from": file["from"], "to": file["to"], "bucket": "day" if hours == 24 else "hour"}
            body = admin.get(ada.api(f"api-keys/{key.id}/usage"), query_string=asked).json
            assert body and (body["data"], body["totals"]) == (file["data"], file["totals"])
    ada.workspace.plan_slug = "team"
    ada.workspace.save()
