"""`/metrics` of the real server: one sum over its processes, whoever is asked and whoever was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from models.metric_files import ROOM
from tests.support import ledger, servers
from tests.support.artifacts import ROOT
from tests.support.processes import child, listening, until, until_complete, workers, workers_by_age
from tests.support.scrapes import Scrape
from tests.support.servers import Server

KEY = "/api/v2/key"
ASKED = 60
STARTS = "gravity_process_starts_total"
COUNT = {"route": KEY, "method": "GET", "status": "2xx"}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("counted")
    with servers.running("counted", folder / "data", f"sqlite:///{folder / 'gravity.db'}") as running:
        yield running


def scraped(server: Server) -> Scrape:
    return Scrape(server.get("/metrics").raise_for_status().text)


def ask(server: Server, secret: str, times: int) -> None:
    """Each time on a connection of its own, which either worker may get."""
    for _ in range(times):
        assert server.get(KEY, headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def ask_until_both_counted(server: Server, secret: str) -> int:
    asked = 0

    def both() -> bool:
        nonlocal asked
        ask(server, secret, 10)
        asked += 10
        return len([count for count in by_place(server) if count]) > 1

    until("both workers have answered", both)
    return asked


def by_place(server: Server) -> list[float]:
    """How many of the requests each process has counted."""
    return [
        sum(
            value
            for key, value, _, _ in MmapedDict.read_all_values_from_file(file)
            if KEY + '"' in key and "2xx" in key and "_bucket" in key
        )
        for file in sorted((server.data_dir / "metrics").glob("histogram_*.db"))
    ]


def until_all_counted(server: Server) -> None:
    """Each process has begun its files and counted its start, which takes a while after it is there."""
    until("both workers answer", lambda: listening(server) == 2)
    until("the scheduler counts", lambda: scraped(server).value(STARTS, process="scheduler") > 0)


def kill_a_worker(server: Server) -> None:
    until("both workers answer", lambda: listening(server) == 2)
    # Each time the other one: the web server itself starts anew when the same one dies twice within seconds.
    killed = workers_by_age(server)[0]
    os.kill(killed, signal.SIGKILL)
    until("the worker is replaced", lambda: len(workers(server)) == 2 and killed not in workers(server))
    until("both workers answer again", lambda: listening(server) == 2)


@pytest.mark.parametrize("which", ["server", "postgresql_server"])
def test_both_workers_count_together(which: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(which)
    _, secret = server.key(server.owner("Metrics", "business"))
    before = scraped(server)
    ask(server, secret, ASKED)
    afters = [scraped(server) for _ in range(6)]
    name = "gravity_http_request_seconds_count"
    assert {after.value(name, **COUNT) - before.value(name, **COUNT) for after in afters} == {ASKED}
    assert all(after.value("gravity_http_request_seconds_bucket", le="+Inf", **COUNT) >= ASKED for after in afters)


def test_what_a_killed_worker_counted_stays(counted: Server) -> None:
    until_all_counted(counted)
    _, secret = counted.key(counted.owner("Metrics", "business"))
    before = scraped(counted)
    asked = before.value("gravity_http_request_seconds_count", **COUNT) + ask_until_both_counted(counted, secret)
    files = sorted((counted.data_dir / "metrics").glob("*.db"))
    for _ in range(3):
        kill_a_worker(counted)
        ask(counted, secret, 10)
        asked += 10
        assert {scraped(counted).value("gravity_http_request_seconds_count", **COUNT) for _ in range(4)} == {asked}
    # The new one goes on in the files of the one before.
    assert sorted((counted.data_dir / "metrics").glob("*.db")) == files
    assert scraped(counted).value(STARTS, process="web") - before.value(STARTS, process="web") == 3


def test_workers_that_are_replaced_in_order_count_on(counted: Server) -> None:
    _, secret = counted.key(counted.owner("Metrics", "business"))
    before = scraped(counted).value("gravity_http_request_seconds_count", **COUNT)
    first = workers(counted)
    counted.process.send_signal(signal.SIGHUP)
    asked = 0
    while workers(counted) & first:
        ask(counted, secret, 1)
        asked += 1
    until("both workers answer", lambda: listening(counted) == 2)
    assert scraped(counted).value("gravity_http_request_seconds_count", **COUNT) - before == asked


def test_the_scheduler_is_part_of_it(counted: Server) -> None:
    until_complete(counted)

    def runs() -> float:
        return scraped(counted).value("gravity_job_runs_total", job="run_workflows", outcome="done")

    until("a job has run", lambda: runs() > 0)
    seen = runs()
    os.kill(child(counted, "jobs.runner"), signal.SIGKILL)
    until("it was started again", lambda: scraped(counted).value(STARTS, process="scheduler") > 1)
    until("a job has run again", lambda: runs() > seen)
    last = "gravity_job_last_run_timestamp_seconds"
    until("the purge is done", lambda: scraped(counted).value(last, job="purge", outcome="done") > 1.7e9)
    jobs = [each for each in scraped(counted).samples() if each.name.startswith("gravity_job")]
    assert {each.labels["outcome"] for each in jobs} == {"done", "failed"}


def test_room_is_reserved_and_private(counted: Server) -> None:
    folder = counted.data_dir / "metrics"
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.glob("*.db"):
        assert file.stat().st_blocks * 512 >= ROOM[file.name.rpartition("_")[0]]


def test_counts_begin_with_the_server_and_a_token_is_asked_for(tmp_path: Path) -> None:
    token = ledger.fresh("metrics token")
    leftover = tmp_path / "data" / "metrics" / "counter_77.db"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"\x08\0\0\0")
    url = f"sqlite:///{tmp_path / 'gravity.db'}"
    with servers.running("token", tmp_path / "data", url, GRAVITY_METRICS_TOKEN=token) as running:
        assert not leftover.exists()
        assert running.get("/metrics").status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        answer = running.get("/metrics", headers=headers)
        assert Scrape(answer.text).value(STARTS, process="web") >= 1


def test_the_running_server_answers_local_peers_alone(server: Server) -> None:
    assert server.get("/metrics").status_code == 200
    assert server.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert server.get("/metrics", headers={"Via": "1.1 proxy"}).status_code == 403


FORKS = """
import os
from models import metrics
metrics.answered("/a", "GET", "200 OK", 0.1)
if not (child := os.fork()):
    for _ in range(10):
        metrics.answered("/a", "GET", "200 OK", 0.1)
    os._exit(0)
for _ in range(10):
    metrics.answered("/a", "GET", "200 OK", 0.1)
os.waitpid(child, 0)
print(metrics.exposition("")[0].decode())
"""


def python(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, text=True, capture_output=True)


def test_a_process_that_forks_counts_apart_from_its_child(tmp_path: Path) -> None:
    """As with a server that loads the application before it forks."""
    done = python(FORKS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert Scrape(done.stdout).value("gravity_http_request_seconds_count", route="/a") == 21


def test_a_process_without_room_serves_and_says_that_it_is_not_counted(tmp_path: Path) -> None:
    done = python(FORKS, tmp_path / "no folder")
    assert done.returncode == 0
    assert Scrape(done.stdout).value("gravity_http_request_seconds_count", route="/a") == 11
    assert "missing from the metrics" in done.stderr
