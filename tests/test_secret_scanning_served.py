"""Alerts and reports at the real server: bodies as they come over the wire, every worker, and two at once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models import Leak
from tests.support import servers
from tests.support.github import PATH, Publisher, body_of, match, publishing
from tests.support.keys import actions, reread
from tests.support.postgres import PostgresServer
from tests.support.servers import Server
from tests.support.steps import status
from tests.support.threads import at_once


@pytest.fixture(scope="module")
def github() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest,
    github: Publisher,
    _sqlite_template: Path,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    url = f"sqlite:///{shutil.copy(_sqlite_template, folder / 'gravity.db')}"
    if request.param == "postgresql":
        url = postgres_server.create("alerts", template="template_migrated")
    name = f"alerts-{request.param}"
    with servers.running(name, folder, url, GRAVITY_GITHUB_KEYS_URL=github.url) as running:
        yield running


def post(server: Server, github: Publisher, body: bytes) -> httpx.Response:
    return server.ask("POST", PATH, content=body, headers=github.signer.headers(body))


def test_a_large_alert_ends_the_key_for_every_worker(served: Server, github: Publisher) -> None:
    ada = served.owner()
    key, text = served.key(ada)
    assert status(served, ada, text)[0] == 200
    strangers = [match(f"gr_{number:020d}", url="https://github.com/octo/" + "x" * 300) for number in range(8000)]
    body = body_of(*strangers, match(text))
    assert len(body) > 2 * 1024 * 1024
    answer = post(served, github, body)
    assert answer.status_code == 200
    assert [each["label"] for each in answer.json()].count("true_positive") == 1
    for _ in range(20):
        assert status(served, ada, text) == (401, "revoked_key")
    with served.models():
        assert reread(key).revoked_by == "GitHub secret scanning"


def test_a_signature_for_other_bytes_is_refused(served: Server, github: Publisher) -> None:
    ada = served.owner()
    _, text = served.key(ada)
    body = body_of(match(text))
    headers = github.signer.headers(body)
    answer = served.ask("POST", PATH, content=body.replace(b": ", b":"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert status(served, ada, text)[0] == 200


def test_a_report_ends_the_key_for_every_worker(served: Server) -> None:
    ada = served.owner()
    _, text = served.key(ada)
    answer = served.ask("POST", "/api/v2/key-reports", json={"key": text})
    assert (answer.status_code, answer.json()) == (202, {"status": "received"})
    for _ in range(20):
        assert status(served, ada, text) == (401, "revoked_key")


def test_of_alerts_at_once_one_ends_the_key(served: Server, github: Publisher) -> None:
    ada = served.owner()
    key, text = served.key(ada)
    body = body_of(match(text))
    answers = at_once(8, lambda _: post(served, github, body).status_code)
    assert answers == [200] * 8
    with served.models():
        assert actions(key) == ["api_key.created", "api_key.leaked", "api_key.revoked"]
        assert Leak.select().where(Leak.key == key.id).count() == 1
