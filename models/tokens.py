"""Random texts that let somebody in by themselves, in cookies and in links: made here, and kept as hashes alone."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, as text that fits into an address."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """What is kept of a token. So many random bits need no slow hash and no pepper."""
    # What comes from outside may hold half a character, and is no token then.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
