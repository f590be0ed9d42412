"""Ports of the loopback address for the servers that tests start."""

from __future__ import annotations

import random
import socket

_NOT_FOR_CLIENTS = range(10_000, 32_768)  # Linux gives connections 32768 and above (ip(7))
_BY_CHANCE = random.SystemRandom()  # not the seeded one: all workers would choose the same


def free_port() -> int:
    """Return a port that nobody listens on, and that no connection takes before the server does."""
    while True:
        port = _BY_CHANCE.choice(_NOT_FOR_CLIENTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
