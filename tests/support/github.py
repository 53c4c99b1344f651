"""GitHub as it sends secret-scanning alerts: keys to sign with, a server that publishes them, alerts."""

import base64
import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from flask import Flask
from werkzeug.test import TestResponse

from models import github_keys
from models.settings import Settings
from tests.support.servers import PATIENCE

Send = Callable[..., TestResponse]

PATH = "/webhooks/github/secret-scanning"


class Signer:
    """A key of GitHub's."""

    def __init__(self, name: str, *, current: bool = True, key: PrivateKeyTypes | None = None) -> None:
        self.name = name
        self.current = current
        self.key: Any = key or ec.generate_private_key(ec.SECP256R1())

    def published(self) -> dict[str, Any]:
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        pem = self.key.public_key().public_bytes(*form).decode()
        return {"key_identifier": self.name, "key": pem, "is_current": self.current}

    def sign(self, body: bytes) -> bytes:
        signature: bytes = self.key.sign(body, ec.ECDSA(hashes.SHA256()))
        return signature

    def headers(self, body: bytes, signature: bytes | None = None) -> dict[str, str]:
        made = self.sign(body) if signature is None else signature
        return {
            "Content-Type": "application/json",
            "Github-Public-Key-Identifier": self.name,
            "Github-Public-Key-Signature": base64.b64encode(made).decode(),
        }


class Publisher:
    """A real HTTP server with the public keys, as GitHub's meta endpoint has them. It counts who asks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.signers = [Signer("current"), Signer("old", current=False)]
        self.asked = 0
        # In place of the document, when set.
        self.answer: tuple[int, bytes] | None = None

    @property
    def signer(self) -> Signer:
        return self.signers[0]

    def document(self) -> bytes:
        return json.dumps({"public_keys": [each.published() for each in self.signers]}).encode()


@contextlib.contextmanager
def publishing() -> Iterator[Publisher]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.asked += 1
            status, body = publisher.answer or (200, publisher.document())
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Keys are kept by their address for half an hour, and a port may come back within a run.
    publisher = Publisher(f"http://127.0.0.1:{server.server_port}/keys/{secrets.token_hex(8)}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def match(token: str, url: str = "https://github.com/octo/site/blob/1f/app.py#L3", **more: str) -> dict[str, str]:
    return {"token": token, "type": "gravity_rail_api_key", "url": url, "source": "content"} | more


def body_of(*matches: Any) -> bytes:
    return json.dumps(list(matches)).encode()


@pytest.fixture
def github(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(github_keys, "SECONDS", PATIENCE)
    with publishing() as publisher:
        app.config["SETTINGS"] = replace(settings, github_keys_url=publisher.url)
        yield publisher


@pytest.fixture
def send(app: Flask, github: Publisher) -> Send:
    """send(match(secret)): what the application answers to a signed alert."""

    def sent(*matches: Any, body: bytes | None = None, signer: Signer | None = None, **headers: str) -> TestResponse:
        content = body_of(*matches) if body is None else body
        signed = (signer or github.signer).headers(content) | headers
        return app.test_client(use_cookies=False).post(PATH, data=content, headers=signed)

    return sent


def labels(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["label"] for each in answer.get_json()]
