"""Send what is due: gather notices into messages, put each together as it is true now, and hand it over.

Whatever kills it, and however many run at once: a message that was accepted is not sent again, unless it was killed
between the acceptance and its note of it. Then the same bytes go out once more, under the same Message-ID.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Protocol

from peewee import InterfaceError, OperationalError

from jobs import mail_compose, mail_files, mail_smtp
from jobs.mail_outcome import Outcome, Unreachable
from models import mail_gather, mail_truth, sealed
from models.mail import Mail
from models.settings import Settings

# About so long; other jobs go on meanwhile, and the rest is sent in the next run.
SECONDS = 60.0
# A server that is away is asked again after longer and longer, up to this.
LONGEST_PAUSE = 60.0

log = logging.getLogger("jobs.mail")


class Post(Protocol):
    """A way out for messages."""

    def ready(self) -> None:
        """Raises `Unreachable` while nothing can be handed over."""

    def deliver(self, mail: Mail, message: bytes) -> Outcome: ...

    def close(self) -> None: ...


class _Sender:
    """What a process knows of sending: its settings, and how long the server has been away."""

    settings: Settings | None = None
    failures = 0
    quiet_until = 0.0


_state = _Sender()


def use(settings: Settings) -> None:
    """Send with these settings from now on."""
    _state.settings, _state.failures, _state.quiet_until = settings, 0, 0.0
    sealed.use_keys(settings.secret_keys)


def run() -> str:
    assert _state.settings, "send_mail.use(settings) comes first"
    gathered = mail_gather.gather()
    if time.monotonic() < _state.quiet_until:
        return ""
    counts = _send_all(_state.settings)
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    return said or (f"{gathered} gathered" if gathered else "")


def _send_all(settings: Settings) -> dict[str, int]:
    counts: dict[str, int] = {}
    deadline, is_away = time.monotonic() + SECONDS, False
    with _open_post(settings) as post:
        while time.monotonic() < deadline and (mail := Mail.claim()):
            try:
                what = _send(mail, post, settings)
            except Unreachable as problem:
                # It says nothing about this message, which keeps its place.
                mail.unreached(str(problem))
                counts["waiting"] = counts.get("waiting", 0) + 1
                is_away = True
                break
            counts[what] = counts.get(what, 0) + 1
    _note_reach(is_away)
    return counts


def _send(mail: Mail, post: Post, settings: Settings) -> str:
    """One message; returns what became of it."""
    try:
        message = _message(mail, settings)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # One message that cannot be put together must not keep the others.
        log.exception("a mail could not be put together", extra={"mail": mail.id, "kind": mail.kind})
        mail.refused("It could not be put together.")
        return "not put together"
    if message is None:
        mail.drop("Nothing of it is true any more.")
        return "dropped"
    # First, because it may take long, and until it is done there is no attempt.
    post.ready()
    if not mail.keep(message):
        return "left to another sender"
    outcome = post.deliver(mail, message)
    log.info("mail", extra={"mail": mail.id, "kind": mail.kind, "outcome": outcome.what, "reply": outcome.said})
    if outcome.what == "sent":
        mail.sent()
    elif outcome.what == "refused":
        mail.refused(outcome.said)
    elif outcome.what == "dead":
        mail.bury(outcome.said)
    else:
        mail.unanswered(outcome.said)
    return outcome.what


def _message(mail: Mail, settings: Settings) -> bytes | None:
    """What may have arrived already goes out word for word, if anything of it is true still."""
    if mail.in_doubt and (kept := mail.kept()) is not None:
        return kept if mail_truth.any_true(mail) else None
    return mail_compose.compose(mail, mail_truth.still_true(mail), settings)


@contextlib.contextmanager
def _open_post(settings: Settings) -> Iterator[Post]:
    post: Post = mail_smtp.Server(settings.smtp, settings.mail_from) if settings.smtp else mail_files.Folder(settings)
    try:
        yield post
    finally:
        post.close()


def _note_reach(is_away: bool) -> None:
    _state.failures = _state.failures + 1 if is_away else 0
    pause = min(2.5 * 2**_state.failures, LONGEST_PAUSE) if is_away else 0.0
    _state.quiet_until = time.monotonic() + pause
