"""A clock that tests set by days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Night:
    """A clock that tests set: the night of 30 November, and some days on."""

    def __init__(self) -> None:
        self.days = 0

    def __call__(self) -> datetime:
        return datetime(2026, 11, 30, 2, tzinfo=UTC) + timedelta(days=self.days)
