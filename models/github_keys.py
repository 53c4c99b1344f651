"""GitHub's signatures on secret-scanning alerts: its public keys, read and kept for a while, and the check itself."""

import base64
import binascii
import json
import logging
import re
import threading
import urllib.request
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.database import now
from models.errors import Unavailable

KEPT = timedelta(minutes=30)
# After a failure nobody waits for GitHub again before this.
PAUSE = timedelta(seconds=30)
# GitHub answers 60 requests an hour, and anybody can name a key that we have not seen.
REFETCHES_AN_HOUR = 10
SECONDS = 3
LONGEST = 1024 * 1024
IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
# A DER signature of P-256 has at most 72 bytes.
LONGEST_SIGNATURE = 100

log = logging.getLogger(__name__)


class SigningKey:
    """A current key of GitHub's."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self.key = key

    def signed(self, body: bytes, signature: bytes) -> bool:
        try:
            self.key.verify(signature, body, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


class SigningKeys:
    """The current keys at an address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lock = threading.Lock()
        self.keys: dict[str, SigningKey] = {}
        self.read_at: datetime | None = None
        self.failed_at: datetime | None = None
        self.refetched: deque[datetime] = deque(maxlen=REFETCHES_AN_HOUR)

    def find(self, identifier: str) -> SigningKey | None:
        """The current key of this name. Raises `Unavailable` while the keys cannot be read."""
        if not IDENTIFIER.fullmatch(identifier):
            return None
        with self.lock:
            if not self._is_fresh():
                self._read()
            elif identifier not in self.keys and self._may_refetch():
                self.refetched.append(now())
                self._read()
            return self.keys.get(identifier)

    def _is_fresh(self) -> bool:
        return self.read_at is not None and timedelta(0) <= now() - self.read_at < KEPT

    def _may_refetch(self) -> bool:
        if len(self.refetched) < REFETCHES_AN_HOUR:
            return True
        return not timedelta(0) <= now() - self.refetched[0] < timedelta(hours=1)

    def _read(self) -> None:
        if self.failed_at is not None and timedelta(0) <= now() - self.failed_at < PAUSE:
            raise Unavailable(AWAY)
        try:
            self.keys = _current(_fetched(self.url))
        except (OSError, ValueError) as problem:
            self.failed_at = now()
            log.warning("the keys of secret scanning could not be read", extra={"reason": type(problem).__name__})
            raise Unavailable(AWAY) from problem
        self.read_at, self.failed_at = now(), None


def decoded(signature: str) -> bytes | None:
    """The bytes of the header that holds the signature."""
    if len(signature) > 2 * LONGEST_SIGNATURE:
        return None
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _fetched(url: str) -> Any:
    request = urllib.request.Request(  # noqa: S310 the scheme is checked with the settings
        url, headers={"Accept": "application/json", "User-Agent": "gravity-rail"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 as above
        text = answer.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise ValueError("too long")
    return json.loads(text)


def _current(document: Any) -> dict[str, SigningKey]:
    """The keys that may sign now. An entry that is not as it should be is left out, and so fails its signatures."""
    listed = document.get("public_keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of keys")
    found = {}
    for each in listed:
        if isinstance(each, dict) and each.get("is_current") is True and (key := _loaded(each.get("key"))):
            found[str(each.get("key_identifier"))] = SigningKey(key)
    return found


def _loaded(pem: Any) -> ec.EllipticCurvePublicKey | None:
    try:
        key = serialization.load_pem_public_key(str(pem).encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


AWAY = "The public keys of secret scanning cannot be read. Send the alert again shortly."
_known: dict[str, SigningKeys] = {}


def at(url: str) -> SigningKeys:
    """The keys at an address, kept for the process."""
    return _known.setdefault(url, SigningKeys(url))
