"""Counters in a file that several processes map: no count is lost, and no two take the last place."""

import multiprocessing
import os
import signal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models.limit_stores import Ask, LocalStore
from models.shared_counters import BUCKET, BUCKETS, SIZE, SLOT, SharedCounters, place

MONTH_ENDS = 10**15
LIMIT = 500


def ask(key: str = "key_a", workspace: str = "ws_a", moment: int = 1_000, per_month: int | None = None) -> Ask:
    return Ask(key, workspace, LIMIT, per_month, MONTH_ENDS, moment)


def spend_many(folder: Path, times: int) -> int:
    """How many of so many requests one process may make."""
    store = LocalStore(folder)
    return sum(not store.spend(ask(), 0).refused for _ in range(times))


def test_processes_share_one_limit_exactly(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        granted = pool.starmap(spend_many, [(tmp_path, 300)] * 4)
    assert sum(granted) == LIMIT
    spent = LocalStore(tmp_path).look(ask())
    assert (spent.minute_used, spent.month) == (LIMIT, LIMIT)


def hold_and_die(folder: Path) -> None:
    store = LocalStore(folder)
    store.spend(ask(), 0)
    store.counters.lock()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_killed_inside_the_lock_stops_nobody_and_loses_nothing(tmp_path: Path) -> None:
    dying = multiprocessing.get_context("spawn").Process(target=hold_and_die, args=(tmp_path,))
    dying.start()
    dying.join(60)
    assert dying.exitcode == -signal.SIGKILL
    assert LocalStore(tmp_path).spend(ask(), 0).minute_used == 2


def test_a_process_that_is_forked_later_takes_its_own_lock(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def child() -> None:
        queue.put(sum(not store.spend(ask(), 0).refused for _ in range(300)))

    children = [context.Process(target=child) for _ in range(3)]
    for each in children:
        each.start()
    for each in children:
        each.join(60)
    assert sum(queue.get() for _ in children) == LIMIT


def test_a_request_that_waited_for_the_lock_belongs_to_the_window_that_began_meanwhile(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.spend(ask(moment=5_000), 0)
    assert store.spend(ask(moment=4_000), 0).minute_used == 2


def test_a_month_that_is_used_up_leaves_the_minute_alone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert store.spend(ask(per_month=2), 0).month == 1
    assert store.spend(ask("key_b", per_month=2), 0).month == 2
    refused = store.spend(ask("key_b", per_month=2), 0)
    assert (refused.refused, refused.minute_used, refused.month) == ("quota_exceeded", 1, 2)


def test_a_workspace_that_is_new_here_is_asked_about_before_anything_counts(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert store.spend(ask(), None).month is None
    assert store.look(ask()).minute_used == 0
    assert store.spend(ask(), 41).month == 42
    assert store.spend(ask(), None).month == 43


def same_bucket(number: int) -> list[str]:
    """Names whose counts share one bucket."""
    wanted = place("name 0").bucket
    found: list[str] = []
    serial = 0
    while len(found) < number:
        if place(f"name {serial}").bucket == wanted:
            found.append(f"name {serial}")
        serial += 1
    return found


def test_a_full_bucket_gives_up_what_ends_first(tmp_path: Path) -> None:
    counters = SharedCounters(tmp_path / "table")
    names = same_bucket(9)
    for serial, name in enumerate(names[:8]):
        counters.write(place(name), serial + 1, 2_000 - serial)
    counters.write(place(names[8]), 99, 5_000)
    assert counters.read(place(names[7])) == (0, 0)
    assert [counters.read(place(name))[0] for name in [*names[:7], names[8]]] == [1, 2, 3, 4, 5, 6, 7, 99]


@given(st.text(max_size=40))
def test_every_name_has_a_place_inside_the_table(name: str) -> None:
    at = place(name)
    assert 0 <= at.bucket <= SIZE - BUCKET and at.bucket % BUCKET == 0 and len(at.tag) == 16


def test_the_table_takes_its_space_at_once(tmp_path: Path) -> None:
    SharedCounters(tmp_path / "table").close()
    found = (tmp_path / "table").stat()
    assert found.st_size == SIZE == SLOT * 8 * BUCKETS
    assert found.st_blocks * 512 >= SIZE
    assert found.st_mode & 0o777 == 0o600


def test_without_a_file_each_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = LocalStore(tmp_path / "file")
    assert store.spend(ask(), 0).minute_used == 1
    assert store.spend(ask(), 0).minute_used == 2
