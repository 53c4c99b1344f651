"""Send what webhooks are to be told, signed, several endpoints at a time and to each one message after the other.

Whatever kills it, and however many run at once: each message is sent at least once, under the same `webhook-id`.
"""

import contextlib
import contextvars
import ipaddress
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from jobs import webhook_post
from models import database, outside, sealed, webhook_delivery, webhook_signature
from models.database import now
from models.errors import NotFound
from models.settings import Settings
from models.webhook import Webhook
from models.webhook_delivery import WebhookDelivery

THREADS = 4
# About so long; the rest is sent in the next run.
SECONDS = 20.0
# Then another endpoint has its turn.
AT_A_TIME = 20
# A thread that found nothing to do looks again after so long, while another one waits for an answer.
LOOK = 0.5
AGENT = "Gravity-Rail-Webhooks/1"

log = logging.getLogger("jobs.webhooks")


def use(settings: Settings) -> None:
    """Sign and send with these settings from now on."""
    sealed.use_keys(settings.secret_keys)
    outside.use(loopback=_is_loopback(urlsplit(settings.base_url).hostname or ""))


class _Shift:
    """What the threads of a run share: until when they begin something, and how many of them are at something."""

    def __init__(self) -> None:
        self.until = time.monotonic() + SECONDS
        self.busy = 0
        self.change = threading.Condition()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def all_are_done(self) -> bool:
        """Also if they are after a while; False when it is time to look again."""
        with self.change:
            return self.change.wait_for(lambda: not self.busy, LOOK)

    def _count(self, number: int) -> None:
        with self.change:
            self.busy += number
            self.change.notify_all()


def run() -> str:
    if not WebhookDelivery.any_due():
        return ""
    counts: dict[str, int] = {}
    shift = _Shift()
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(contextvars.copy_context().run, _work, shift) for _ in range(THREADS)]:
            for what, count in done.result().items():
                counts[what] = counts.get(what, 0) + count
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _work(shift: _Shift) -> dict[str, int]:
    """One thread, with a database connection of its own.

    It stays while another one waits for an answer: the next run begins after this one, and what happens meanwhile must
    not wait for an endpoint that hangs.
    """
    counts: dict[str, int] = {}
    try:
        while not shift.is_over:
            with shift.at_work():
                while not shift.is_over and _serve_one(shift, counts):
                    pass
            if shift.all_are_done():
                break
    finally:
        database.forget_connection()
    return counts


def _serve_one(shift: _Shift, counts: dict[str, int]) -> bool:
    """False when nothing is due."""
    hook = webhook_delivery.claim() if WebhookDelivery.any_due() else None
    if hook is None:
        return False
    try:
        _serve(hook, shift, counts)
    finally:
        webhook_delivery.release(hook)
    return True


def _serve(hook: Webhook, shift: _Shift, counts: dict[str, int]) -> None:
    for _ in range(AT_A_TIME):
        if shift.is_over or (delivery := WebhookDelivery.next_of(hook)) is None:
            return
        what = send(delivery, hook)
        counts[what] = counts.get(what, 0) + 1
        if what != "delivered":
            return


def send(delivery: WebhookDelivery, hook: Webhook) -> str:
    """One attempt; returns what became of it."""
    if not delivery.begin(hook):
        return "left to another sender"
    answer = _post(delivery, hook)
    good = answer.status is not None and 200 <= answer.status < 300
    # Neither the address nor the body: both may hold what is not ours to keep.
    seen = {"webhook": hook.id, "delivery": delivery.id, "event": delivery.event, "answer": answer.status}
    log.info("webhook", extra=seen | {"attempt": delivery.attempts, "outcome": answer.error or "delivered"})
    try:
        if good and answer.status is not None:
            delivery.delivered(hook, answer.status, answer.ms)
        else:
            delivery.failed(hook, answer.status, answer.ms, answer.error, wait=answer.wait)
    except NotFound:
        return "deleted meanwhile"
    return "delivered" if good else "failed"


def _post(delivery: WebhookDelivery, hook: Webhook) -> webhook_post.Answer:
    try:
        signing = hook.signing()
    except sealed.Unreadable:
        return webhook_post.Answer(None, 0, "Its secret cannot be read any more. Rotate the secret.")
    body = delivery.body.encode()
    headers = {"content-type": "application/json", "user-agent": AGENT}
    headers |= webhook_signature.headers(delivery.id, now(), body, signing)
    return webhook_post.post(hook.url, headers, body)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
