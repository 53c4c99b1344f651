"""Who may read `/metrics`: this machine, or whoever sends the token."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.settings import Settings, SettingsError, read
from tests.support import ledger
from tests.support.cast import Person
from tests.support.connection import disconnect

TOKEN = ledger.fresh("metrics token")
Configure = Callable[..., FlaskClient]


@pytest.fixture
def configured(app: Flask, settings: Settings) -> Iterator[Configure]:
    """configured(metrics_token=…): a client of the application with other settings."""

    def made(**changed: Any) -> FlaskClient:
        app.config["SETTINGS"] = replace(settings, **changed)
        return app.test_client()

    yield made
    app.config["SETTINGS"] = settings


def status_from(client: FlaskClient, peer: str, **headers: str) -> int:
    return client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": peer}).status_code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_read(client: FlaskClient, peer: str) -> None:
    assert status_from(client, peer) == 200
    assert status_from(client, peer, Host="127.0.0.1:8000") == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", "unknown"])
def test_without_a_token_others_may_not(client: FlaskClient, peer: str) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": peer})
    assert (answer.status_code, answer.mimetype) == (403, "text/plain")
    assert "gravity_" not in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"]
)
def test_without_a_token_nothing_that_passed_a_proxy_is_answered(client: FlaskClient, name: str) -> None:
    assert status_from(client, "127.0.0.1", **{name: "127.0.0.1"}) == 403


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_token_a_proxy_that_adds_nothing_is_known_by_the_name(configured: Configure) -> None:
    client = configured(trusted_hosts=("localhost", "127.0.0.1", "keys.example.com"))
    assert status_from(client, "127.0.0.1", Host="keys.example.com") in (400, 403)
    assert status_from(client, "127.0.0.1", Host="127.0.0.1:8000") == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_peer_counts_whatever_a_trusted_proxy_tells(settings: Settings) -> None:
    from app import create_app

    disconnect()
    client = create_app(replace(settings, trusted_proxies=1)).test_client()
    assert status_from(client, "203.0.113.9", **{"X-Forwarded-For": "127.0.0.1"}) == 403
    assert status_from(client, "127.0.0.1", **{"X-Forwarded-For": "127.0.0.1"}) == 403
    assert status_from(client, "203.0.113.9") == 403
    assert status_from(client, "127.0.0.1") == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_a_token_whoever_sends_it_may_read_from_anywhere(configured: Configure) -> None:
    client = configured(metrics_token=TOKEN)
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {TOKEN}", "X-Forwarded-For": "203.0.113.9", "Host": "10.0.4.7:8000"}
        assert status_from(client, "203.0.113.9", **headers) == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# TOKEN stands for the token, which must not be part of a test's name.
@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer TOKENx", "Basic TOKEN", "TOKEN", "Bearer é", "Bearer x"])
def test_with_a_token_nobody_else_may_not_even_from_here(configured: Configure, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent.replace("TOKEN", TOKEN)}
    answer = configured(metrics_token=TOKEN).get("/metrics", headers=headers)
    assert (answer.status_code, answer.mimetype) == (401, "text/plain")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert TOKEN not in answer.text
    assert "gravity_http" not in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_of_the_api_opens_nothing(configured: Configure, ada: Person, make_key: Any) -> None:
    _, secret = make_key(ada)
    headers = {"Authorization": f"Bearer {secret}"}
    assert configured(metrics_token=TOKEN).get("/metrics", headers=headers).status_code == 401


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "with a blank in between", "täglich-wechselnd-ein-wort"])
def test_a_token_that_cannot_be_sent_is_refused_without_being_told(token: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read({"GRAVITY_METRICS_TOKEN": token, "GRAVITY_DATA_DIR": str(tmp_path)})
    (line,) = refused.value.mistakes
    assert "GRAVITY_METRICS_TOKEN" in line
    assert token not in line


def test_the_token_is_read_and_not_shown(tmp_path: Path) -> None:
    given = read({"GRAVITY_METRICS_TOKEN": TOKEN, "GRAVITY_DATA_DIR": str(tmp_path)})
    assert given.metrics_token == TOKEN
    assert TOKEN not in repr(given)
    assert read({"GRAVITY_DATA_DIR": str(tmp_path)}).metrics_token == ""
