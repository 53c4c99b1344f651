"""The peers in `make bench`: packages of others for the same job, tuned; installed by name, or left out with a line."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx

from jobs.serve import granian_options
from tests.support.artifacts import ROOT
from tests.support.contest import fault, say
from tests.support.ports import free_port

HOME = ROOT / ".artifacts" / "peers"
PROCESSES = 2
INSTALL_SECONDS, SEED_SECONDS, START_SECONDS = 900, 300, 180


class Unavailable(Exception):
    """Why a peer does not take part."""


@dataclass(frozen=True)
class Peer:
    """`folder` is in tests/peers; of `seed` and `serve` the first word is a program of the peer's own installation."""

    name: str
    folder: str
    packages: tuple[str, ...]
    seed: str
    serve: str
    # What each process writes when it is ready to serve.
    ready: str
    tuned: str
    does: str
    lacks: str

    @property
    def versions(self) -> str:
        return ", ".join(package.removeprefix("npm:") for package in self.packages)


# What is compared, and in which version, is here and nowhere else.
PEERS = (
    Peer(
        name="Better Auth, API-key plugin",
        folder="better_auth",
        packages=(
            "npm:better-auth@1.7.5",
            "npm:@better-auth/api-key@1.7.5",
            # The plugin takes these in exactly the versions of its day, and npm would choose newer ones.
            "npm:@better-auth/core@1.7.5",
            "npm:@better-auth/utils@0.4.2",
            "npm:better-call@1.4.0",
            "npm:better-sqlite3@12.11.1",
        ),
        seed="node peer.mjs seed",
        serve="node peer.mjs {port}",
        ready="listening",
        tuned="two node processes, WAL, synchronous=NORMAL, its limit of 10 requests a day raised to 2 billion",
        does="SHA-256, one SELECT, two UPDATEs: end, permissions, a limit, how many in its window, last use",
        lacks="usage by hour or scope, refused requests, a quota a month",
    ),
    Peer(
        name="djangorestframework-api-key",
        folder="drf_api_key",
        packages=(
            "djangorestframework-api-key==3.1.0",
            "djangorestframework==3.18.3",
            "Django==5.2.19",
            f"granian=={version('granian')}",
        ),
        seed="python seed.py",
        serve=" ".join(
            ("granian", *granian_options("127.0.0.1", 0, PROCESSES), "--factory django.core.wsgi:get_wsgi_application")
        ).replace("--port 0", "--port {port}"),
        ready="Started worker-",
        tuned="the same server as ours with the same options, no middleware, JSON only, the connection kept, WAL",
        does="SHA-512, one SELECT: end",
        lacks="scopes, limits, usage, last use",
    ),
    Peer(
        name="keyshield",
        folder="keyshield",
        packages=(
            "keyshield[aiocache,argon2,fastapi,sqlalchemy]==2.0.1",
            "fastapi==0.165.0",
            "uvicorn[standard]==0.54.0",
            "SQLAlchemy[asyncio]==2.1.9",
            "aiosqlite==0.22.1",
        ),
        seed="python peer.py",
        serve=f"uvicorn peer:app --port {{port}} --workers {PROCESSES} --no-access-log",
        ready="Application startup complete",
        tuned="two workers, no delays, every key in the memory of every worker beforehand, WAL",
        does="SHA-256, one SELECT, one UPDATE: end, scopes, last use; argon2 only for what is not in memory",
        lacks="limits, usage, a revocation that the other worker learns of before its copy is dropped",
    ),
)


@contextlib.contextmanager
def running(peer: Peer, path: str, answer: bytes) -> Iterator[tuple[int, list[str]]]:
    """The peer with its keys, giving this answer at this path: its port and its keys."""
    home = HOME / peer.folder
    install(peer, home)
    # Inside, since node looks for packages in the folders above a program.
    with tempfile.TemporaryDirectory(dir=home, prefix="run-") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "tests" / "peers" / peer.folder, folder, dirs_exist_ok=True)
        (folder / "answer.json").write_bytes(answer)
        (folder / "path").write_text(path)
        port, log = free_port(), home / "peer.log"
        run(command(peer.seed, home, port), folder, log, SEED_SECONDS)
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command(peer.serve, home, port),
                cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                start_new_session=True,
            )  # fmt: skip
        try:
            keys = json.loads((folder / "keys.json").read_text())
            wait_until_ready(peer, process, port, log)
            if wrong := fault(port, path, keys[0], refusals=(401, 403)) or fault(port, path, keys[-1], (401, 403)):
                raise Unavailable(wrong)
            yield port, keys
        finally:
            stop(process)


def install(peer: Peer, home: Path) -> None:
    """By name and version, once; a stamp tells what was."""
    stamp = home / "installed"
    if stamp.exists() and stamp.read_text() == "\n".join(peer.packages):
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    say(f"installing {peer.name} into {home.relative_to(ROOT)}, once")
    log = home.parent / f"{peer.folder}.log"
    node = [package.removeprefix("npm:") for package in peer.packages if package.startswith("npm:")]
    if node:
        (home / "package.json").write_text('{"private": true}\n')
        run(["npm", "install", "--no-audit", "--no-fund", "--save-exact", *node], home, log, INSTALL_SECONDS)
    else:
        run([sys.executable, "-m", "venv", "venv"], home, log, INSTALL_SECONDS)
        pip = [str(home / "venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        run([*pip, *peer.packages], home, log, INSTALL_SECONDS)
    stamp.write_text("\n".join(peer.packages))


def command(line: str, home: Path, port: int) -> list[str]:
    """The line as words, its program that of the peer's own installation if it has one."""
    program, *rest = line.format(port=port).split()
    own = home / "venv" / "bin" / program
    return [str(own) if own.exists() else program, *rest]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("GRAVITY_", "PYTHON"))} | {
        "DJANGO_SETTINGS_MODULE": "settings",
        "NODE_ENV": "production",
    }


def run(words: list[str], folder: Path, log: Path, seconds: int) -> None:
    try:
        with log.open("wb") as sink:
            subprocess.run(
                words, cwd=folder, env=environment(), timeout=seconds, check=True,
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            )  # fmt: skip
    except FileNotFoundError:
        raise Unavailable(f"{Path(words[0]).name} is missing") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{Path(words[0]).name} took longer than {seconds} s") from None
    except subprocess.CalledProcessError as problem:
        place = log.relative_to(ROOT)
        raise Unavailable(f"{Path(words[0]).name} failed with {problem.returncode}, {place} says why") from None


def wait_until_ready(peer: Peer, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Until each of its processes says so: one that still warms up would take time from the others."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if log.read_text().count(peer.ready) >= PROCESSES:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/")
                return
        time.sleep(0.1)
    raise Unavailable(f"it did not start, {log.relative_to(ROOT)} says why")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """It and the processes that it started, which are a group of their own."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(15)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
