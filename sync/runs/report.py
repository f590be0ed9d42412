"""Plans and results as plain records: what `--json` prints and a terminal shows as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from store.collector import collector_paused
from store.errors import StoreError
from store.history import Run
from store.text import printable
from sync.errors import GuardBlocked, SyncError
from sync.planning.plan import ACTIONS, Change, FieldValue
from sync.runs.record import recorded_change

SIGNS = {"create": "+", "update": "~", "delete": "-", "conflict": "!", "rename": "?"}


def run_record(
    status: str,
    exit_code: int | None,
    changes: Iterable[Change],
    error: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a run of Test Settings or Synchronize now as one record.

    The screens have no `exit_code`.
    """
    listed = list(changes)
    counts = Counter(change.action for change in listed)
    return {
        "status": status,
        "exit_code": exit_code,
        "counts": {action: counts[action] for action in ACTIONS},
        "changes": [change_record(change) for change in listed],
        "error": error,
    }


def failed_record(failure: StoreError | SyncError, changes: Iterable[Change]) -> dict[str, Any]:
    """Return a run that failed on a screen as one record, with what had been found until then."""
    status = "blocked" if isinstance(failure, GuardBlocked) else "error"
    error = {"kind": failure.kind, "message": str(failure)}
    return run_record(status, None, changes, error)


def past_run_record(run: Run) -> dict[str, Any]:
    """Return a run of the history as one record, shaped like one that was just done."""
    with collector_paused():
        changes = [change_record(recorded_change(change)) for change in run.changes]
    return {
        "status": "applied",
        "run": run.summary.to_stored(),
        "guard": list(run.guard),
        "warnings": list(run.warnings),
        "counts": dict(run.summary.counts),
        "changes": changes,
        "error": None,
    }


def change_record(change: Change) -> dict[str, Any]:
    """Return one change as a record. It holds no secret: a plan's fields never have one."""
    return {
        "action": change.action,
        "user_name": change.user_name,
        "fields": {
            name: {"old": values.old, "new": values.new} for name, values in change.fields.items()
        },
        "reason": change.reason,
        "archive": change.archive,
    }


def sign_of(change: Change) -> str:
    """Return the change's sign; a rename that was answered is no question any more."""
    answered = change.action == "rename" and (change.edit or change.done)
    return ">" if answered else SIGNS.get(change.action, " ")


def change_lines(change: Change) -> Iterator[str]:
    """Yield one change as lines of text: sign, word, name and reason, then each field."""
    sign = sign_of(change)
    yield f"{sign} {change.action:<8} {printable(change.user_name)}  ({printable(change.reason)})"
    for name, values in change.fields.items():
        yield f"      {name}: {value_text(values.old)} -> {value_text(values.new)}"
    if change.archive:
        yield f"      archive: {change.archive}"


def value_text(value: FieldValue) -> str:
    """Return a field's value as it is shown."""
    if value is None or value == []:
        return "(none)"
    return printable(", ".join(value) if isinstance(value, list) else value)
