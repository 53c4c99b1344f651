"""Who may send a secret-scanning alert: signatures, their keys, and what is no alert at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from flask import Flask

from models import ApiKey, github_keys
from models import settings as settings_module
from models.database import now
from models.settings import Settings, SettingsError
from tests.support.cast import Person
from tests.support.github import PATH, Publisher, Send, Signer, body_of, github, labels, match, send
from tests.support.keys import works

MakeKey = Callable[..., tuple[ApiKey, str]]

__all__ = ["github", "send"]


@pytest.mark.parametrize("missing", ["Github-Public-Key-Identifier", "Github-Public-Key-Signature", None])
def test_without_the_headers_there_is_nothing_here(github: Publisher, app: Flask, missing: str | None) -> None:
    headers = github.signer.headers(b"[]")
    for name in [missing] if missing else list(headers):
        del headers[name]
    answer = app.test_client().post(PATH, data=b"[]", headers=headers)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert github.asked == 0


@pytest.mark.parametrize("signature", ["", "x", "AAAA", "gr_", "A" * 9000, "MEUCIQ==", "MAYCAQACAQA=", "ü"])
def test_a_signature_that_is_none_is_refused(
    ada: Person, make_key: MakeKey, send: Send, github: Publisher, signature: str
) -> None:
    _, text = make_key(ada)
    answer = send(match(text), **{"Github-Public-Key-Signature": signature.encode().decode("latin-1")})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request")
    assert works(text)


def test_the_signature_is_that_of_the_very_bytes(ada: Person, make_key: MakeKey, github: Publisher, app: Flask) -> None:
    _, text = make_key(ada)
    body = body_of(match(text))
    headers = github.signer.headers(body)
    for changed in (body + b" ", body.replace(b"content", b"commits"), b"[]", b""):
        assert app.test_client().post(PATH, data=changed, headers=headers).status_code == 400
    assert works(text)
    assert app.test_client().post(PATH, data=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b'"x"', b"null", b"NaN", b"[NaN]", b"[" * 100_000, b"\xff", b'{"token": "x"}']
)
def test_what_is_no_list_is_refused(send: Send, body: bytes) -> None:
    assert send(body=body).status_code == 400


def test_short_numbers_in_a_signature_are_fine(send: Send) -> None:
    """r or s may begin with zeros, which DER leaves out."""
    assert {send(match(f"gr_{number:020d}")).status_code for number in range(300)} == {200}


def test_a_key_that_is_not_current_signs_nothing(ada: Person, make_key: MakeKey, send: Send, github: Publisher) -> None:
    _, text = make_key(ada)
    assert send(match(text), signer=github.signers[1]).status_code == 400
    assert send(match(text), signer=Signer("current")).status_code == 400
    assert works(text)


@pytest.mark.parametrize(
    "other", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()], ids=["P-384", "Ed25519"]
)
def test_keys_of_another_kind_sign_nothing(send: Send, github: Publisher, other: Any) -> None:
    github.signers.append(Signer("other", key=other))
    signed_otherwise = Signer("other", key=other if isinstance(other, ec.EllipticCurvePrivateKey) else None)
    assert send(signer=signed_otherwise).status_code == 400
    assert send().status_code == 200


@pytest.mark.parametrize("identifier", ["", "x y", "../x", "ü", "x" * 500])
def test_a_name_that_is_none_is_not_asked_for(send: Send, github: Publisher, identifier: str) -> None:
    named = {"Github-Public-Key-Identifier": identifier.encode().decode("latin-1")}
    assert send(**named).status_code == 400
    assert github.asked == 0


def test_a_body_without_end_is_refused_before_it_is_read(github: Publisher, app: Flask) -> None:
    claimed = {"CONTENT_LENGTH": str(17 * 1024 * 1024)}
    headers = github.signer.headers(b"[]")
    answer = app.test_client().post(PATH, data=b"[]", headers=headers, environ_overrides=claimed)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
    assert "16 MB" in answer.get_json()["detail"]
    large = b"[" + b" " * 3 * 1024 * 1024 + b"]"
    assert app.test_client().post(PATH, data=large, headers=github.signer.headers(large)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_a_post_is_taken(app: Flask, github: Publisher, method: str) -> None:
    assert app.test_client().open(PATH, method=method).status_code == 405


def test_a_session_and_a_cross_site_mark_change_nothing(app: Flask, send: Send) -> None:
    assert (
        send(**{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Cookie": "gravity=x"}).status_code
        == 200
    )


# The public keys


def test_the_keys_are_kept_for_half_an_hour(send: Send, github: Publisher) -> None:
    start = now()
    for minutes, asked in ((0, 1), (29, 1), (31, 2), (32, 2)):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            assert send().status_code == 200
            assert github.asked == asked


def test_a_new_name_brings_the_keys_anew_once(send: Send, github: Publisher) -> None:
    assert send().status_code == 200
    fresh = Signer("fresh")
    assert send(signer=fresh).status_code == 400
    assert github.asked == 2
    github.signers.insert(0, fresh)
    assert send(signer=fresh).status_code == 200
    assert github.asked == 3
    assert send(signer=fresh).status_code == 200
    assert github.asked == 3


def test_made_up_names_do_not_make_us_ask_without_end(send: Send, github: Publisher) -> None:
    start = now()
    with time_machine.travel(start, tick=False):
        for number in range(30):
            assert send(signer=Signer(f"made-up-{number}")).status_code == 400
        assert github.asked == 1 + github_keys.REFETCHES_AN_HOUR
    with time_machine.travel(start + timedelta(minutes=61), tick=False):
        assert send(signer=Signer("late")).status_code == 400
        assert send(signer=Signer("later")).status_code == 400
        assert github.asked == 3 + github_keys.REFETCHES_AN_HOUR


def test_a_key_that_is_withdrawn_stops_signing_once_it_is_read_anew(send: Send, github: Publisher) -> None:
    start = now()
    with time_machine.travel(start, tick=False):
        assert send().status_code == 200
    github.signer.current = False
    with time_machine.travel(start + timedelta(minutes=31), tick=False):
        assert send().status_code == 400


@pytest.mark.parametrize(
    "broken",
    [
        (500, b"{}"),
        (404, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"public_keys": {}}'),
        (200, b"\xff"),
        (200, b""),
    ],
)
def test_while_the_keys_cannot_be_read_github_is_asked_to_come_again(
    ada: Person, make_key: MakeKey, send: Send, github: Publisher, broken: tuple[int, bytes]
) -> None:
    _, text = make_key(ada)
    start = now()
    github.answer = broken
    with time_machine.travel(start, tick=False):
        for _ in range(2):
            answer = send(match(text))
            assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
            assert "Retry-After" in answer.headers
        assert github.asked == 1, "nobody waits for it twice at once"
    github.answer = None
    with time_machine.travel(start + timedelta(seconds=31), tick=False):
        assert labels(send(match(text))) == ["true_positive"]
    assert not works(text)


def test_a_server_of_keys_that_is_not_there_is_no_crash(app: Flask, settings: Settings, github: Publisher) -> None:
    app.config["SETTINGS"] = replace(settings, github_keys_url="http://127.0.0.1:9/keys")
    assert app.test_client().post(PATH, data=b"[]", headers=github.signer.headers(b"[]")).status_code == 503


def test_an_entry_that_is_broken_leaves_the_others(send: Send, github: Publisher) -> None:
    good = github.document()[:-2]
    entries = b', {"key_identifier": "b", "key": "x", "is_current": true}, 5, {"is_current": true}]}'
    github.answer = (200, good + entries)
    assert send().status_code == 200
    assert send(signer=Signer("b")).status_code == 400


# The address of the keys


@pytest.mark.parametrize(
    "value", ["ftp://a.example/", "file:///etc/passwd", "nowhere", "//a.example/", "https://", "https://u:p@a.example/x",
              "https://a.example:99999/"],
)  # fmt: skip
def test_an_address_of_keys_that_is_none_stops_the_start(value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GRAVITY_GITHUB_KEYS_URL must be an address like https") as found:
        settings_module.read({"GRAVITY_DATA_DIR": str(tmp_path), "GRAVITY_GITHUB_KEYS_URL": value})
    assert "u:p" not in str(found.value), "it may hold a password"


def test_without_an_address_it_is_the_one_of_github(tmp_path: Path) -> None:
    read = settings_module.read({"GRAVITY_DATA_DIR": str(tmp_path), "GRAVITY_GITHUB_KEYS_URL": " "})
    assert read.github_keys_url == "https://api.github.com/meta/public_keys/secret_scanning"
