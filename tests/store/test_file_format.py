"""The layout of the store's file: lines of users, which mean what the whole text means."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.tinydb.file_format import as_text, read_lines, read_tables

values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)
tables = st.dictionaries(
    st.sampled_from(["_default", "meta", "settings"]),
    st.dictionaries(st.sampled_from(["1", "2", "33", "4", "5"]), values),
)
in_a_line = st.sampled_from([1, 2, 3, 100])


def read(text: bytes) -> Any:
    return read_tables(io.BytesIO(text))


@given(tables, in_a_line)
def test_what_was_written_is_read(written: dict[str, dict[str, Any]], users: int) -> None:
    text = b"".join(as_text(written, users))
    assert read(text) == written == orjson.loads(text)
    assert list(read(text).get("_default", {})) == list(written.get("_default", {}))


def test_users_stand_in_lines() -> None:
    users = {str(number): {"user_name": f"user{number}"} for number in range(1, 251)}
    lines = b"".join(as_text({"meta": {"1": {}}, "_default": users})).splitlines()
    assert (lines[0], lines[-1]) == (b'{"_default":{', b'},"meta":{"1":{}}}')
    assert [line.count(b"user_name") for line in lines[1:-1]] == [100, 100, 50]


@pytest.mark.parametrize(
    ("text", "is_in_lines"),
    [
        (b'{"_default":{\n"1":{}\n},"meta":{"1":{}}}', True),
        (b'{"_default":{\n"1":{},\n"1":{"a":1}\n},"meta":{"1":{}}}', True),
        (b'{"_default":{\n"1":{}},"meta":{"1":{}}}', False),
        (b'{"_default":{\n"1":{}\n},"_default":{"2":{}}}', False),
        (b'{"_default":{\n"1":{}\n},"\\u005fdefault":{"2":{}}}', False),
        (b'{ "_default":{\n"1":{}\n},"meta":{"1":{}}}', False),
        (b'{"_default": {"1": {}}, "meta": {"1": {}}}', False),
        (b'{"_default":{\n"1":\n{}\n},"meta":{"1":{}}}', False),
        (b"{}", False),
    ],
)
def test_any_layout_is_read(text: bytes, is_in_lines: bool) -> None:
    assert read(text) == orjson.loads(text)
    assert (read_lines(io.BytesIO(text)) is not None) == is_in_lines


def outcome(reader: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return reader(text)
    except orjson.JSONDecodeError as error:
        return str(error)


# All that a line begins and ends with, where it belongs and where it does not.
parts = st.lists(
    st.sampled_from([b'{"_default":{\n', b'\n},"meta":{"1":{}}}', b'"_default":{"3":{}}'])
    | st.sampled_from([b'"1":{}', b'"2":{"a":1}', b"},", b",\n", b"\n", b"}", b"{", b",", b'"']),
    max_size=9,
).map(b"".join)


@given(parts | parts.map(lambda text: b'{"_default":{\n' + text + b'\n},"meta":{"1":{}}}'))
@example(b'{"_default":{\n"1":{},\n\n},"meta":{"1":{}}}')
@example(b'{"_default":{\n"1":{}\n},}')
@example(b'{"_default":{\n"1":{}\n"meta":{"1":{}}}')
@example(b'{"_default":{\n"1":{},,\n"2":{}\n},"meta":{"1":{}}}')
def test_no_other_text_is_taken_for_it(text: bytes) -> None:
    assert outcome(read, text) == outcome(orjson.loads, text)
