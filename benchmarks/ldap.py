"""A list from slapd against bare ldapsearch of the same: `python -m benchmarks.ldap`."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.samples import Sample, Stopwatch, job, options, peak_bytes, report
from sync.directory.types.ldap.entries import wanted_attributes
from sync.directory.types.ldap.ldap_type import LDAP
from sync.directory.types.ldap.schema import PRESETS
from tests.support.slapd import BASE, SERVICE, SERVICE_SECRET, Slapd, ldap_settings, person

_SCHEMA = PRESETS["generic"]


def _list(url: str, users: int) -> None:
    """List all users in this process, and print what it took."""
    settings = ldap_settings(
        url=url,
        ldap_base=BASE,
        requires_authentication=True,
        user_name=SERVICE,
        list_timeout=600,
        max_users=users,
    )
    directory = LDAP.open(settings, SERVICE_SECRET)  # its imports are no part of the list
    watch = Stopwatch()
    listing = asyncio.run(directory.list_users())
    took = watch.times
    assert listing.listed == users
    sys.stdout.buffer.write(orjson.dumps({**took, "peak": peak_bytes()}))


def _ldapsearch(url: str) -> tuple[float, float]:
    """Return the seconds of ldapsearch for the same, on the clock and of the processor."""
    command = ["ldapsearch", "-x", "-H", url, "-b", BASE, "-LLL", "-E", "pr=1000/noprompt"]
    command += ["-D", SERVICE, "-w", SERVICE_SECRET, _SCHEMA.filter, *wanted_attributes(_SCHEMA)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, worked


def _compared(url: str, users: int) -> Iterator[Sample]:
    floor, floor_worked = _ldapsearch(url)
    ours = job("benchmarks.ldap", "list", url, users)
    yield Sample(f"list of {users} from slapd", ours["seconds"], floor, goal="<= 1.5")
    yield Sample("  of it, on the processor", ours["processor"], floor_worked)
    yield Sample("  most memory", ours["peak"], unit="MB")


def measure(users: int, rounds: int) -> list[Sample]:
    """Measure both in turn, against one slapd."""
    samples: list[Sample] = []
    people = (
        person(f"user{number:06}", cn=f"User Number {number}", userPassword="x")
        for number in range(users)
    )
    limits = f'limits dn.exact="{SERVICE}" size.prtotal=unlimited'
    with (
        tempfile.TemporaryDirectory() as name,
        Slapd(Path(name), people, database=limits) as slapd,
    ):
        for _ in range(rounds):
            samples += _compared(slapd.url, users)
    return samples


if __name__ == "__main__":
    if sys.argv[1:2] == ["list"]:
        _list(sys.argv[2], int(sys.argv[3]))
    else:
        chosen = options(__doc__)
        print("\n".join(report(measure(chosen.users, chosen.rounds))))
