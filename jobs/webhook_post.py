"""One signed request to an address that somebody chose: no redirects, no second look-up, bounded in time and size."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from models import outside, retry_after
from models.database import now
from models.errors import Invalid
from models.outside import Resolve, Target, Unreachable

# Seconds: for the connection, for each wait on it, and for all addresses of a name, however slowly they drip.
CONNECT, READ, WHOLE = 5.0, 15.0, 20.0
# The answer is its status; of its body no more is read, and nothing kept.
MOST_READ = 4096
# So many notes that an answer is to come are passed over.
MOST_INTERIM = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, if there was one, how long it took, and what went wrong, in words for people."""

    status: int | None
    ms: int
    error: str = ""
    # How long it asks to be left alone.
    wait: timedelta = timedelta(0)


class _Final(http.client.HTTPResponse):
    """The library passes over 100 alone. Early hints and the like are no answer either; 101 ends what is HTTP."""

    def begin(self) -> None:
        for _ in range(MOST_INTERIM):
            super().begin()
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS or self.status >= 200:
                return
            self.headers = None  # type: ignore[assignment] # as before it has begun
        raise http.client.HTTPException("no end of interim answers")


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was checked; the name is for TLS and the Host field."""

    response_class = _Final

    def __init__(self, target: Target, address: str, context: ssl.SSLContext | None, until: float) -> None:
        self.default_port = 443 if target.tls else 80
        super().__init__(target.host, target.port, timeout=READ)
        self.address = address
        self.context = context
        self.until = until
        self.stopped = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self._left(CONNECT))
        # Nobody can stop it while TLS is agreed on, which is one wait.
        self.sock.settimeout(self._left(READ))
        if self.context:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)

    def _left(self, seconds: float) -> float:
        left = min(seconds, self.until - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left

    def stop(self) -> None:
        """Whatever waits for the other side waits no longer."""
        self.stopped, line = True, self.sock
        with contextlib.suppress(OSError):
            if line:
                socket.socket.shutdown(line, socket.SHUT_RDWR)


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    resolve: Resolve = socket.getaddrinfo,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send the body to the address. The address is checked here once more, whenever it was saved."""
    began = time.monotonic()
    try:
        target = outside.checked(url)
        status, asked = _first_answer(target, outside.addresses(target, resolve), headers, body, context)
    except (Invalid, Unreachable) as problem:
        return Answer(None, _since(began), str(problem))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return Answer(None, _since(began), _words(problem, time.monotonic() - began))
    wait = retry_after.wait(asked, now()) if status in retry_after.BUSY else timedelta(0)
    return Answer(status, _since(began), _about(status), wait)


def _first_answer(
    target: Target, addresses: list[str], headers: Mapping[str, str], body: bytes, context: ssl.SSLContext | None
) -> tuple[int, str | None]:
    tls, until = (context or _trusted()) if target.tls else None, time.monotonic() + WHOLE
    for place, address in enumerate(addresses):
        connection = _Pinned(target, address, tls, until)
        with contextlib.closing(connection), _limited(connection):
            try:
                connection.connect()
            except (ConnectionError, TimeoutError):
                # Nothing was sent yet, so the next address is no second delivery.
                if place + 1 == len(addresses):
                    raise
                continue
            return _exchange(connection, target, headers, body)
    raise AssertionError("unreachable")


def _exchange(connection: _Pinned, target: Target, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
    connection.request("POST", target.path, body, dict(headers))
    answer = connection.getresponse()
    if connection.stopped:
        # Half an answer looks whole to the library.
        raise TimeoutError
    # So that a receiver which still writes is not cut off; what it says is of no interest.
    with contextlib.suppress(OSError, http.client.HTTPException):
        answer.read(MOST_READ)
    return answer.status, answer.getheader("retry-after")


@contextlib.contextmanager
def _limited(connection: _Pinned) -> Iterator[None]:
    timer = threading.Timer(connection.until - time.monotonic(), connection.stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _about(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"Answered {status}. Redirects are not followed: enter the address it leads to."
    if status == 410:
        return "Answered 410: it wants no more."
    return f"Answered {status}."


def _words(problem: Any, seconds: float) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return "Its certificate is not valid for this name."
    if isinstance(problem, TimeoutError) or seconds >= WHOLE:
        return "It did not answer in time."
    if isinstance(problem, ConnectionRefusedError):
        return "It refused the connection."
    if isinstance(problem, ssl.SSLError):
        return "TLS could not be agreed on."
    if isinstance(problem, OSError):
        return "The connection failed."
    return "What it answered is not HTTP."


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
