"""Journals become counts: nothing is lost, nothing is counted twice, wherever a process dies."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models import (
    ApiKey,
    AuditEvent,
    Incident,
    KeyNetwork,
    KeyPlace,
    UsageHour,
    UsageMark,
    database,
    usage_fold,
    usage_journal,
    usage_watch,
)
from models.database import now
from models.usage import DAY, HOUR, OUTCOMES, PLACES, UsageRoute
from models.usage_journal import DEAD, REFUSED, SIZE
from models.usage_sums import NETWORKS, ROUTES, WIDE_ROUTES, Remembered, Sums
from tests.support.cast import Person
from tests.support.usage import MEMBERS, secret_of, use_of

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture(autouse=True)
def journals(connected: str, tmp_path: Path) -> Iterator[Path]:
    usage_journal.use(tmp_path)
    yield tmp_path / "usage"
    usage_journal.journal().close()


def hours(key: ApiKey) -> Counter[tuple[int, int]]:
    """(hour, outcome) → requests."""
    found: Counter[tuple[int, int]] = Counter()
    for row in UsageHour.select().where(UsageHour.key_id == key.id):
        found[row.hour, row.outcome] += row.count
    return found


def test_what_was_written_is_counted_once(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    for _ in range(3):
        usage_journal.write(use_of(key))
    assert usage_watch.behind() > 0
    assert usage_fold.fold() == (3, 0)
    assert usage_fold.fold() == (0, 0)
    assert usage_watch.behind() == 0
    assert sum(hours(key).values()) == 3


def test_a_row_tells_hour_secret_scope_and_outcome(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    statuses = {
        "succeeded": (200, 304), "client_error": (400, 404, 499), "denied": (401, 403), "rate_limited": (429,),
        "server_error": (500, 503),
    }  # fmt: skip
    for status in itertools.chain(*statuses.values()):
        usage_journal.write(use_of(key, status=status))
    usage_fold.fold()
    rows = list(UsageHour.select().where(UsageHour.key_id == key.id))
    assert {(row.secret_id, row.scope) for row in rows} == {(secret_of(key), "read:members")}
    assert {OUTCOMES[row.outcome]: row.count for row in rows} == {name: len(each) for name, each in statuses.items()}


def test_the_files_of_workers_that_are_gone_are_folded_and_removed(
    ada: Person, make_key: MakeKey, journals: Path, tmp_path: Path
) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    usage_journal.use(tmp_path)  # As the end of a process: the file is let go.
    usage_journal.write(use_of(key))
    assert len(list(journals.glob("*.journal"))) == 2
    usage_fold.fold()
    assert len(list(journals.glob("*.journal"))) == 1
    assert UsageMark.select().count() == 1
    assert sum(hours(key).values()) == 2


def test_a_line_that_was_cut_off_by_a_kill_is_left_out(ada: Person, make_key: MakeKey, tmp_path: Path) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    journal = usage_journal.journal()
    assert journal.memory is not None
    journal.memory[journal.end : journal.end + 20] = b"1234567890123456\tkey"
    usage_journal.use(tmp_path)
    assert usage_fold.fold() == (1, 0)
    assert not list(journal.folder.glob("*.journal"))


def test_a_full_file_is_followed_by_another(ada: Person, make_key: MakeKey, journals: Path) -> None:
    key, _ = make_key(ada)
    line = use_of(key, client="x" * 190)
    total = SIZE // 280
    for _ in range(total):
        usage_journal.write(line)
    assert len(list(journals.glob("*.journal"))) == 2
    assert usage_fold.fold(seconds=60).requests == total
    assert sum(hours(key).values()) == total


def test_what_comes_meanwhile_is_left_for_the_next_time(
    ada: Person, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load something always comes: who ran after it would commit without end."""
    key, _ = make_key(ada)
    write = Sums.write

    def write_while_another_comes(sums: Sums, remembered: Remembered) -> None:
        usage_journal.write(use_of(key))
        write(sums, remembered)

    monkeypatch.setattr(Sums, "write", write_while_another_comes)
    usage_journal.write(use_of(key))
    assert usage_fold.fold() == (1, 0)
    assert usage_fold.fold() == (1, 0)
    assert sum(hours(key).values()) == 2


