"""Find the keys that somebody should look at, and promise the notices about them."""

from models import key_notices


def run() -> str:
    found = key_notices.promise_all()
    return ", ".join(f"{kind.replace('_', ' ')}: {number}" for kind, number in sorted(found.items()))
