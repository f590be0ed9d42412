"""A store's file that only those can read who leave one user out."""

from __future__ import annotations

import os
from pathlib import Path


def spoil(store: Path, user_name: str) -> None:
    """Make the line of the file in which that user stands no JSON; its size and times stay.

    So its index stays true, and whoever reads the whole file, or that line, finds it damaged.
    """
    times = store.stat()
    with store.open("r+b") as file:
        at = file.read().index(b'"user_name":"%b"' % user_name.encode())
        file.seek(at)
        file.write(b"!")
    os.utime(store, ns=(times.st_atime_ns, times.st_mtime_ns))
