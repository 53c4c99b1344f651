"""The access log: a whole line for each request, however many processes write, and none left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import servers
from tests.support.artifacts import ROOT
from tests.support.processes import WAIT
from tests.support.servers import Server

BEGIN = "import os, sys; from views import access_log\n"
# Adds lines as fast as it can, and ends in order as soon as it has.
WRITE = """
name, count, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    access_log.write(f"{name} {number} ".ljust(length, "x") + "\\n")
"""
LINES = 20_000
WRITERS = {"a": 251, "b": 310, "c": 1333}


def test_lines_of_several_processes_stay_whole_in_a_pipe_that_is_nearly_always_full() -> None:
    reading, writing = os.pipe()
    writers = [
        subprocess.Popen([sys.executable, "-c", BEGIN + WRITE, name, str(LINES), str(length)], cwd=ROOT, stderr=writing)
        for name, length in WRITERS.items()
    ]
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = pipe.read().splitlines()
    assert [each.wait(WAIT) for each in writers] == [0, 0, 0]
    for name, length in WRITERS.items():
        mine = [line for line in found if line.startswith(f"{name} ")]
        assert mine == [f"{name} {number} ".ljust(length, "x") for number in range(LINES)]
    assert len(found) == 3 * LINES


def test_a_line_is_written_without_another_one_to_push_it() -> None:
    script = BEGIN + 'access_log.write("first\\n"); access_log.write("second\\n"); input()'
    writer = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with writer:
        assert writer.stderr and writer.stdin
        # It waits for our word, so nothing but time can have these written.
        assert [writer.stderr.readline() for _ in range(2)] == ["first\n", "second\n"]
        writer.stdin.write("\n")


def test_a_forked_child_writes_its_own_lines_and_none_of_its_parent() -> None:
    script = BEGIN + (
        'access_log.write("one\\n"); access_log.write("two\\n")\n'
        'if not os.fork(): access_log.write("three\\n"); access_log.write("four\\n"); sys.stdin.read()\n'
        "else: os.wait()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True, input="", timeout=WAIT
    )
    assert sorted(done.stderr.split()) == ["four", "one", "three", "two"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with servers.running("access-log", tmp_path / "data", f"sqlite:///{tmp_path / 'gravity.db'}") as started:
        yield started


def test_a_server_that_stops_in_order_has_a_line_for_each_answer(server: Server) -> None:
    with httpx.Client(base_url=server.base_url, timeout=WAIT) as client:
        answered = {client.get("/api/v2/key").headers["X-Request-Id"] for _ in range(300)}
    # In the middle of what it would have written later.
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if '"name": "access"' in line]
    written = [line["request_id"] for line in lines]
    assert len(answered) == 300
    assert answered <= set(written)
    assert len(written) == len(set(written))


@pytest.mark.parametrize("fault", ["the disk is full", "nobody reads"])
def test_a_log_that_cannot_be_written_costs_no_request(fault: str) -> None:
    """Lines are lost then, and nothing waits or grows for them."""
    script = BEGIN + (
        "import time\n"
        "for number in range(300): access_log.write('x' * 300 + '\\n'); time.sleep(0.001)\n"
        "time.sleep(3 * access_log.PAUSE); access_log.flush()\n"
        "print(len(access_log._lines.waiting), access_log._lines.writer.is_alive())"
    )
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("w") as full, os.fdopen(writing, "w") as unread:
        stderr = full if fault == "the disk is full" else unread
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=stderr, timeout=WAIT
        )
    assert (done.returncode, done.stdout) == (0, "0 True\n")
