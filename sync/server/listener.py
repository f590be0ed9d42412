"""A listener that clients cannot exhaust: bounded connections, a deadline for each request."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from store.lockout import LOCAL, source_key
from store.text import printable
from sync.server.server_log import SummedLog, to_stderr

_POLL_SECONDS = 0.1
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)


class Limits(NamedTuple):
    """What bounds the clients of a server; of one address there are `most_of_one` connections."""

    most_connections: int = 256
    most_of_one: int = 64
    request_seconds: float = 10.0  # for a request to arrive


LIMITS = Limits()


class Listener(socketserver.TCPServer):
    """Listens from the start, on a free port if `port` is 0, with a thread for each connection.

    A request has `request_seconds` to arrive whole. Where there are `most_connections`, or an
    address has `most_of_one` (of IPv6 a /64), the one that has been arriving longest makes room; if
    none is arriving, the new one gets 503. `log` takes one line per request, see `SummedLog`; by
    default it goes to stderr. Raises `OSError` or `OverflowError` for an address that cannot be
    used.
    """

    allow_reuse_address = True
    request_queue_size = 128
    finishes = False  # what is being worked on when it ends

    def __init__(
        self,
        host: str,
        port: int,
        handler: type[socketserver.BaseRequestHandler],
        log: Callable[[str], None] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.limits = limits
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.log = SummedLog(log or to_stderr)
        self.timeout = _POLL_SECONDS
        self._host = host
        self._stopping = threading.Event()
        self._mutex = threading.Lock()
        self._open: dict[socket.socket, str] = {}  # whose they are
        self._arriving: dict[socket.socket, float] = {}  # until when
        self._threads: set[threading.Thread] = set()
        super().__init__((host, port), handler)

    def address(self, scheme: str = "http") -> str:
        """Return where it answers."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.server_address[1]}/"

    def serve(self) -> None:
        """Answer requests until `stop`, then close."""
        try:
            while not self._stopping.is_set():
                self.handle_request()
                self._hang_up_on_the_late()
                self.log.tick()
        finally:
            self.server_close()

    def stop(self) -> None:
        """Let `serve` return; may be called from a signal handler or another thread."""
        self._stopping.set()

    def server_close(self) -> None:
        """Close the port; wait for what is being worked on if that is to be finished."""
        super().server_close()
        with self._mutex:
            for request in self._arriving:
                _hang_up(request)
            threads = list(self._threads)
        for thread in threads if self.finishes else ():
            thread.join()
        self.log.close()

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; while the system has no room for one, do not try without pause."""
        try:
            return super().get_request()
        except OSError as error:
            self.log(f"no connection can be accepted: {error.strerror}")
            self._stopping.wait(_POLL_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the connection, or say at once that there is none."""
        client = source_key(client_address[0])
        if problem := self._no_room(client):
            self._refuse(request, f"busy: {problem}")
            return
        with self._mutex:
            self._open[request] = client
            self._arriving[request] = time.monotonic() + self.limits.request_seconds
            thread = threading.Thread(
                target=self._work, args=(request, client_address), daemon=not self.finishes
            )
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._forget(request, thread)
            self._refuse(request, "busy: the system starts no more threads")

    def arrived(self, request: socket.socket, answer_seconds: float) -> None:
        """Note that a request is here whole; the answer may take that long to be sent."""
        with self._mutex:
            self._arriving.pop(request, None)
        request.settimeout(answer_seconds)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what ended a connection: a failed handshake, a client that went away."""
        error = sys.exc_info()[1]
        reason = error if isinstance(error, OSError) else type(error).__name__
        self.log(f"{client_address[0]} connection failed: {printable(reason, 200)}")

    def _work(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - of any kind: this connection ends, the server goes on
            self.handle_error(request, client_address)
        finally:
            self._forget(request, threading.current_thread())
            self.shutdown_request(request)

    def _no_room(self, client: str) -> str:
        """Return why the client cannot be served, or make room and return nothing."""
        with self._mutex:
            if len(self._open) >= self.limits.most_connections:
                crowd, problem = list(self._open), f"{self.limits.most_connections} connections"
            else:
                crowd = [request for request, whose in self._open.items() if whose == client]
                name = "this machine" if client == LOCAL else client
                problem = f"{self.limits.most_of_one} connections from {name}"
                if len(crowd) < self.limits.most_of_one:
                    return ""
            slowest = min(
                (request for request in crowd if request in self._arriving),
                key=self._arriving.__getitem__,
                default=None,
            )
            if slowest is None:
                return f"{problem} are being worked on"
            del self._open[slowest], self._arriving[slowest]
            _hang_up(slowest)
        self.log(f"busy: {problem}; closed the one slowest to ask")
        return ""

    def _refuse(self, request: Any, problem: str) -> None:
        self.log(problem)
        with suppress(OSError):
            request.settimeout(_POLL_SECONDS)
            request.sendall(_BUSY)
        self.shutdown_request(request)

    def _forget(self, request: socket.socket, thread: threading.Thread) -> None:
        with self._mutex:
            self._open.pop(request, None)
            self._arriving.pop(request, None)
            self._threads.discard(thread)

    def _hang_up_on_the_late(self) -> None:
        now = time.monotonic()
        with self._mutex:
            for request in [late for late, until in self._arriving.items() if now > until]:
                del self._arriving[request]
                _hang_up(request)


def _hang_up(request: socket.socket) -> None:
    """Let a reader of the connection find its end; a TLS one stays whole meanwhile."""
    with suppress(OSError):
        socket.socket.shutdown(request, socket.SHUT_RD)
