"""Signatures of webhooks as Standard Webhooks has them: https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

PREFIX = "whsec_"
BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """What an endpoint checks signatures with. It masks itself wherever it is printed."""

    text: str = field(repr=False)

    @classmethod
    def generate(cls) -> "SigningSecret":
        return cls(PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode())

    def reveal(self) -> str:
        return self.text


def headers(message_id: str, moment: datetime, body: bytes, signing: Sequence[SigningSecret]) -> dict[str, str]:
    """The three fields of a message. During a rotation it is signed with both secrets."""
    timestamp = str(int(moment.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(each, signed)}" for each in signing),
    }


def _signature(secret: SigningSecret, signed: bytes) -> str:
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
