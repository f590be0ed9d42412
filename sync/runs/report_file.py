"""Reports: a run as a JSON or CSV file, for people who were not there."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from store.files.descriptors import let_go
from store.files.durable import replace_whole, write_new
from store.text import printable
from sync.errors import ReportError, not_written

_COLUMNS = ("status", "action", "user_name", "field", "old", "new", "reason", "archive")
# What a spreadsheet would calculate: at the start of a cell, or of what it takes for one where
# cells are divided by semicolons, as in most of Europe.
_FORMULA = re.compile(r"(^|;)(?=[\s\"']*[=+@＝＋－＠-])")


def check_report_name(path: Path) -> None:
    """Raise `ReportError` unless the name says which kind of report is wanted."""
    if path.suffix.lower() not in (".json", ".csv"):
        raise ReportError(
            f"The report {printable(path)} is neither a .json nor a .csv file.",
            "Give the name one of these endings.",
            untouched="Nothing was done.",
        )


def write_report(path: Path, record: dict[str, Any], *, replacing: bool = True) -> None:
    """Write a run's record (see `sync.runs.report`) to `path`, for its owner only.

    The name's ending chooses the format; a file that is there is replaced, or refused. Raises
    `ReportError`.
    """
    check_report_name(path)
    is_csv = path.suffix.lower() == ".csv"
    text = _as_csv(record) if is_csv else json.dumps(record, indent=2) + "\n"
    try:
        if replacing:
            replace_whole(path, [text.encode()])
        else:
            let_go(write_new(path, [text.encode()]))
    except OSError as error:
        is_theirs = isinstance(error, FileExistsError)
        state = "It was left as it is." if is_theirs else "The run itself is not affected."
        raise not_written(ReportError, "report", path, error, state) from None


def _as_csv(record: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
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
    return _FORMULA.sub(r"\1'", text)