def test_the_last_use_and_the_last_five_places_are_kept(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    for number in range(8):
        address = f"192.0.2.{number}"
        usage_journal.write(use_of(key, moment + number, address=address, status=200 + number))
    # An older one that comes late changes nothing.
    usage_journal.write(use_of(key, moment - 1, address="198.51.100.1"))
    usage_fold.fold()
    row = ApiKey.get_by_id(key.id)
    assert (row.last_used_at, row.last_used_address) == (database.from_microseconds(moment + 7), "192.0.2.7")
    assert (row.last_used_status, row.last_used_request, row.last_used_client) == (207, MEMBERS, "curl/8")
    assert row.version == key.version
    assert [place.address for place in KeyPlace.of(key.id)] == [f"192.0.2.{number}" for number in (7, 6, 5, 4, 3)]


def test_of_uses_that_are_alike_the_first_and_the_last_are_known(ada: Person, make_key: MakeKey) -> None:
    """In whichever order they are read: workers have files of their own, and clocks are set back."""
    key, _ = make_key(ada)
    moment = database.now_microseconds() // HOUR * HOUR
    for later, scope in ((5, "read:members"), (2, "read:members"), (9, "read:members"), (7, "read:members"), (3, "")):
        usage_journal.write(use_of(key, moment + later, scope=scope))
    usage_fold.fold()
    # Also when they are read much later.
    usage_journal.write(use_of(key, moment + 8, status=404))
    usage_fold.fold()
    assert [place.status for place in KeyPlace.of(key.id)] == [200]
    assert ApiKey.get_by_id(key.id).last_used_at == database.from_microseconds(moment + 9)
    assert [place.at for place in KeyPlace.of(key.id)] == [database.from_microseconds(moment + 9)]
    assert KeyNetwork.firsts_of([key.id]) == {key.id: database.from_microseconds(moment + 2)}


def test_what_a_clock_noted_that_was_ahead_gives_way(ada: Person, make_key: MakeKey) -> None:
    """To the first use after it was set right, however far ahead it was."""
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    for number in range(PLACES):
        usage_journal.write(use_of(key, moment + 400 * DAY, address=f"198.51.100.{number}", status=404))
    with database.at(now() + timedelta(days=500)):
        usage_fold.fold()
    assert len(KeyPlace.of(key.id)) == PLACES
    assert ApiKey.get_by_id(key.id).last_used_status == 404
    usage_journal.write(use_of(key, moment, address="198.51.100.1"))
    usage_fold.fold()
    row = ApiKey.get_by_id(key.id)
    assert (row.last_used_at, row.last_used_status) == (database.from_microseconds(moment), 200)
    assert database.from_microseconds(moment) in [place.at for place in KeyPlace.of(key.id)]
    usage_journal.write(use_of(key, moment + 1))
    usage_fold.fold()
    assert [place.address for place in KeyPlace.of(key.id)] == ["192.0.2.7", "198.51.100.1"]


def test_the_last_five_places_are_of_all_its_secrets(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    for secret in range(2):
        for number in range(4):
            usage_journal.write(
                use_of(key, moment + 2 * number + secret, secret_id=f"sec_{secret}", client=f"client/{secret}.{number}")
            )
    usage_fold.fold()
    assert [place.client[-3:] for place in KeyPlace.of(key.id)] == ["1.3", "0.3", "1.2", "0.2", "1.1"]


def test_no_more_places_are_stored_than_are_shown(ada: Person, make_key: MakeKey) -> None:
    """However many come back in turn: each new one costs the oldest its row."""
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    for number in range(24):
        usage_journal.write(use_of(key, moment + number, client=f"client/{number % 8}"))
        usage_fold.fold()
    stored = KeyPlace.select().where(KeyPlace.key_id == key.id)
    assert {place.client for place in stored} == {f"client/{number}" for number in range(3, 8)}


def test_a_dead_secret_is_counted_and_is_no_use(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    moment = database.now_microseconds()
    for later, request in ((5, MEMBERS), (0, "GET /api/v2/key"), (3, MEMBERS)):
        usage_journal.write(use_of(key, moment + later, verdict=DEAD, status=401, request=request))
    usage_fold.fold()
    assert sum(hours(key).values()) == 3
    assert ApiKey.get_by_id(key.id).last_used_at is None
    assert KeyPlace.of(key.id) == []
    assert AuditEvent.select().where(AuditEvent.action == "api_key.new_network").count() == 0
    (incident,) = Incident.open_of(key)
    seen = (incident.first_at, incident.last_at, incident.count, incident.request)
    assert seen == (database.from_microseconds(moment), database.from_microseconds(moment + 5), 3, MEMBERS)


def test_the_first_use_from_a_network_is_an_event(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    first = database.to_microseconds(now() - timedelta(minutes=5))
    for address in ("192.0.2.7", "192.0.2.99", "2001:db8:40::17", "2001:db8:40:9::1"):
        usage_journal.write(use_of(key, first, address=address))
    usage_journal.write(use_of(key, address="203.0.113.5", verdict=REFUSED, status=403))
    usage_fold.fold()
    usage_journal.write(use_of(key))
    usage_fold.fold()
    events = list(AuditEvent.select().where(AuditEvent.action == "api_key.new_network").order_by(AuditEvent.id))
    assert {event.facts["network"] for event in events} == {"192.0.2.0/24", "2001:db8:40::/48"}
    assert {event.at for event in events} == {database.from_microseconds(first)}


def test_networks_and_routes_of_a_key_are_bounded(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    total = 700
    for number in range(total):
        usage_journal.write(use_of(key, address=f"10.{number % 250}.{number // 250}.1"))
    usage_fold.fold()
    routes = list(UsageRoute.select().where(UsageRoute.key_id == key.id))
    assert ROUTES < len(routes) <= WIDE_ROUTES + 1
    assert sum(row.accepted for row in routes) == total
    assert {row.network for row in routes} >= {"10.0.0.1", "*"}
    assert AuditEvent.select().where(AuditEvent.action == "api_key.new_network").count() == NETWORKS


def test_counts_of_keys_that_are_gone_are_dropped_and_hold_nothing_up(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    usage_journal.write(use_of(key))
    usage_journal.write(use_of(key)._replace(key_id="key_gone"))
    usage_fold.fold()
    assert [row.key_id for row in UsageHour.select()] == [key.id]
