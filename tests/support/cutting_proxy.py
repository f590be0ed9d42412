"""A TCP proxy before PostgreSQL that cuts, or holds its breath, when a certain statement passes."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Literal

Where = Literal["before", "after"]


class CuttingProxy:
    """Passes bytes on until the client has sent `text` once more than `passes` times.

    `before`: the statement is not passed on. `after`: it is, and its answer is not. Then both ends
    are cut, or with `mute` simply left. Later connections pass, unless it is `down`.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.down = False
        self.cuts = 0
        self.asked = 0  # how often a client sent something
        self._rule: tuple[bytes, Where, int, bool] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()

    def arm(self, text: bytes, where: Where, passes: int = 0, *, mute: bool = False) -> None:
        """Cut at this statement, once."""
        self._rule = (text, where, passes, mute)

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.down:
                client.close()
                continue
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self, client: socket.socket) -> None:
        to = ("127.0.0.1", self.target)
        with client, socket.create_connection(to) as server, contextlib.suppress(OSError):
            self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        while not self._closing.is_set():
            for ready in select.select([client, server], [], [], 0.1)[0]:
                data = ready.recv(1 << 16)
                if not data:
                    return
                self.asked += ready is client
                if ready is client and (rule := self._meets(data)):
                    _, where, _, mute = rule
                    if where == "after":
                        server.sendall(data)
                        server.recv(1 << 16)  # so it was done
                    self.cuts += 1
                    if mute:
                        self._closing.wait()
                    return
                (server if ready is client else client).sendall(data)

    def _meets(self, data: bytes) -> tuple[bytes, Where, int, bool] | None:
        rule = self._rule
        if rule is None or rule[0] not in data:
            return None
        if rule[2]:
            self._rule = (rule[0], rule[1], rule[2] - 1, rule[3])
            return None
        self._rule = None
        return rule


@contextlib.contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    """A proxy before that port of this machine."""
    proxy = CuttingProxy(port)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
