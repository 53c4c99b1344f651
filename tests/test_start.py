"""What starting prints, and what it refuses: a demo to try at once, and one clear line for each mistake."""

import contextlib
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.support import ledger
from tests.support.artifacts import ROOT
from tests.support.processes import WAIT, environment
from tests.support.servers import Server


def start(data_dir: Path, *options: str, stderr: int = subprocess.PIPE, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.serve", *options],
        cwd=ROOT, env=environment(data_dir, **environ),
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
    )  # fmt: skip


def failed(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=WAIT)
    assert not out
    return process.returncode, err


@contextlib.contextmanager
def demo(data_dir: Path) -> Iterator[dict[str, str]]:
    """The running demo, as what it prints: Address, E-mail, Password, curl."""
    with start(data_dir, "--demo", stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        try:
            lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
            printed = {label: value.strip() for label, _, value in (line.partition(":") for line in lines[:3])}
            yield printed | {"curl": lines[3]}
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def curl(line: str) -> httpx.Response:
    """What the printed line does, once a shell has taken it apart."""
    program, option, header, address = shlex.split(line)
    assert (program, option) == ("curl", "-H")
    name, _, value = header.partition(": ")
    ledger.note_keys(value)
    return httpx.get(address, headers={name: value}, timeout=WAIT)


def sign_in(printed: dict[str, str]) -> httpx.Response:
    with httpx.Client(base_url=printed["Address"], timeout=WAIT) as browser:
        token = re.search(r'name="csrf_token"[^>]*?value="([^"]+)"', browser.get("/login").text)
        assert token
        form = {"csrf_token": token.group(1), "email": printed["E-mail"], "password": printed["Password"]}
        return browser.post("/login", data=form)


def test_the_demo_prints_a_sign_in_and_a_line_that_work_every_time(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        members = curl(first["curl"])
        assert members.status_code == 200
        assert len(members.json()["data"]) == 20
        assert sign_in(first).status_code == 303
    kept = (tmp_path / "demo.json").stat().st_mtime_ns
    with demo(tmp_path) as second:
        assert curl(second["curl"]).json() == members.json()
        assert sign_in(second).status_code == 303
        assert (second["E-mail"], second["Password"]) == (first["E-mail"], first["Password"])
        assert "gr_" not in curl(second["curl"]).text
    assert (tmp_path / "demo.json").stat().st_mtime_ns == kept


def test_the_demo_prints_no_dead_line(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "gravity.db")) as database, database:
        database.execute("UPDATE api_key SET revoked_at = 1 WHERE name = 'Quick start'")
        database.execute("UPDATE user_account SET password_hash = 'changed' WHERE email = ?", (first["E-mail"],))
    with demo(tmp_path) as second:
        assert second["curl"] != first["curl"]
        assert curl(second["curl"]).status_code == 200
        assert "it was changed" in second["Password"]


def test_a_port_in_use_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    """Even though the workers of one server share their port."""
    status, said = failed(start(tmp_path / "other", "--demo", PORT=str(server.port)))
    assert status == 1
    assert said.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1 port {server.port}: Address already in use." in said
    assert not (tmp_path / "other" / "gravity.db").exists()


def files(folder: Path) -> set[tuple[str, int]]:
    return {(path.name, path.stat().st_ino) for path in folder.iterdir()}


def test_a_data_folder_in_use_is_one_clear_line(server: Server) -> None:
    """A second server would empty what the processes of the first count in."""
    counting = files(server.data_dir / "metrics")
    assert counting
    status, said = failed(start(server.data_dir, "--demo"))
    assert status == 1
    assert said == (
        f"Error: Another server uses the folder {server.data_dir}. "
        "Stop it, or give this one its own with GRAVITY_DATA_DIR.\n"
    )
    assert counting <= files(server.data_dir / "metrics")  # a worker of the first may still be starting


def test_the_demo_is_not_served_to_others(tmp_path: Path) -> None:
    status, said = failed(start(tmp_path, "--demo", GRAVITY_HOST="0.0.0.0"))  # noqa: S104 refused
    assert (status, said.count("\n")) == (1, 1)
    assert "loopback" in said


def test_production_names_each_missing_setting(tmp_path: Path) -> None:
    status, said = failed(start(tmp_path / "data", PORT="high"))
    assert status == 2
    assert [line.split()[0] for line in said.splitlines()] == [
        "PORT", "GRAVITY_BASE_URL", "GRAVITY_SECRET_KEY", "GRAVITY_KEY_PEPPERS",
    ]  # fmt: skip
    assert not (tmp_path / "data").exists()


def test_a_database_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    url = "postgresql://gravity:a-password-of-ours@127.0.0.1:1/gravity"
    status, said = failed(start(tmp_path, "--demo", GRAVITY_DATABASE_URL=url))
    assert (status, said.count("\n")) == (1, 1)
    assert "a-password-of-ours" not in said
