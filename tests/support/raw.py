"""Requests as bytes, over a socket of their own."""

import contextlib
import re
import socket

from tests.support.servers import Server


def send(server: Server, raw: bytes) -> tuple[int, bytes]:
    """Status and answer; status 0 when the server hung up without a word."""
    got = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as link, contextlib.suppress(ConnectionError):
        link.sendall(raw)
        while more := link.recv(65536):
            got += more
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", got)
    return (int(status[1]) if status else 0), got


def ask(server: Server, path: str, *headers: bytes, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    host = f"Host: 127.0.0.1:{server.port}".encode()
    lines = [f"{method} {path} HTTP/1.1".encode(), host, b"Connection: close", *headers]
    return send(server, b"\r\n".join(lines) + b"\r\n\r\n" + body)
