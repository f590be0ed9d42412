"""JSON that two readers could understand differently is refused, at its line and column."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.models import Settings
from sync.directory import strict_json
from sync.directory.answer import parse_listing, parse_verdict
from sync.errors import NotJSON
from tests.support.promises import answer_is_read_or_refused

pieces = st.sampled_from([1, 9, 30, strict_json.PIECE_BYTES])
SETTINGS = Settings(url="https://directory.example/ai")


def brief(value: str | bytes) -> str:
    """Name a test without all of a long body."""
    return repr(value)[:40]


def refusal(body: str | bytes) -> str:
    with pytest.raises(NotJSON) as caught:
        parse_listing(body.encode() if isinstance(body, str) else body, SETTINGS)
    text = str(caught.value)
    assert text.startswith("The answer of https://directory.example/ai is not")
    assert "Nothing was changed." in text
    assert text.isprintable()
    return text


@pytest.mark.parametrize(
    ("body", "place", "problem"),
    [
        ("", "line 1, column 1", "it is empty"),
        (" \n\t", "line 1, column 1", "it is empty"),
        ("[NaN]", "line 1, column 2", "unexpected character"),
        ("[Infinity]", "line 1, column 2", "unexpected character"),
        ("[-Infinity]", "line 1, column", ""),
        ("[1]\n[2]", "line 2, column 1", "unexpected content after document"),
        ("[1,]", "line 1, column 3", "trailing comma"),
        ("['a']", "line 1, column 2", "unexpected character"),
        ("// users\n[]", "line 1, column 1", "unexpected character"),
        ('["ü",\n "ü" x]', "line 2, column 6", "unexpected character"),
        ('["\x1b"]', "line 1, column 3", "control character"),
        ('["\\ud800"]', "line 1, column 3", "surrogate"),
        ('["\\udc00\\ud800"]', "line 1, column 3", "surrogate"),
        ('{"\\ud800": 1}', "line 1, column 3", "surrogate"),
        (b'[\n"\xc3\xbc", "a\xff"]', "line 2, column 8", "invalid UTF-8"),
        (b'["\xed\xa0\x80"]', "line 1, column 3", "invalid UTF-8"),
        (b"\xff\xfe[\0]\0", "line 1, column 1", "invalid UTF-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf[]", "line 1, column 1", ""),
        ("[" * 100_000, "line 1, column 1026", "depth limit exceeded"),
        ("[" * 100_000 + "]" * 100_000, "line 1, column 1026", "depth limit exceeded"),
        ('{"a":' * 100_000, "line 1", "depth limit exceeded"),
        ("[" * 1000, "line 1", "depth limit exceeded"),
        ("[1e999]", "line 1, column 2", "infinity"),
        ("[\n18446744073709551616]", "line 2, column 1", "beyond 64 bits"),
        ('[{"n": -9223372036854775809}]', "line 1, column 8", "beyond 64 bits"),
        ("[" + "9" * 300 + "]", "line 1, column 2", "beyond 64 bits"),
        ("[" + "9" * 5000 + "]", "line 1, column 2", "infinity"),
        ("<!DOCTYPE html>", "line 1, column 1", "web page"),
        ("\n  <html>", "line 2, column 3", "web page"),
    ],
    ids=brief,
)
def test_it_is_refused(body: str | bytes, place: str, problem: str) -> None:
    text = refusal(body)
    assert place in text
    assert problem in text


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf [{}]\r\n",
        "[" * 1000 + "]" * 1000,
        "[18446744073709551615, -9223372036854775808, 1e308]",
        "[1.0000000000000000000000001, 123456789012345678901234567890e-10]",
        '["18446744073709551616", "\\"a\\": 1, \\"a\\": 1"]',
        '[{"userName": "a", "x": {"userName": "a", "x": [{"x": 1}, {"x": 1}]}}]',
        '[{"a" : ":", "b":":\\\\", "c": "\\\\\\":", "": {"": {}}}, {"a": 1}]',
        '["\\ud83d\\ude00"]',
    ],
    ids=brief,
)
def test_it_is_accepted(body: str | bytes) -> None:
    assert parse_listing(body.encode() if isinstance(body, str) else body, SETTINGS).listed


large = st.integers(2**62, 2**68)


@given(st.integers() | large | large.map(int.__neg__), st.integers(0, 9), pieces)
@example(2**64, 0, 1)
@example(2**64 - 1, 0, 1)
def test_an_integer_is_refused_where_it_is_beyond_64_bits(number: int, at: int, piece: int) -> None:
    body = b'[{"%b": 1}, {"n": %d}]' % (b"x" * at, number)
    try:
        assert strict_json.loads(body, "here", piece)[1] == {"n": number}
        refused = False
    except NotJSON:
        refused = True
    assert refused == (not -(2**63) <= number < 2**64)


class TestDuplicateKeys:
    @pytest.mark.parametrize(
        ("body", "place", "key"),
        [
            ('[{"userName": "a", "userName": "b"}]', "column 20", "userName"),
            ('[{"userName": "a",\n"userName": "a"}]', "line 2, column 1", "userName"),
            ('[{"userName": "a", "x": {"y": 1, "y": 2}}]', "column 34", "y"),
            ('[{"userName" : "a", "userName"\t\r\n: "b"}]', "column 21", "userName"),
            ('[{"a": 1, "\\u0061": 2}]', "column 11", "a"),
            ('[{"\\u0061": 1, "a": 2}]', "column 16", "a"),
            ('[{"\\"": 1, "\\u0022": 2}]', "column 12", '"'),
            ('[{"ü": "ü", "\\u00FC": 2}]', "column 13", "ü"),
            ('[{"": 1, "": 2}]', "column 10", ""),
            ('[{"a": 1}, {"b": {"a": 1}, "c": 1, "b": 1}]', "column 36", "b"),
            ('{"succeeded": false, "succeeded": true}', "column 22", "succeeded"),
            ('[{"\\u001b": 1, "\\u001b": 2}]', "column 16", "\\x1b"),
        ],
    )
    def test_they_are_refused(self, body: str, place: str, key: str) -> None:
        text = refusal(body)
        assert place in text
        assert f"duplicate key “{key}”" in text

    def test_in_a_verdict(self) -> None:
        with pytest.raises(NotJSON):
            parse_verdict(b'{"succeeded": true, "succeeded": true}', SETTINGS)

    def test_one_among_many_records(self) -> None:
        records = [{"userName": f"user{n}", "fullName": f"User {n}"} for n in range(10_000)]
        body = json.dumps(records)
        assert parse_listing(body.encode(), SETTINGS).listed == 10_000
        again = '"user9000", "userName": "b"'
        assert "duplicate key" in refusal(body.replace('"user9000"', again))


class Repeated(Exception):
    pass


def unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Repeated


def has_duplicates(text: str) -> bool:
    """Say with the standard library alone whether an object repeats a key."""
    try:
        json.loads(text, object_pairs_hook=unique)
    except Repeated:
        return True
    return False


# Pieces that are hard to tell from keys, and few enough to repeat.
texts = st.sampled_from(
    ['"a"', '"\\u0061"', '"b"', '""', '"\\""', '"\\\\"', '":"', '"\\":"', '"{\\"a\\":1}"', '"ü"']
)
spaces = st.sampled_from(["", " ", "\n", "\t \r\n"])
scalars = texts | st.sampled_from(["null", "true", "0", "-1.5e3"])


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.builds("{}{}{}:{}{}".format, spaces, texts, spaces, spaces, values)
    return st.lists(pair, max_size=4).map(lambda pairs: "{" + ",".join(pairs) + "}")


documents = st.recursive(
    scalars | objects(scalars),
    lambda inner: (
        objects(inner) | st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=12,
)
flat_documents = st.lists(objects(scalars), max_size=4).map(lambda items: f"[{','.join(items)}]")


@given(documents | flat_documents, pieces)
@example('[{"a" :1,"a":2,"b":":"}]', strict_json.PIECE_BYTES)
def test_duplicate_keys_are_seen_as_the_standard_library_sees_them(text: str, piece: int) -> None:
    try:
        strict_json.loads(text.encode(), "here", piece)
        found = False
    except NotJSON:
        found = True
    assert found == has_duplicates(text)


# What pieces are cut at, also where it is no seam between two records.
seams = st.lists(
    st.sampled_from(
        ["[", "]", '{"a":1}', '{"b":[{"a":1},{"a":2}]}', '{"c":"},{"}', "},{", ",", "\n", "1"]
    ),
    max_size=12,
).map("".join)
records_with_seams = st.lists(
    st.sampled_from(
        ['{"a":1}', '{"b":[{"a":1} ,\t{"a":2}]}', '{"c":"},{","d":"\\"},{"}', "{}", "1"]
    )
).map(",\n".join)


@given(seams | records_with_seams.map("[{}]".format), pieces)
def test_read_in_pieces_it_is_what_it_is_as_a_whole(text: str, piece: int) -> None:
    try:
        whole: Any = json.loads(text)
    except ValueError:
        whole = None
    try:
        read = strict_json.loads(text.encode(), "here", piece)
    except NotJSON:
        read = None
    assert read == whole


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
names = st.sampled_from(["userName", "distinguishedName", "fullName", "emailAddresses"])
records = st.dictionaries(names, json_values | st.text() | st.lists(st.text()))


@given(json_values | st.lists(records), st.booleans())
def test_any_json_is_a_listing_or_a_directory_error(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    answer_is_read_or_refused(text.encode("utf-8", "surrogatepass"))


@given(st.binary() | st.text(alphabet='[]{}":,\\u0a1 \n').map(str.encode))
def test_any_bytes_are_a_listing_or_a_directory_error(body: bytes) -> None:
    answer_is_read_or_refused(body)
