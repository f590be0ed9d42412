"""Reports as CSV: nothing in a cell becomes another cell or a formula."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from sync.runs.report_file import write_report


def cells(folder: Path, value: Any) -> tuple[str, list[list[str]]]:
    """Return the text of a report with this new value of a field, and its rows."""
    change = {
        "action": "update",
        "user_name": "anna",
        "fields": {"full_name": {"old": None, "new": value}},
        "reason": "r",
        "archive": None,
    }
    file = folder / "report.csv"
    write_report(file, {"status": "applied", "changes": [change], "error": None})
    text = file.read_text()
    return text, list(csv.reader(text.splitlines()))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Anna", "Anna"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        (" =1", "' =1"),
        ('"=1', "'\"=1"),
        ("a;=1", "a;'=1"),
        ("a; =1;+2", "a;' =1;'+2"),
        (["a@x.org", "=1"], "a@x.org;' =1"),
        (["-a@x.org", "b@x.org"], "'-a@x.org; b@x.org"),
        ("a=b;c-d", "a=b;c-d"),
        ("CN=Anna,OU=x", "CN=Anna,OU=x"),
        ("\t=1", "\\t=1"),
        ("a\n=1", "a\\n=1"),
    ],
)
def test_a_value_is_a_text(tmp_path: Path, value: Any, shown: str) -> None:
    text, rows = cells(tmp_path, value)
    assert rows[-1] == ["applied", "update", "anna", "full_name", "", shown, "r", ""]
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
    assert text.splitlines()[0].count('","') == len(rows[0]) - 1
