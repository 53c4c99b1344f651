"""A real Redis on a port of its own, started and stopped by a test."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.support.ports import free_port


@dataclass
class RedisServer:
    url: str
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is missing: run tests/install-tools.sh redis", pytrace=False)
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    server = RedisServer(f"redis://127.0.0.1:{port}/0", process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(server: RedisServer) -> None:
    deadline = time.monotonic() + 60
    with redis.Redis.from_url(server.url) as client:
        while True:
            with contextlib.suppress(redis.ConnectionError):
                if client.ping():
                    return
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.05)
