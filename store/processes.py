"""Other processes of this host."""

from __future__ import annotations

import os


def is_running(process: int) -> bool:
    """Tell whether a process has that number; also where the system does not let that be told."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
