"""Ports of this machine on which the tests start servers."""

import secrets
import socket
from pathlib import Path

FIRST = 10_000
# Where the system says from which port on it chooses by itself; else what most systems have.
_CHOSEN_BY_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL = 32_768


def free_port() -> int:
    """A port on which nobody listens, nor is likely to before it is used.

    Not one that the system would choose: those it also gives to outgoing connections, of which there are many while a
    server starts. And by chance, since several runs look for ports at the same time.
    """
    while True:
        port = FIRST + secrets.randbelow(_end() - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _end() -> int:
    try:
        first = int(_CHOSEN_BY_THE_SYSTEM.read_text().split()[0])
    except (OSError, ValueError):
        first = _USUAL
    # Some systems choose from all ports.
    return first if first > 2 * FIRST else 65_536
