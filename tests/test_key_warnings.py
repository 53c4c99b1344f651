"""The hooks of docs/integrations that fail a build before its key stops working, run against the real server."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
import requests

from models.database import now
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.processes import WAIT
from tests.support.servers import Server

FOLDER = ROOT / "docs" / "integrations"
COMMANDS = {"python": [sys.executable, str(FOLDER / "key_warnings.py")], "curl": [str(FOLDER / "key_warnings.sh")]}

Check = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def owner(server: Server) -> Person:
    return server.owner("Builders")


@pytest.fixture(params=COMMANDS)
def check(request: pytest.FixtureRequest, server: Server) -> Check:
    """check(key): the step of a build."""

    def run(key: str, **more: str) -> "subprocess.CompletedProcess[str]":
        environ = {"PATH": os.environ["PATH"], "GRAVITY_API": server.base_url, "GRAVITY_API_KEY": key, **more}
        return subprocess.run(COMMANDS[request.param], env=environ, capture_output=True, text=True, timeout=120)

    return run


def test_a_build_with_a_good_key_goes_on(server: Server, owner: Person, check: Check) -> None:
    for end in (None, now() + timedelta(days=60)):
        done = check(server.key(owner, expires_at=end)[1])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_build_with_a_replaced_key_fails_and_says_where_to_go(server: Server, owner: Person, check: Check) -> None:
    key, old = server.key(owner)
    with server.models():
        new = key.rotate(by=owner.actor, overlap="7d").reveal()
    done = check(old)
    assert (done.returncode, done.stdout) == (1, "")
    assert "stops working" in done.stderr and f"{server.base_url}{owner.settings(f'api-keys/{key.id}')}" in done.stderr
    assert old[7:-2] not in done.stderr
    assert check(new).returncode == 0


def test_a_build_with_a_key_that_expires_soon_fails(server: Server, owner: Person, check: Check) -> None:
    _, text = server.key(owner, expires_at=now() + timedelta(days=3))
    done = check(text)
    assert done.returncode == 1 and " GMT" in done.stderr


def test_a_build_without_a_good_key_fails(server: Server, owner: Person, check: Check) -> None:
    key, text = server.key(owner)
    with server.models():
        key.revoke(by=owner.actor)
    done = check(text)
    assert done.returncode == 1 and "401" in done.stderr


def test_the_days_can_be_chosen(server: Server, owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the hook does its work in a client of one's own."""
    _, text = server.key(owner, expires_at=now() + timedelta(days=3))
    monkeypatch.setenv("GRAVITY_KEY_DAYS", "2")
    hook = runpy.run_path(str(FOLDER / "key_warnings.py"))["fail_before_the_outage"]
    headers = {"Authorization": f"Bearer {text}"}
    with httpx.Client(event_hooks={"response": [hook]}, headers=headers, timeout=WAIT) as http:
        assert http.get(f"{server.base_url}/api/v2/key").status_code == 200
    monkeypatch.setenv("GRAVITY_KEY_DAYS", "4")
    hook = runpy.run_path(str(FOLDER / "key_warnings.py"))["fail_before_the_outage"]
    with (
        httpx.Client(event_hooks={"response": [hook]}, headers=headers, timeout=WAIT) as http,
        pytest.raises(SystemExit) as end,
    ):
        http.get(f"{server.base_url}/api/v2/key")
    assert "This API key expires" in str(end.value)


def test_the_same_hook_fits_requests(server: Server, owner: Person) -> None:
    key, old = server.key(owner)
    with server.models():
        new = key.rotate(by=owner.actor, overlap="7d").reveal()
    with requests.Session() as http:
        # Closed first, so that the end of the program leaves no connection behind in this one.
        http.hooks["response"].append(lambda answer, **_: answer.close())
        http.hooks["response"].append(runpy.run_path(str(FOLDER / "key_warnings.py"))["fail_before_the_outage"])
        asked = {"url": f"{server.base_url}/api/v2/key", "timeout": 60}
        assert http.get(headers={"Authorization": f"Bearer {new}"}, **asked).status_code == 200  # type: ignore[arg-type]
        with pytest.raises(SystemExit) as end:
            http.get(headers={"Authorization": f"Bearer {old}"}, **asked)  # type: ignore[arg-type]
    assert "was replaced" in str(end.value) and owner.settings(f"api-keys/{key.id}") in str(end.value)
