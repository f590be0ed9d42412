"""This Python for another user of the system, also where it is below a home that is closed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_NEEDED = (Path(sys.base_prefix), Path(sys.prefix), Path(__file__).parents[2])
_HOLD = "/mnt"


def python_as(uid: int) -> list[str]:
    """Return the start of a command that runs this Python as that user; for root.

    What is closed to others is opened in a mount namespace of that process alone.
    """
    script = [f"mount -t tmpfs none {_HOLD}"]
    closed = {top: [path for path in _NEEDED if top in path.parents] for top in _closed()}
    for number, path in enumerate(path for below in closed.values() for path in below):
        script += [
            f"mkdir {_HOLD}/{number}",
            f"mount --bind {shlex.quote(str(path))} {_HOLD}/{number}",
        ]
    number = 0
    for top, below in closed.items():
        script.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(top))}")
        for path in below:
            place = shlex.quote(str(path))
            script += [f"mkdir -p {place}", f"mount --bind {_HOLD}/{number} {place}"]
            number += 1
    drop = f"setpriv --reuid {uid} --regid {uid} --clear-groups --inh-caps=-all"
    run = f'exec {drop} -- "$@"'
    start = " && ".join([*script, run]) if closed else run
    return ["unshare", "--mount", "sh", "-c", start, "sh", sys.executable]


def _closed() -> set[Path]:
    """Return the topmost folders that others may not enter, above what this Python needs."""
    found = set()
    for path in _NEEDED:
        above = [top for top in reversed(path.parents) if not top.stat().st_mode & 0o001]
        found.update(above[:1])
    return found
