"""The graph on the page of a key, as one sees it without JavaScript and as htmx asks for it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import ApiKey, UsageGap, User, database, usage, usage_fold, usage_journal
from models.actor import COMMAND_LINE
from models.session import IDLE
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.key_pages import live_in, put_on_plan, words
from tests.support.usage import use_of, used
from tests.support.usage_pages import caption, rows, titles, totals

Browse = Callable[[Person], Browser]
NOON = datetime(2026, 11, 19, 12, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def old(ada: Person) -> tuple[ApiKey, str]:
    """A key that is older than any history."""
    with database.at(NOON - timedelta(days=500)):
        return make_key(ada)


def at(**ago: float) -> datetime:
    return NOON - timedelta(**ago)


def address(person: Person, key: ApiKey, rest: str = "") -> str:
    return person.settings(f"api-keys/{key.id}{rest}")


def test_the_page_shows_thirty_days(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=8), times=1490)
    used(text, at=at(days=8), times=690, status=429)
    used(text, at=at(days=1), times=27, status=404)
    used(text, at=at(days=60), times=5555)
    page = browse(ada).get(address(ada, key))
    assert totals(page) == [1490, 27, 0, 690, 0]
    assert caption(page) == "2,207 requests from Oct 21 to Nov 19, UTC. 67.5% succeeded."
    table = dict(rows(page))
    assert len(table) == 30 and "Day (UTC)" in page.text
    assert table["Nov 11"] == [1490, 0, 0, 690, 0, 2180] and table["Nov 19"] == [0] * 6
    assert titles(page)[21] == "Nov 11: 2,180 requests. 1,490 succeeded, 690 rate limited"
    assert "Most client errors: 27 on Nov 18, rate limited: 690 on Nov 11." in page.text
    assert re.search(r'<path class="s s-rate_limited" d="M', page.text)
    assert '<path class="s s-denied"' not in page.text
    # Nothing that the content security policy would block, and no number with the comma of a locale in a path.
    assert "style=" not in page.text and not re.search(r' d="[^"]*\d,\d', page.text)


@pytest.mark.parametrize(
    ("name", "unit", "first", "steps"),
    [
        ("24h", "Hour (UTC)", "Nov 18, 13:00", 24),
        ("7d", "Six hours from (UTC)", "Nov 12, 18:00", 28),
        ("90d", "Day (UTC)", "Aug 22", 90),
        ("nonsense", "Day (UTC)", "Oct 21", 30),
    ],
)
def test_each_range_is_a_link(
    ada: Person, browse: Browse, old: tuple[ApiKey, str], name: str, unit: str, first: str, steps: int
) -> None:
    key, text = old
    used(text, at=at(hours=2), times=3)
    page = browse(ada).get(address(ada, key, f"?range={name}"))
    assert unit in page.text and rows(page)[0][0] == first and len(rows(page)) == len(titles(page)) == steps
    assert totals(page) == [3, 0, 0, 0, 0]
    assert page.text.count('aria-current="true"') == 1
    links = re.findall(r'<a id="range-(\w+)" href="([^"#]*)#usage"', page.text)
    assert [slug for slug, _ in links] == ["24h", "7d", "30d", "90d"]
    assert all(browse(ada).get(link).status_code == 200 for _, link in links)


def test_htmx_gets_the_card_alone_and_a_browser_the_page(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(hours=2), times=3)
    part = browse(ada).htmx_get(address(ada, key, "/usage?range=24h"), target="section#usage")
    assert part.status_code == 200 and totals(part) == [3, 0, 0, 0, 0]
    assert "<h1" not in part.text and 'id="last-used"' in part.text
    assert part.headers["HX-Push-Url"] == address(ada, key, "?range=24h")
    assert "HX-Retarget" not in part.headers and "HX-Request" in part.headers["Vary"]
    led = browse(ada).get(address(ada, key, "/usage?range=24h"))
    assert (led.status_code, led.headers["Location"]) == (303, address(ada, key, "?range=24h"))


def test_a_page_that_renews_itself_keeps_no_session_alive(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    browser = browse(ada)
    with time_machine.travel(NOON + IDLE - timedelta(hours=1), tick=False):
        renewed = browser.htmx_get(address(ada, old[0], "/usage"), headers={"X-Renewal": "1"})
        assert renewed.status_code == 200
    with time_machine.travel(NOON + IDLE + timedelta(hours=1), tick=False):
        assert browser.htmx_get(address(ada, old[0], "/usage"), headers={"X-Renewal": "1"}).status_code == 401
        assert browser.get(address(ada, old[0])).status_code == 302


def test_a_key_that_was_never_used_has_no_graph(ada: Person, browse: Browse) -> None:
    page = browse(ada).get(address(ada, make_key(ada)[0]))
    assert "This key has not been used yet. Its requests show up here" in words(page)
    assert "<figure" not in page.text and "range-24h" not in page.text and "data-refresh" in page.text


def test_a_quiet_time_keeps_its_axes(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=20), times=3)
    page = browse(ada).get(address(ada, key, "?range=24h"))
    assert "No requests in the last 24 hours. Last used Oct 30." in words(page)
    assert "<figure" in page.text and totals(page) == [0] * 5
    assert all(numbers == [0] * 6 for _, numbers in rows(page))
    assert caption(page) == "0 requests from Nov 18, 13:00 to now, UTC."


def test_what_was_before_the_key_is_not_known(ada: Person, browse: Browse) -> None:
    with database.at(at(days=3)):
        key, text = make_key(ada)
    used(text, at=at(days=2), times=4)
    page = browse(ada).get(address(ada, key))
    assert [numbers for _, numbers in rows(page)] == [[None] * 6] * 26 + [
        [0] * 6, [4, 0, 0, 0, 0, 4], [0] * 6, [0] * 6,
    ]  # fmt: skip
    assert titles(page)[0] == "Oct 21: not known, it did not exist yet"
    assert "The key was made Nov 16, 2026, 12:20 UTC. There was nothing to count before." in words(page)
    assert caption(page) == "4 requests from Nov 16 to Nov 19, UTC. 100% succeeded."
    assert page.text.count('class="void"') == 1


def test_when_it_was_made_is_told_with_the_zone_of_the_person(ada: Person, browse: Browse) -> None:
    """Buckets are of UTC: a day of the person's would seem to be another one than the first that was counted."""
    with database.at(at(days=3)):
        key, text = make_key(ada)
    used(text, at=at(days=3), times=4)
    User.update(time_zone="Pacific/Chatham").where(User.id == ada.user.id).execute()
    page = words(browse(ada).get(address(ada, key)))
    assert "4 requests from Nov 16 to Nov 19, UTC." in page
    assert "The key was made Nov 17, 2026, 02:05 +1345. There was nothing to count before." in page


