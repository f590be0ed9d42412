"""Reports: a run as a JSON or CSV file, for people who were not there."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from store.durable import write_new
from store.text import printable
from sync.errors import ReportError

_COLUMNS = ("status", "action", "user_name", "field", "old", "new", "reason", "archive")
_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would calculate


def check_report_name(path: Path) -> None:
    """Raise `ReportError` unless the name says which kind of report is wanted."""
    if path.suffix.lower() not in (".json", ".csv"):
        raise ReportError(
            f"The report {printable(path)} is neither a .json nor a .csv file. Nothing was done. "
            "Give the name one of these endings."
        )


def write_report(path: Path, record: dict[str, Any], *, replacing: bool = True) -> None:
    """Write a run's record (see `sync.runs.report`) to `path`, for its owner only.

    The name's ending chooses the format; a file that is there is replaced, or refused. Raises
    `ReportError`.
    """
    check_report_name(path)
    is_csv = path.suffix.lower() == ".csv"
    text = _as_csv(record) if is_csv else json.dumps(record, indent=2) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if replacing:
            os.close(write_new(temporary, [text.encode()]))
            os.replace(temporary, path)
        else:
            os.close(write_new(path, [text.encode()]))
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, FileExistsError) and not replacing:
            raise ReportError(
                f"There is a file {printable(path)} already. It was left as it is. Choose another "
                "name, or remove that file first."
            ) from None
        raise ReportError(
            f"The report {printable(path)} cannot be written: {error.strerror}. The run itself is "
            "not affected. Check the folder's owner, mode and room."
        ) from None


def _as_csv(record: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(record):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _rows(record: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield a line for the run, then one per change and per field that it changes."""
    yield record["status"], "run", "", "", "", "", _about(record), ""
    for change in record["changes"]:
        line = record["status"], change["action"], change["user_name"]
        rest = change["reason"], change["archive"]
        fields = change["fields"] or {"": {"old": None, "new": None}}
        for name, values in fields.items():
            yield (*line, name, values["old"], values["new"], *rest)


def _about(record: dict[str, Any]) -> str:
    """Return what went wrong, or for a run of the history which one it is."""
    if record["error"]:
        return str(record["error"]["message"])
    run = record.get("run")
    return f"{run['kind']} by {run['who']} on {run['at']}, run {run['id']}" if run else ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = printable("; ".join(value) if isinstance(value, list) else value)
    return f"'{text}" if text.startswith(_FORMULA) else text
