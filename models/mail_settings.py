"""Where mail goes out: the address of a mail server, read from one setting."""

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from models import text

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PORTS = {"smtp": 25, "smtps": 465}
KNOWN = {"starttls", "timeout"}
SENDER = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server. With `starttls` nothing is sent before the connection is encrypted."""

    host: str
    port: int
    tls: Literal["none", "starttls", "smtps"]
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0


def parse_smtp(value: str) -> Smtp:
    """Raises `ValueError` with one sentence that does not repeat the value, which may hold a password."""
    wrong = ValueError("GRAVITY_SMTP_URL must be like smtp://user:password@host:587?starttls=1 or smtps://host.")
    try:
        parts = urlsplit(value)
        port = parts.port
        options = parse_qs(parts.query, strict_parsing=True, max_num_fields=5) if parts.query else {}
    except ValueError:
        raise wrong from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or options.keys() - KNOWN:
        raise wrong
    starttls = options.get("starttls", ["0"])[-1]
    timeout = options.get("timeout", ["30"])[-1]
    if starttls not in ("0", "1") or not timeout.isdigit() or not 1 <= int(timeout) <= 120:
        raise ValueError("GRAVITY_SMTP_URL takes starttls=0 or 1, and timeout=1 to 120 seconds.")
    tls: Literal["none", "starttls", "smtps"] = "starttls" if starttls == "1" else "none"
    if parts.scheme == "smtps":
        tls = "smtps"
    if parts.username and tls == "none" and parts.hostname not in LOOPBACK:
        raise ValueError("GRAVITY_SMTP_URL would send its password in clear: add ?starttls=1 or use smtps://.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Smtp(parts.hostname, port or PORTS[parts.scheme], tls, user, password, float(timeout))


def parse_sender(value: str) -> str:
    """A sender such as `Gravity Rail <keys@example.com>`, in the form of a header. Hosts within a network will do."""
    name, address = parseaddr(value)
    try:
        text.line(value, what="a sender", longest=300)
        name = text.line(name, what="a name", longest=100, required=False)
        local, _, domain = address.rpartition("@")
        host = text.ascii_domain(domain)
        if not SENDER.fullmatch(f"{local}@{host}"):
            raise ValueError(address)
        return str(Address(name, local, host))
    except ValueError as problem:
        raise ValueError(
            f"GRAVITY_MAIL_FROM must be an address like Gravity Rail <keys@example.com>, not {value!r}."
        ) from problem


def usual_sender(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    # A number is no domain.
    return f"Gravity Rail <gravity-rail@{host if re.search('[a-z]', host) and ':' not in host else 'localhost'}>"
