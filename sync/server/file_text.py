"""The text of a file, in any encoding of an export; and files that are not a table of users."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAVE_AS = "Save it as “CSV UTF-8” in the spreadsheet program, and serve that file"
_ASK = "Let mailroster ask the directory itself (`directory_service=ldap`), or convert the file"
_RECIPES = "docs/DIRECTORY-SERVER.md shows how"


class NotServed(Exception):
    """The file cannot be served: what is wrong with it, and what to do."""


def decoded(data: bytes) -> tuple[str, str]:
    """Return the text, and a note where its encoding had to be guessed; raises `NotServed`."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), ""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise NotServed("it is a spreadsheet program's own file", _SAVE_AS)
    if b"\0" in data[:200]:
        return _strictly(data, "utf-16-be" if data[:1] == b"\0" else "utf-16-le"), ""
    try:
        return data.decode(), ""
    except UnicodeDecodeError as error:
        first = error.start
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise NotServed(
            f"it is neither UTF-8 nor UTF-16 (byte {first}), nor Windows-1252",
            "Save it in UTF-8",
        ) from None
    line = data.count(b"\n", 0, first) + 1
    return text, f"It is not UTF-8 (line {line}), so it was read as Windows-1252; check the names."


def check_is_table(text: str) -> None:
    """Raise `NotServed` for a known format that is not a table of users, with how to convert it.

    Nothing of the file is quoted: it may hold passwords.
    """
    lines = [line for line in text.splitlines()[:50] if line.strip() and line[0] not in "#"]
    for is_it, what, advice in _OTHERS:
        if lines and is_it(lines):
            raise NotServed(what, advice)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotServed(
            f"it is not {encoding[:6].upper()} throughout (byte {error.start})", "Save it in UTF-8"
        ) from None


def _first(pattern: str) -> Callable[[list[str]], bool]:
    found = re.compile(pattern, re.IGNORECASE)
    return lambda lines: found.match(lines[0]) is not None


def _each(pattern: str) -> Callable[[list[str]], bool]:
    found = re.compile(pattern)
    return lambda lines: all(found.fullmatch(line) for line in lines)


_OTHERS: tuple[tuple[Callable[[list[str]], bool], str, str], ...] = (
    (_first(r"(version: *1|dn::? )"), "it is LDIF", f"{_ASK}; {_RECIPES}"),
    (_first(r"<"), "it is XML or a web page", "Export CSV, and serve that file"),
    (
        _each(r"[^:,;\t|]+:[^:]*(:[^:]*){0,7}"),
        "it is a passwd file, whose columns have no names",
        f"Convert it to CSV with a first line of names; {_RECIPES}",
    ),
    (
        _each(r"\S*@\S+\s+\S+@\S+|/.*/\S*\s+\S+"),
        "it is a map of addresses, as Postfix has them, and lists no users",
        "Export the users from where their passwords are",
    ),
)
