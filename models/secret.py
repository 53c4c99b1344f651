"""The secret of an API key: its form, its masked type, and the keyed hash that is all we keep of it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.database import random_text

PREFIX = "gr_"
LENGTH = 20
# Crockford base32 in lower case, ASCII alone: no folding, trimming or normalising is ever done.
FORM = re.compile(r"gr_[0-9a-hjkmnp-tv-z]{20}", re.ASCII)
MASKED = "gr_…"
# Of SHA-256, in bytes.
BLOCK = 64


class Secret:
    """An API key in clear, for the one response that shows it.

    It prints, formats and represents as a mask, so that a log line, a traceback or a template that
    forgets about it leaks nothing. Only `reveal()` gives the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"<Secret {MASKED}>"

    def __str__(self) -> str:
        return MASKED

    def __format__(self, spec: str) -> str:
        return MASKED

    def __reduce__(self) -> str:
        raise TypeError("A secret is not copied or stored.")

    def reveal(self) -> str:
        return self._text

    @property
    def hint(self) -> str:
        """What lists show of it."""
        return hint(self.start, self.end)

    @property
    def start(self) -> str:
        """The four characters after the prefix, shown in lists."""
        return self._text[3:7]

    @property
    def middle(self) -> str:
        """What lists never show."""
        return self._text[7:-2]

    @property
    def end(self) -> str:
        """The two last characters, shown in lists."""
        return self._text[-2:]


@dataclass(frozen=True, slots=True, repr=False)
class Pepper:
    """A secret of ours under which keys are hashed; it is never in the database."""

    version: str
    key: bytes


def hint(start: str, end: str) -> str:
    """A key by its visible characters, such as `gr_4k7n…1x`."""
    return f"{PREFIX}{start}…{end}"


def generate() -> Secret:
    """A new secret: 100 random bits, with at least one digit so that scanners may ask for one."""
    while True:
        body = random_text(LENGTH)
        if any(char.isdigit() for char in body):
            return Secret(PREFIX + body)


def digest(text: str, pepper: Pepper) -> bytes:
    """HMAC-SHA-256 of the secret (RFC 2104).

    A fast hash is right here: 100 random bits cannot be guessed offline without the pepper, and a
    slow one on each request would let anybody exhaust the server.
    """
    begun_inner, begun_outer = _begun(pepper.key)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.digest()


@lru_cache
def _begun(key: bytes) -> tuple[Any, Any]:
    """Both hashes of the HMAC after their first block, which is the same for every secret.

    `hmac.digest` looks its algorithm up anew at every call, which was the top row of the request's profile.
    """
    block = (key if len(key) <= BLOCK else hashlib.sha256(key).digest()).ljust(BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


_peppers: tuple[Pepper, ...] = ()


def use_peppers(peppers: Sequence[Pepper]) -> None:
    """Set the peppers, newest first, once at start."""
    global _peppers
    _peppers = tuple(peppers)


def peppers() -> tuple[Pepper, ...]:
    return _peppers
