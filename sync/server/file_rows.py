"""The rows of a CSV file and the objects of a JSON file, before anything is made of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from store.text import quantity
from sync.server.file_columns import Columns, Layout, columns_of, no_header
from sync.server.file_text import NotServed

DELIMITERS = ",;\t|"
_CORRECT = "Correct it"
_OBJECTS = "its objects"  # the place where JSON names columns


class Row(NamedTuple):
    """One row: where it is in the file, and what its columns hold by field.

    With a `problem` there is nothing that can be relied on.
    """

    place: str
    values: dict[str, list[Any]]
    problem: str = ""


class Table(NamedTuple):
    """What the columns were taken for, and the rows as they are read."""

    columns: Columns
    rows: Iterator[Row]


def csv_table(text: str, wanted: Layout | None) -> Table:
    """Return the rows of delimited text; the header tells the delimiter. Raises `NotServed`.

    Before the header may stand what Excel (`sep=`) and PowerShell (`#TYPE`) put there.
    """
    lines = io.StringIO(text, newline="")
    skipped, delimiters, start = 0, DELIMITERS, 0
    while line := lines.readline():
        if line.lower().startswith("sep=") and len(line.strip("\r\n")) == len("sep=;"):
            delimiters = line[4]
        elif line.strip() and not line.startswith("#TYPE "):
            break
        skipped += 1
        start = lines.tell()
    found, where = {}, f"line {skipped + 1}"
    for delimiter in delimiters:
        lines.seek(start)
        header = _header(lines, delimiter)
        if columns := columns_of(header, wanted, where):
            found[delimiter] = columns, len(header)
    if not found:
        raise no_header(wanted, where)
    delimiter = max(found, key=lambda item: found[item][1])
    columns, width = found[delimiter]
    lines.seek(start)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    next(rows)
    return Table(columns, _csv_rows(rows, columns, width, skipped))


def json_table(text: str, wanted: Layout | None) -> Table:
    """Return the objects of a JSON array; the fields are those that any of them has."""
    try:
        records = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise NotServed(problem, _CORRECT) from None
    if not isinstance(records, list):
        raise NotServed("it is not an array of objects", _CORRECT)
    objects = [record for record in records if isinstance(record, dict)]
    names = list(dict.fromkeys(name for record in objects for name in record))
    columns = columns_of(names or ["userName"], wanted, _OBJECTS)
    if not columns:
        raise no_header(wanted, _OBJECTS)
    return Table(columns, _json_rows(records, names, columns))


def _header(lines: io.StringIO, delimiter: str) -> list[str]:
    """Return the names of the columns, without empty ones at the end."""
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _csv_rows(rows: Any, columns: Columns, width: int, skipped: int) -> Iterator[Row]:
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            place = f"line {rows.line_num + skipped}"
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if len(cells) != width:
                yield Row(place, {}, f"{quantity(len(cells), 'cell')}, but the header has {width}")
            else:
                yield Row(place, _by_field(cells, columns))
    except csv.Error as error:
        raise NotServed(f"line {rows.line_num + skipped}: {error}", _CORRECT) from None


def _json_rows(records: Sequence[Any], names: Sequence[str], columns: Columns) -> Iterator[Row]:
    for number, record in enumerate(records, 1):
        place = f"record {number}"
        if isinstance(record, dict):
            yield Row(place, _by_field([record.get(name) for name in names], columns))
        else:
            yield Row(place, {}, "it is not an object")


def _by_field(cells: Sequence[Any], columns: Columns) -> dict[str, list[Any]]:
    return {field: [cells[place] for place in places] for field, places in columns.places.items()}
