"""Letting go of open files."""

from __future__ import annotations

import os
from contextlib import suppress


def let_go(descriptor: int) -> None:
    """Close it, and pass over an error: the system lets go all the same.

    What was written is on the disk by an fsync before, so an error here tells nothing about it.
    """
    with suppress(OSError):
        os.close(descriptor)
