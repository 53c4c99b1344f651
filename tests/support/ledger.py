"""Every secret that the suite gets to see, held in memory alone: the last test looks for them everywhere else."""

import re
import secrets

from models import CalendarFeed, secret
from models.secret import Secret
from models.session import BrowserSession
from models.webhook_signature import SigningSecret

KEY = re.compile(r"gr_[0-9a-hjkmnp-tv-z]{20}")

_noted: dict[str, str] = {}


def note(text: str, what: str) -> str:
    _noted[text] = what
    return text


def note_keys(text: str) -> None:
    """Note each key that a server of the suite revealed in this answer."""
    for key in KEY.findall(text):
        note(key, "key")


def noted() -> dict[str, str]:
    """Secret → what it is."""
    return dict(_noted)


def fresh(what: str) -> str:
    """A new password, pepper or signing key that occurs nowhere else."""
    return note(secrets.token_urlsafe(36), what)


def record() -> None:
    """From now on, note each key and each session token that this process makes."""
    generate, start, confirm = secret.generate, BrowserSession.start, BrowserSession.confirm

    def generate_noted() -> Secret:
        made = generate()
        note(made.reveal(), "key")
        return made

    def start_noted(*args: object, **kwargs: object) -> tuple[BrowserSession, str]:
        row, token = start(*args, **kwargs)  # type: ignore[arg-type]
        note(token, "session token")
        return row, token

    def confirm_noted(row: BrowserSession) -> str:
        return note(confirm(row), "session token")

    sign, feed = SigningSecret.generate, CalendarFeed.make

    def sign_noted() -> SigningSecret:
        made = sign()
        note(made.reveal(), "signing secret of a webhook")
        return made

    def feed_noted(*args: object, **kwargs: object) -> str:
        return note(feed(*args, **kwargs), "calendar token")  # type: ignore[arg-type]

    SigningSecret.generate = sign_noted  # type: ignore[method-assign]
    CalendarFeed.make = feed_noted  # type: ignore[method-assign]
    secret.generate = generate_noted
    BrowserSession.start = start_noted  # type: ignore[method-assign]
    BrowserSession.confirm = confirm_noted  # type: ignore[method-assign,assignment]
