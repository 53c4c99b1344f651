"""What is stored and must be read again in clear: encrypted, under keys that are made of `GRAVITY_SECRET_KEY`.

See docs/decisions/0019-webhooks.md.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# Names what the derived keys are for: the same setting also signs cookies and links.
PURPOSE = b"gravity-rail sealed text 1"


class Unreadable(Exception):
    """It was sealed under a key that is not configured any more."""


class _Box:
    keys: MultiFernet | None = None


def use_keys(keys: Sequence[str]) -> None:
    """Seal with the first of these from now on, and read what any of them sealed."""
    _Box.keys = MultiFernet([Fernet(_derived(key)) for key in keys])


def seal(text: str) -> bytes:
    return _keys().encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    try:
        return _keys().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Unreadable from None


def resealed(sealed: bytes) -> bytes:
    """The same text under the newest key, so that an old one can be taken away."""
    try:
        return _keys().rotate(bytes(sealed))
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    assert _Box.keys, "sealed.use_keys(keys) comes first"
    return _Box.keys


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode()))
