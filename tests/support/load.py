"""Load for a server of ours: the server of `make serve`, and wrk against it with many keys."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from jobs.serve import granian_options
from tests.support.ports import free_port

CONNECTIONS = 16

LUA = """
local keys = {{ {keys} }}
local next = 0
request = function()
  next = next % #keys + 1
  return wrk.format("GET", {path!r}, {{ ["Authorization"] = "Bearer " .. keys[next] }})
end
done = function(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.2f %d %d %d\\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(50), latency:percentile(99), bad))
end
"""


@dataclass(frozen=True)
class Round:
    per_second: float
    p50: int
    p99: int
    errors: int


def start(target: list[str], folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """The server of `make serve` with two workers, on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", *granian_options("127.0.0.1", port, 2), *target]
    log = (Path(tempfile.gettempdir()) / f"bench-{port}.log").open("wb")
    server = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
    for _ in range(100):
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/v2/key", timeout=1)
            break
        except httpx.TransportError:
            time.sleep(0.1)
    return server, port


def lua(path: Path, keys: list[str], asked: str) -> Path:
    path.write_text(LUA.format(keys=", ".join(json.dumps(key) for key in keys), path=asked))
    return path


def wrk(port: int, script: Path, seconds: int) -> Round:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT ([\d.]+) (\d+) (\d+) (\d+)", output)
    if not found:
        sys.exit(output)
    return Round(float(found[1]), int(found[2]), int(found[3]), int(found[4]))


def memory(server: "subprocess.Popen[bytes]") -> int:
    """Resident memory of the workers of a server, in KiB."""
    listed = subprocess.check_output(["ps", "-o", "rss=", "--ppid", str(server.pid)], text=True)
    return sum(int(each) for each in listed.split())
