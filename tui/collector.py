"""When the garbage collector works: one policy for every process, set where it starts.

Users, records and plans hold no cycles, and the collector's passes over them would take longer than
reading them. A command ends soon, so it does without; the screens and the servers live long.
"""

from __future__ import annotations

import gc

_NEW_OBJECTS = 100_000  # between two passes, each about 10 ms
_PASSES = 50  # over what is new, before one over what has stayed


def do_without_collector() -> None:
    """Switch the collector off, for a command, or until the screens have read the store."""
    gc.disable()


def collect_seldom() -> None:
    """Let the collector work from now on, but skip the objects that exist already."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _PASSES, _PASSES)
    gc.enable()
