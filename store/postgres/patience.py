"""psycopg's connection with a bound on every wait; imported with psycopg, when it is needed."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from store.postgres.connection import READ_SECONDS, within

T = TypeVar("T")


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which no answer is waited for longer than `patience` seconds.

    The system's own time-outs see a host that is gone, not a server that is stopped.
    """

    patience = READ_SECONDS

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        """Consume a generator of psycopg; raises `Silence`."""
        return super().wait(within(self.patience, gen), *args, **kwargs)
