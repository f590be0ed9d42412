"""Where the small servers write their log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


def to_stderr(line: str) -> None:
    """Write one line with the time (UTC) to stderr."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}", file=sys.stderr, flush=True)
