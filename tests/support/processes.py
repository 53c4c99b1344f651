"""Processes as the system sees them: which run, which of them belong to a server."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.servers import Server

# Generous: nothing may depend on how fast the machine is.
WAIT = 60
# As /proc/net/tcp writes it.
TCP_LISTEN = "0A"


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """What a server needs to know when it is started on any free port."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRAVITY_")}
    return inherited | {"GRAVITY_DATA_DIR": str(data_dir), "PORT": "0", **more}


def until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


def until_complete(running: Server) -> set[int]:
    """Wait for ourselves, granian, its two workers and the scheduler."""
    until("all processes run", lambda: len(running.pids()) == 5)
    return running.pids()


def alive(pids: set[int]) -> set[int]:
    """Which of the processes still run; one that only waits to be reaped does not."""
    return {int(pid) for pid, state in _listed("pid=,stat=") if int(pid) in pids and not state.startswith("Z")}


def child(running: Server, module: str) -> int:
    """The process that runs this module, started by ours."""
    # One that was begun a moment ago still has the words of its parent.
    until(f"{module} runs", lambda: bool(_children(running, module)))
    return _children(running, module)[0]


def _children(running: Server, module: str) -> list[int]:
    rows = [row for row in _listed("pid=,ppid=,args=") if len(row) == 3]
    return [int(pid) for pid, parent, words in rows if int(parent) == running.process.pid and f"-m {module}" in words]


def workers(running: Server) -> set[int]:
    web = child(running, "jobs.web")
    return {int(pid) for pid, parent in _listed("pid=,ppid=") if int(parent) == web}


def workers_by_age(running: Server) -> list[int]:
    """The oldest first. Numbers alone do not tell: they begin again from the bottom."""
    return sorted(workers(running), key=lambda pid: (_began(pid), pid))


def listening(running: Server) -> int:
    """How many workers accept connections: each has a socket of its own on the port."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = f"0100007F:{running.port:04X}"
    return sum(row.split()[1] == local and row.split()[3] == TCP_LISTEN for row in rows)


def has_open(pid: int, file: Path) -> bool:
    return any(_is(opened, file) for opened in Path(f"/proc/{pid}/fd").iterdir())


def _is(opened: Path, file: Path) -> bool:
    # It may be closed at any moment.
    with contextlib.suppress(FileNotFoundError):
        return opened.samefile(file)
    return False


def _began(pid: int) -> int:
    """When a process began, in ticks since the machine did: field 22 of proc(5), counted behind its name."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _listed(columns: str) -> Iterator[list[str]]:
    for line in subprocess.check_output(["ps", "-eo", columns], text=True).splitlines():
        yield line.split(maxsplit=columns.count(","))