def test_the_history_of_the_plan_is_respected_at_once(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=6), times=2)
    used(text, at=at(days=9), times=1000)
    assert totals(browse(ada).get(address(ada, key)))[0] == 1002
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    page = browse(ada).get(address(ada, key))
    assert totals(page)[0] == 2
    assert "History on the Free plan goes back 7 days. Compare plans" in words(page)
    assert titles(page)[0] == "Oct 21: not known, it is beyond the history of the plan"
    assert "1,000" not in page.text


def test_requests_that_were_lost_are_told(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(days=1), times=7)
    UsageGap.create(hour=usage.hour_of(at(days=1)), count=3)
    page = browse(ada).get(address(ada, key))
    assert titles(page)[28] == "Nov 18: 7 requests. 7 succeeded. Some could not be counted"
    assert "Some requests could not be counted: Nov 18. Whose they were is not known." in words(page)
    assert "at least 7" in page.text and 'class="short"' in page.text


def test_requests_that_wait_to_be_counted_are_told(
    ada: Person, browse: Browse, call: Callable[..., ApiClient], old: tuple[ApiKey, str]
) -> None:
    """Nobody folds for a while: the zeroes of that while are no honest ones."""
    key, text = old
    used(text, at=at(days=1), times=7)
    admin = call(make_admin_key(ada)[1])
    usage_journal.write(use_of(key, database.to_microseconds(at(seconds=50))))
    fresh = browse(ada).get(address(ada, key, "?range=24h"))
    assert "not counted yet" not in fresh.text and "at least" not in fresh.text
    with time_machine.travel(at(minutes=-90), tick=False):
        page = browse(ada).get(address(ada, key, "?range=24h"))
        assert titles(page)[-3:] == [
            "Nov 19, 11:00: 0 requests",
            "Nov 19, 12:00: 0 requests. Some are not counted yet",
            "Nov 19, 13:00, so far: 0 requests. Some are not counted yet",
        ]
        assert "Some requests since Nov 19, 12:00 are not counted yet." in words(page)
        assert page.text.count("at least 0") == 2 and 'class="short"' in page.text
        path, query = ada.api(f"api-keys/{key.id}/usage"), {"bucket": "hour"}
        told = admin.get(path, query_string=query).json
        assert told and [bucket["complete"] for bucket in told["data"][-3:]] == [True, False, False]
        usage_fold.fold()
        assert "not counted yet" not in browse(ada).get(address(ada, key, "?range=24h")).text
        told = admin.get(path, query_string=query).json
        assert told and all(bucket["complete"] for bucket in told["data"])


