"""The record of a run as every store keeps it, of which the next one has the digest."""

from __future__ import annotations

from typing import Any, cast

import orjson

from store.history import Run, RunChange, summary_from
from store.models import FilterRule


def _checked(change: Any) -> RunChange:
    """Return the change if it has the right shape; raises `LookupError` or `TypeError`."""
    for name in ("action", "user_name", "reason"):
        if type(change[name]) is not str:
            raise TypeError(name)
    for name, kind in (("archive", str), ("old", dict), ("new", dict)):
        if change[name] is not None and type(change[name]) is not kind:
            raise TypeError(name)
    return cast("RunChange", change)


def run_from(record: bytes) -> Run:
    """Return the run of a record; raises `ValueError`, `LookupError` or `TypeError`."""
    stored = orjson.loads(record)
    return Run(
        summary=summary_from(stored["summary"]),
        changes=[_checked(change) for change in stored["changes"]],
        settings=dict(stored.get("settings") or {}),
        filters=tuple(FilterRule(**rule) for rule in stored["filters"]),
        guard=tuple(stored["guard"]),
        warnings=tuple(stored["warnings"]),
    )


def run_bytes(run: Run, previous: str = "") -> bytes:
    """Return the record of a run, with the digest of the `previous` record."""
    return orjson.dumps(
        {
            "previous": previous,
            "summary": run.summary.to_stored(),
            "filters": [rule.to_stored() for rule in run.filters],
            "guard": run.guard,
            "warnings": run.warnings,
            "settings": run.settings,
            "changes": run.changes,
        }
    )
