"""Syncs as whole processes that ask over HTTP: `python -m benchmarks.whole`.

The first sync into an empty store, and one in which one user in a hundred changed, is new or gone.
The floor is a script that leaves as much: users, archive folders, a record, a backup. It checks
nothing and tells nothing.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from benchmarks.company import ANSWER, STORE, fresh_copy, make_company
from benchmarks.samples import Sample, apart, options, report, used


@contextmanager
def directory(answer: bytes) -> Iterator[str]:
    """Serve the answer to whoever asks; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def rows(home: Path, what: str, goal: str, deletes: int) -> Iterator[Sample]:
    """Measure one sync and its floor, each in a fresh copy of the company."""
    floor = used("-m", "benchmarks.bare_script", fresh_copy(home))
    store = fresh_copy(home) / STORE
    confirmed = ("--allow-deletes", str(deletes))
    own = used("-m", "tui.cli", "--store", store, "sync", "--yes", *confirmed)
    yield Sample(what, own.seconds, floor.seconds, goal=goal)
    yield Sample(f"  {what}, processor", own.processor, floor.processor)
    yield Sample("  memory, of the store's file", own.peak, store.stat().st_size, "MB")


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure so many rounds."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        home = apart(make_company, Path(name), users)
        new = Path(name, "new")
        new.mkdir()
        with directory((home / ANSWER).read_bytes()) as url:
            service = ("directory_service=application_integration", f"url={url}")
            for company in (home, new):
                used("-m", "tui.cli", "--store", company / STORE, "settings", "set", *service)
            for _ in range(rounds):
                samples += rows(new, f"first sync of {users}", "<= 1.3", 0)
                samples += rows(home, f"sync of {users}, 1 % of them", "<= 1.6", users // 100)
    return samples


if __name__ == "__main__":
    chosen = options(__doc__)
    print("\n".join(report(measure(chosen.users, chosen.rounds))))