def test_buckets_are_of_utc_and_moments_of_the_person(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    live_in(ada, "Asia/Tokyo")
    used(text, at=datetime(2026, 11, 18, 23, 30, tzinfo=UTC))
    page = browse(ada).get(address(ada, key, "?range=24h"))
    assert dict(rows(page))["Nov 18, 23:00"] == [1, 0, 0, 0, 0, 1]
    assert "Nov 19, 2026, 08:30 JST" in page.text


def test_the_latest_places_are_told_apart(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    for number in range(7):
        used(text, at=at(hours=10 - number), address=f"192.0.2.{number}", client=f"client/{number}")
    page = browse(ada).get(address(ada, key))
    places = page.text.partition("Latest places")[2].partition("</dl>")[0]
    assert re.findall(r"<code>(.*?)</code>", places) == [f"192.0.2.{number}" for number in (6, 5, 4, 3, 2)]
    assert "client/6" in places and "client/1" not in places


def test_one_place_is_not_told_twice(ada: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    key, text = old
    used(text, at=at(hours=1))
    assert "Latest places" not in browse(ada).get(address(ada, key)).text


def test_a_member_sees_no_usage_of_a_key(ada: Person, bob: Person, browse: Browse, old: tuple[ApiKey, str]) -> None:
    for rest in ("/usage", "/usage.csv", "/usage.json"):
        assert browse(bob).get(address(ada, old[0], rest)).status_code == 403


def test_the_list_shows_the_last_days_of_each_key_in_small(ada: Person, browse: Browse) -> None:
    with database.at(NOON - timedelta(days=60)):
        _, text = make_key(ada, name="Busy")
        make_key(ada, name="Idle")
    used(text, times=11_950)
    used(text, times=50, status=500, at=NOON - timedelta(days=2))
    used(text, times=9_999, at=NOON - timedelta(days=31))
    shown = browse(ada).get(ada.settings())
    assert "Requests, 30 days" in shown.text
    assert 'aria-label="12,000 requests in 30 days, 0.4% failed"' in shown.text and "12k" in words(shown)
    assert 'aria-label="No requests in 30 days"' in shown.text
    put_on_plan(ada, "free")
    assert "Requests, 7 days" in browse(ada).get(ada.settings()).text
