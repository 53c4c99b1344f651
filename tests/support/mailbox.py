"""A real mail server that answers as a test says, and what arrives there."""

import asyncio
import contextlib
import email
import ssl
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from jobs import send_mail
from models.mail_settings import Smtp
from models.settings import Settings

# Seconds that any answer may take: only where one never comes is it waited for less.
PATIENCE = 60.0
SENDER = "Gravity Rail <keys@keys.example.com>"


@dataclass(frozen=True)
class Arrived:
    """One copy of a message. `answered` tells whether the sender was told of it."""

    to: tuple[str, ...]
    raw: bytes
    answered: bool

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=default)

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return content(self.message, "plain")

    @property
    def html(self) -> str:
        return content(self.message, "html")


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@dataclass
class Mailbox:
    """What the server is to do with the next messages to an address: see `ANSWERS`. Else it takes them."""

    arrived: list[Arrived] = field(default_factory=list)
    plans: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    everything: str = ""
    connections: int = 0
    port: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def smtp(self, **more: Any) -> Smtp:
        return Smtp("127.0.0.1", self.port, **{"tls": "none", "timeout": PATIENCE, **more})

    def settings(self, settings: Settings, **more: Any) -> Settings:
        return replace(settings, smtp=self.smtp(**more), mail_from=SENDER)

    def copies(self) -> Counter[str]:
        return Counter(each.id for each in self.arrived)

    def to(self, address: str) -> list[Arrived]:
        return [each for each in self.arrived if address in each.to]

    def next_for(self, address: str) -> str:
        plan = self.plans[address]
        return plan.pop(0) if plan else self.everything

    # What follows is called by aiosmtpd.

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return answers

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        session.plan = self.next_for(address)  # type: ignore[attr-defined]
        early = {
            "421": "421 4.3.2 Come back later",
            "450": "450 4.2.1 Busy",
            "550": "550 5.1.1 No such user",
            "551": "551 5.7.1 Moved",
        }
        if session.plan in early:  # type: ignore[attr-defined]
            return early[session.plan]  # type: ignore[attr-defined]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        plan = session.plan  # type: ignore[attr-defined]
        late = {"451": "451 4.3.0 Try again", "554": "554 5.6.0 We do not like it"}
        if plan in late:
            return late[plan]
        answered = plan not in ("hang", "cut")
        self.arrived.append(Arrived(tuple(envelope.rcpt_tos), bytes(envelope.original_content or b""), answered))
        if plan == "hang":
            await self.stopped.wait()
        if plan == "cut":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 2.0.0 Taken"


ANSWERS = ("421", "450", "550", "551", "451", "554", "hang", "cut")


class _Controller(Controller):
    def __init__(self, mailbox: Mailbox, **kwargs: Any) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=0, ready_timeout=PATIENCE, **kwargs)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def running(certificate: Path | None = None, *, smtps: bool = False) -> Iterator[Mailbox]:
    """The server, on a port of its own. With a certificate it wants STARTTLS, or TLS from the first byte."""
    served = Mailbox()
    more: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        more = {"ssl_context": context} if smtps else {"tls_context": context, "require_starttls": True}
    controller = _Controller(served, **more)
    controller.start()
    try:
        served.port = controller.port
        yield served
    finally:
        controller.loop.call_soon_threadsafe(served.stopped.set)
        controller.stop()


@pytest.fixture
def mailbox(app: Flask, settings: Settings) -> Iterator[Mailbox]:
    """A real mail server, to which jobs/send_mail.py sends."""
    with running() as server:
        send_mail.use(server.settings(settings))
        yield server
        send_mail.use(settings)
