"""Looking host names up without ever waiting longer than the deadline."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any


def abandon_slow_lookups() -> None:
    """Have the running event loop look names up in threads that nothing waits for.

    A look-up cannot be cancelled: where no name server answers, glibc takes up to half a minute
    to give up. asyncio does it in its executor, which `asyncio.run` and the end of the process
    wait for, so a log-on with a deadline of 10 s would answer long after it.
    """
    asyncio.get_running_loop().getaddrinfo = _look_up  # type: ignore[method-assign]


async def _look_up(
    host: bytes | str | None,
    port: bytes | str | int | None,
    *,
    family: int = 0,
    type: int = 0,  # noqa: A002 - the name that asyncio gives it
    proto: int = 0,
    flags: int = 0,
) -> list[Any]:
    answer: Future[list[Any]] = Future()

    def work() -> None:
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(socket.getaddrinfo(host, port, family, type, proto, flags))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=work, name=f"look-up of {host!r}", daemon=True).start()
    return await asyncio.wrap_future(answer)
