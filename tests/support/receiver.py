"""A server that receives webhooks and answers them as it is told, over real sockets."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import standardwebhooks


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    answer: int | str | bytes = 404

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The event, after the reference library has checked its signature."""
        return standardwebhooks.Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """`answers` are used up in order, the last one for all that follow: a status, `hang`, `drip`, `close`, or bytes."""

    port: int
    answers: list[int | str | bytes] = field(default_factory=lambda: [200])
    got: list[Received] = field(default_factory=list)
    location: str = "/elsewhere"
    retry_after: str | None = None
    released: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?source=gravity"


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_GET(self) -> None:
        self.receiver.got.append(Received(self.path, {}, b""))
        self.send_error(404)

    def do_POST(self) -> None:
        told, length = self.receiver, int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # The sender died on the way: no server takes half a request.
            self.close_connection = True
            return
        answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        told.got.append(Received(self.path, headers, body, answer))
        told.arrived.set()
        if answer == "hang":
            told.released.wait(60)
        elif answer == "drip":
            self._drip()
        elif isinstance(answer, bytes):
            self.wfile.write(answer)
            self.close_connection = True
        elif isinstance(answer, int):
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", told.location)
            if told.retry_after is not None:
                self.send_header("Retry-After", told.retry_after)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            # More than is read: nobody waits for the rest.
            with contextlib.suppress(OSError):
                self.wfile.write(b"x" * 100000)

    def _drip(self) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.released.wait(0.05):
                self.wfile.write(b"X-Slow: 1\r\n")

    @property
    def released(self) -> threading.Event:
        return self.receiver.released

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiving(context: Any = None) -> Iterator[Receiver]:
    """Over TLS if a context is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server.server_address[1])
    server.RequestHandlerClass = type("Handler", (_Handler,), {"receiver": receiver})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
