"""What a hostile directory can cost: `python -m benchmarks.hostile`.

Each misbehaviour is met by a process of its own, under the default limits but for a deadline of
`--seconds`: the time until it knew what to make of it, and the memory beyond what it had before it
asked.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.hostile_server import Behaviour, answer, hostile_server

SIZE = 64 << 20  # the default limit


class Cost(NamedTuple):
    """What one answer cost: seconds by the clock and of the processor, MiB beyond the start.

    `outcome` is what was made of it.
    """

    seconds: float
    processor: float
    mib: int
    outcome: str


def full(start: bytes, item: bytes, end: bytes, count: int = SIZE) -> bytes:
    """As many of `item` as the limits of size and number let through."""
    room = (SIZE - len(start) - len(end)) // (len(item) + 1)
    return start + b",".join([item] * min(room, count)) + end


def users(record: str, count: int = 100_000) -> bytes:
    """So many users; `%d` in the record is their number."""
    return b"[" + b",".join(record.replace("%d", str(n)).encode() for n in range(count)) + b"]"


# Answers that fill the limits, the first ones refused by them.
LARGE: dict[str, Callable[[], bytes]] = {
    "64 MiB of empty arrays": lambda: full(b"[", b"[]", b"]"),
    "64 MiB of empty objects": lambda: full(b"[", b"{}", b"]"),
    "64 MiB of arrays 1000 deep": lambda: full(b"[", b"[" * 1000 + b"]" * 1000, b"]"),
    "64 MiB of texts of two letters": lambda: full(b"[", b'"ab"', b"]"),
    "64 MiB of addresses of one user": lambda: full(
        b'[{"userName":"a","emailAddresses":[', b'"@"', b"]}]"
    ),
    "as many empty objects as pass": lambda: full(b'[{"x":[', b"{}", b"]}]", 1_499_000),
    "as many objects as pass": lambda: full(b'[{"x":[', b'{"a":1}', b"]}]", 1_499_000),
    "as many arrays in arrays as pass": lambda: full(b"[", b"[" * 1000 + b"]" * 1000, b"]", 2_990),
    "as many objects in objects as pass": lambda: full(
        b"[", b'{"a":' * 1000 + b"1" + b"}" * 1000, b"]", 2_990
    ),
    "as many bad addresses as pass": lambda: full(
        b'[{"userName":"a","emailAddresses":[', b'"@@"', b"]}]", 2_900_000
    ),
    "100 000 users with 25 bad addresses": lambda: users(
        '{"userName":"u%d","emailAddresses":[' + ",".join(['"@"'] * 25) + "]}"
    ),
    "100 000 users of 600 bytes": lambda: users(
        '{"userName":"u%d","fullName":"' + "x" * 600 + '"}'
    ),
    "100 000 names of 600 bytes": lambda: users('{"userName":"%d' + "x" * 600 + '"}'),
    "100 000 invisible names": lambda: users('{"userName":"%d' + "\\u202e" * 100 + '"}'),
    "one text of 64 MiB": lambda: full(b'["', b"x" * (SIZE - 5), b'"]'),
    "one number of 64 MiB": lambda: full(b"[", b"9" * (SIZE - 3), b"]"),
}


def ask(url: str, seconds: int) -> None:
    """Ask the directory at `url`, and print the cost."""
    from store.models import Settings
    from sync.directory.client import DirectoryClient
    from sync.errors import DirectoryError

    settings = Settings(url=url, list_timeout=seconds)
    start, started, before = time.monotonic(), time.process_time(), _peak_mib()
    try:
        listing = asyncio.run(DirectoryClient(settings, "").list_users())
    except DirectoryError as error:
        outcome = error.kind
    else:
        outcome = f"{listing.listed} listed, {len(listing.warnings)} warnings"
    took, worked = time.monotonic() - start, time.process_time() - started
    print(took, worked, _peak_mib() - before, outcome, sep="\t")


def _peak_mib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def cost_of(behave: Behaviour, seconds: int) -> Cost:
    """Return what it costs a new process to ask a server that behaves like this."""
    with hostile_server(behave) as server:
        words = [sys.executable, "-m", "benchmarks.hostile", "--ask", server.url]
        done = subprocess.run(
            [*words, "--seconds", str(seconds)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    took, worked, mib, outcome = done.stdout.strip().split("\t")
    return Cost(float(took), float(worked), int(mib), outcome)


def costs(seconds: int) -> Iterator[tuple[str, Cost]]:
    """Yield what each misbehaviour costs."""
    from tests.hostile.behaviours import ONLY_AT_LIST, ROWS

    for name, row in {**ROWS, **ONLY_AT_LIST}.items():
        yield name, cost_of(row.behave, seconds)
    for name, make in LARGE.items():
        yield name, cost_of(answer(make()), 120)


def main() -> None:
    """Print a table, and the largest figures."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=int, default=2, help="the deadline of small answers")
    options.add_argument("--ask", metavar="URL", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.ask:
        ask(chosen.ask, chosen.seconds)
        return
    found = []
    for name, cost in costs(chosen.seconds):
        found.append(cost)
        figures = f"{cost.seconds:6.2f} s {cost.processor:6.2f} s CPU {cost.mib:5} MiB"
        print(f"{name:38} {figures}  {cost.outcome}", flush=True)
    print(f"at most {max(c.processor for c in found):.1f} s CPU, {max(c.mib for c in found)} MiB")


if __name__ == "__main__":
    main()
