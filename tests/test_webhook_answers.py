"""Whatever a receiver sends back, an attempt ends, tells what it saw, and costs little."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import webhook_post
from models import outside
from tests.support.receiver import receiving

DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO_HTTP = "What it answered is not HTTP."


@pytest.fixture(autouse=True)
def in_development() -> Iterator[None]:
    outside.use(loopback=True)
    yield
    outside.use(loopback=False)


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        (DONE, 200, ""),
        # What comes before the answer is none (RFC 9110, 15.2), whatever it is.
        (b"HTTP/1.1 100 Continue\r\n\r\n" + DONE, 200, ""),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + DONE, 200, ""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + DONE, 200, ""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 x\r\n\r\n", 500, "Answered 500."),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000 + DONE, None, NO_HTTP),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", None, "The connection failed."),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 101, "Answered 101."),
        (b"hello\r\n", None, NO_HTTP),
        (b"\0\0\x12\4\0\0\0\0\0", None, NO_HTTP),
        (b"HTTP/1.1 -20 x\r\n\r\n", None, NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, None, NO_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000, None, NO_HTTP),
        (b"x" * 100_000, None, NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 100_000, 200, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", 200, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 200, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\x00", 200, ""),
        (b"HTTP/1.1 200 \xff\x00\r\nRetry-After: \xff\r\n\r\n", 200, ""),
    ],
)  # fmt: skip
def test_the_answer_is_the_first_status_that_is_final(sent: bytes, status: int | None, error: str) -> None:
    with receiving() as receiver:
        receiver.answers = [sent]
        answer = webhook_post.post(receiver.url, {}, b"{}")
        assert (answer.status, answer.error) == (status, error)
        assert len(receiver.got) == 1


def test_all_addresses_of_a_name_together_have_the_time_of_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take the connection and never agree on TLS, which is a reason to try the next one."""
    monkeypatch.setattr(webhook_post, "READ", 0.5)
    monkeypatch.setattr(webhook_post, "WHOLE", 0.7)

    def three(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in (1, 2, 3)]

    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)), socket.create_server(("127.0.0.3", port)) as last:
            answer = webhook_post.post(f"https://localhost:{port}/", {}, b"{}", resolve=three)
            assert (answer.status, answer.error) == (None, "It did not answer in time.")
            last.settimeout(0)
            with pytest.raises(BlockingIOError):
                last.accept()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One would look the name up once more, and see what it leads to from its own place in the network."""
    with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert webhook_post.post(receiver.url, {}, b"{}").status == 200
        assert proxy.got == []
