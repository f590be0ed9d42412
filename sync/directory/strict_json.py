"""JSON read strictly: texts that two readers could understand differently are refused."""

from __future__ import annotations

import codecs
import re
from typing import Any

import orjson

from store.text import printable
from sync.errors import NotJSON

_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_WHITE_SPACE = b" \t\r\n"
_LONGEST_SAFE_INTEGER = 18  # digits that surely fit into 64 bits
_UNSAFE_INTEGER = b"0" * (_LONGEST_SAFE_INTEGER + 1)
_THIRD_OF_IT = b"0" * (len(_UNSAFE_INTEGER) // 3)  # what every third byte shows of it, at least
PIECE_BYTES = 1 << 16  # cut at the next seam
_SEAM = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+(?=\{)")
_TOKEN = re.compile(rb'"((?:[^"\\]++|\\.)*+)"[ \t\r\n]*+(:)?+|[{}]|-?[0-9][0-9.eE+-]*+', re.DOTALL)


def loads(body: bytes, source: str, piece_bytes: int = PIECE_BYTES) -> Any:
    """Return the value of the JSON text `body`; `source` says in messages where it came from.

    One UTF-8 byte order mark is skipped (RFC 8259, section 8.1). Raises `NotJSON` with line and
    column for whatever RFC 8259 forbids (NaN and Infinity among them), invalid UTF-8, lone
    surrogates, more than 1024 levels, and for what I-JSON forbids: duplicate keys (RFC 7493,
    section 2.3) and integers beyond 64 bits (section 2.2), which orjson would let pass.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if (values := _read_in_pieces(body, piece_bytes)) is not None:
        return values
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refusal(body, source, error) from None
    if flaw := _find_flaw(body):
        problem, position = flaw
        raise not_json(source, problem, *_line_and_column(body, position))
    return value


def not_json(source: str, problem: str, line: int, column: int) -> NotJSON:
    """Return the error for a `problem` at that place, both counted from 1, in characters."""
    return NotJSON(
        f"The answer of {source} is not valid JSON: line {line}, column {column}: {problem}.",
        "Check the URL; if it is right, have the service there repaired.",
    )


def _refusal(body: bytes, source: str, error: orjson.JSONDecodeError) -> NotJSON:
    start = body.lstrip()[:1]
    if not start:
        return not_json(source, "it is empty", 1, 1)
    if start == b"<":
        return NotJSON(
            f"The answer of {source} is not JSON (line {error.lineno}, column {error.colno}). It "
            "looks like a web page, such as a log-on page or a proxy's.",
            "Check the URL, and whether something stands between this machine and the service.",
        )
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        return not_json(source, "invalid UTF-8", *_line_and_column(body, invalid.start))
    # orjson's parser sizes its memory by the length of the text; only nesting exceeds it.
    exhausted = error.msg == "failed to allocate memory"
    problem = "depth limit exceeded" if exhausted else error.msg
    return not_json(source, printable(problem, 100), error.lineno, error.colno)


def _read_in_pieces(body: bytes, piece_bytes: int) -> list[Any] | None:
    """Return the array that `body` surely is, strictly read; None proves nothing.

    What is an array between brackets is nothing but elements, so pieces that are arrays mean,
    joined, what the whole text means. The parser's memory for a piece is used again for the next.
    """
    text = body.strip(_WHITE_SPACE)
    if not (text.startswith(b"[") and text.endswith(b"]")):
        return None
    values: list[Any] = []
    start, end = 1, len(text) - 1
    while start < end:
        seam = _SEAM.search(text, start + piece_bytes, end)
        piece = b"[%b]" % text[start : seam.start() + 1 if seam else end]
        try:
            elements = orjson.loads(piece)
        except orjson.JSONDecodeError:
            return None
        if not _surely_strict(piece, elements):
            return None
        values += elements
        start = seam.end() if seam else end
    return values


def _surely_strict(body: bytes, values: list[Any]) -> bool:
    """Tell cheaply that no object repeats a key and no integer is beyond 64 bits.

    A JSON text has a colon after each key, and without its white space `":`; perhaps it has both
    in its texts too. If one of them is not there more often than the keys of a flat array of
    objects, none was repeated, and no object nested. False proves nothing.
    """
    keys = sum([len(item) for item in values if type(item) is dict])
    if keys != body.count(b":") and keys != body.translate(None, _WHITE_SPACE).count(b'":'):
        return False
    third = body[::3].translate(_DIGITS_AS_ZERO)
    return _THIRD_OF_IT not in third or _UNSAFE_INTEGER not in body.translate(_DIGITS_AS_ZERO)


def _find_flaw(body: bytes) -> tuple[str, int] | None:
    """Find the first duplicate key or integer beyond 64 bits, and its position in bytes.

    `body` is valid JSON otherwise, so its tokens need no grammar, and nesting no recursion.
    """
    open_objects: list[set[bytes]] = []
    for token in _TOKEN.finditer(body):
        text, key, colon = token.group(0, 1, 2)
        if colon:
            if b"\\" in key:
                key = orjson.loads(b'"%b"' % key).encode()
            if key in open_objects[-1]:
                return f"duplicate key “{printable(key.decode(), 60)}”", token.start()
            open_objects[-1].add(key)
        elif text == b"{":
            open_objects.append(set())
        elif text == b"}":
            open_objects.pop()
        elif key is None and len(text) > _LONGEST_SAFE_INTEGER and _exceeds_64_bits(text):
            return "the integer is beyond 64 bits", token.start()
    return None


def _exceeds_64_bits(number: bytes) -> bool:
    digits = number.removeprefix(b"-")
    return digits.isdigit() and (len(digits) > 20 or not -(2**63) <= int(number) < 2**64)


def _line_and_column(body: bytes, position: int) -> tuple[int, int]:
    """Count from 1, the column in characters; all before `position` is valid UTF-8."""
    line_start = body.rfind(b"\n", 0, position) + 1
    return body.count(b"\n", 0, position) + 1, len(body[line_start:position].decode()) + 1
