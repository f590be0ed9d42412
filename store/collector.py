"""The garbage collector and bulk loads."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector: over a bulk load it costs two to four times the load."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def bulk_load() -> Iterator[None]:
    """Pause the collector, then set what is there aside from it until the next bulk load.

    A pass over 100 000 users stops the program for 0.15 s, again and again, and finds nothing:
    they hold no cycles. Whatever else was set aside and became garbage goes with the next load.
    """
    if not gc.isenabled():
        yield
        return
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    with collector_paused():
        try:
            yield
        finally:
            gc.freeze()
