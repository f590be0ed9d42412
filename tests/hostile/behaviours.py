"""Every way in which a directory can misbehave, and what is said of it."""

from __future__ import annotations

import gzip
from typing import NamedTuple

from sync import errors
from tests.support.hostile_server import Behaviour, Connection, answer, chunked, raw, response

MIB = 1 << 20
STEERING = "\x1b]0;owned\x07"


class Row(NamedTuple):
    """A behaviour, the error it is, and the words that tell it from others."""

    behave: Behaviour
    kind: type[errors.DirectoryError]
    words: str


def endless(start: bytes, piece: bytes) -> Behaviour:
    """Send `piece` again and again until the client leaves."""

    def behave(connection: Connection) -> None:
        connection.send(start)
        while True:
            connection.send(piece)

    return behave


def held(start: bytes) -> Behaviour:
    """Send this, then nothing more."""

    def behave(connection: Connection) -> None:
        connection.send(start)
        connection.hold()

    return behave


def dripped(start: bytes, rest: bytes) -> Behaviour:
    """Send this, then one byte of the rest ten times a second."""

    def behave(connection: Connection) -> None:
        connection.send(start)
        connection.drip(rest)

    return behave


BOMB = gzip.compress(b" " * (16 * MIB), compresslevel=1)
HEAD = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = response(b"", Transfer_Encoding="chunked")
GZIPPED = gzip.compress(b"[]")
NOT_HTTP = errors.NotHTTP

# At `list` and at log-on alike.
ROWS: dict[str, Row] = {
    # Somewhere else
    "redirect": Row(
        answer("", "302 Found", Location="http://elsewhere.example/x?y=1#z"),
        errors.Redirected,
        "redirects to http://elsewhere.example/x (302)",
    ),
    "redirect that keeps the form": Row(
        answer("", "307 Temporary", Location="//elsewhere.example/"),
        errors.Redirected,
        "redirects to http://elsewhere.example/ (307)",
    ),
    "redirect that steers": Row(
        answer("true", "301 Moved", Location=f"http://x/{STEERING}"), errors.Redirected, "(301)"
    ),
    # Compressed
    "gzip": Row(answer(GZIPPED, Content_Encoding="gzip"), errors.Compressed, "(gzip)"),
    "two codings": Row(
        answer(b"true", Content_Encoding="identity, br"), errors.Compressed, "(identity, br)"
    ),
    "gzip that is not announced": Row(answer(GZIPPED), errors.NotJSON, "invalid UTF-8"),
    "decompression bomb": Row(
        answer(BOMB, Content_Encoding="gzip"), errors.Compressed, "Turn compression off"
    ),
    "bomb as transfer coding": Row(
        raw(response(chunked(BOMB, b""), Transfer_Encoding="gzip, chunked")),
        NOT_HTTP,
        "is not HTTP",
    ),
    # Large
    "announced as endless": Row(
        held(response(b"", Content_Length="9" * 19)), errors.TooLarge, "is larger than"
    ),
    "endless": Row(endless(response(b"["), b" " * 65536), errors.TooLarge, "is larger than"),
    "endless in chunks": Row(
        endless(CHUNKED, chunked(b" " * 65536)), errors.TooLarge, "is larger than"
    ),
    "a chunk of 2^64 bytes": Row(
        endless(CHUNKED + b"f" * 16 + b"\r\n", b" " * 65536), errors.TooLarge, "is larger than"
    ),
    # Slow
    "silence": Row(Connection.hold, errors.TimedOut, "within 1 s"),
    "slow head": Row(dripped(b"", response(b"[]", X="x" * 40)), errors.TimedOut, "within 1 s"),
    "slow body": Row(
        dripped(response(b"", Content_Length="99"), b" " * 99), errors.TimedOut, "within 1 s"
    ),
    "slow chunks": Row(dripped(CHUNKED, chunked(b" ") * 99), errors.TimedOut, "within 1 s"),
    "head without an end": Row(held(HEAD + b"X: 1\r\n"), errors.TimedOut, "within 1 s"),
    "body without an end": Row(
        held(response(b"tru", Content_Length="4")), errors.TimedOut, "within 1 s"
    ),
    "chunks without an end": Row(held(CHUNKED + chunked(b"true")), errors.TimedOut, "within 1 s"),
    "flood of 100 Continue": Row(endless(b"", CONTINUE * 99), errors.TimedOut, "within 1 s"),
    "flood of 103 Early Hints": Row(
        endless(b"", response(b"", "103 Early Hints", Link="x" * 9999)),
        errors.TimedOut,
        "within 1 s",
    ),
    # Not HTTP
    "closed at once": Row(raw(b""), NOT_HTTP, "closed the connection"),
    "reset": Row(Connection.reset, NOT_HTTP, "closed the connection"),
    "closed in the status line": Row(raw(HEAD[:9]), NOT_HTTP, "closed the connection"),
    "closed in the head": Row(raw(HEAD + b"Content-L"), NOT_HTTP, "closed the connection"),
    "closed after 100 Continue": Row(raw(CONTINUE), NOT_HTTP, "closed the connection"),
    "garbage": Row(raw(f"{STEERING}\r\n\r\n".encode()), NOT_HTTP, "is not HTTP"),
    "HTTP/0.9": Row(raw(b"true\r\n\r\n"), NOT_HTTP, "is not HTTP"),
    "HTTP/2": Row(raw(b"\0\0\x12\x04\0\0\0\0\0\r\n\r\n"), NOT_HTTP, "is not HTTP"),
    "status of four digits": Row(raw(b"HTTP/1.1 2000 OK\r\n\r\n"), NOT_HTTP, "is not HTTP"),
    "upgrade": Row(raw(response(b"", "101 Switching", Upgrade="x")), NOT_HTTP, "is not HTTP"),
    "one long header": Row(endless(HEAD + b"X: ", b"x" * 65536), NOT_HTTP, "is not HTTP"),
    "headers without end": Row(endless(HEAD, b"X: 1\r\n" * 9999), NOT_HTTP, "is not HTTP"),
    "NUL in a header": Row(raw(response(b"true", X="a\0b")), NOT_HTTP, "is not HTTP"),
    "header without a name": Row(raw(HEAD + b": x\r\n\r\n"), NOT_HTTP, "is not HTTP"),
    "space before the colon": Row(
        raw(HEAD + b"Content-Length : 4\r\n\r\ntrue"), NOT_HTTP, "is not HTTP"
    ),
    "two sizes": Row(
        raw(HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\ntrue"), NOT_HTTP, "is not HTTP"
    ),
    "size below nought": Row(raw(response(b"true", Content_Length="-4")), NOT_HTTP, "is not HTTP"),
    "size in words": Row(raw(response(b"true", Content_Length="four")), NOT_HTTP, "is not HTTP"),
    "size of 5000 digits": Row(
        raw(response(b"true", Content_Length="9" * 5000)), NOT_HTTP, "is not HTTP"
    ),
    # Cut off
    "cut off": Row(
        raw(response(b"tr", Content_Length="1234")), errors.CutOff, "at 2 of 1234 bytes"
    ),
    "cut off after the head": Row(
        raw(response(b"", Content_Length="4")), errors.CutOff, "at 0 of 4 bytes"
    ),
    "cut off between chunks": Row(
        raw(CHUNKED + chunked(b"true")), errors.CutOff, "at 4 bytes, before its end"
    ),
    "cut off in a chunk": Row(
        raw(CHUNKED + b"9\r\ntrue"), errors.CutOff, "at 4 bytes, before its end"
    ),
    "chunk of a size that is none": Row(
        raw(CHUNKED + chunked(b"true") + b"-1\r\n"), errors.CutOff, "at 4 bytes, before its end"
    ),
    "trailers without end": Row(
        endless(CHUNKED + chunked(b"true") + b"0\r\n", b"X: 1\r\n" * 9999),
        errors.CutOff,
        "at 4 bytes, before its end",
    ),
    # Statuses
    "our credentials": Row(
        answer("true", "401 No"), errors.ServiceCredentialsRefused, "own credentials (401)"
    ),
    "of a proxy": Row(answer("true", "407 No"), errors.UnexpectedStatus, "status 407"),
    "not there": Row(answer("true", "404 No"), errors.ServiceNotFound, "(404)"),
    "another method": Row(answer("true", "405 No"), errors.ServiceNotFound, "(405)"),
    "too many requests": Row(answer("true", "429 No"), errors.ServerFailed, "(429)"),
    "broken": Row(answer("true", f"500 {STEERING}"), errors.ServerFailed, "(500)"),
    "no longer": Row(answer("true", "410 Gone"), errors.UnexpectedStatus, "status 410"),
    # Not JSON
    "nothing": Row(answer(""), errors.NotJSON, "it is empty"),
    "no content": Row(
        raw(response(b"", "204 No Content")), errors.UnexpectedStatus, "unexpected status 204"
    ),
    **{
        f"status {status} with {body}": Row(
            answer(body, f"{status} Fine"), errors.UnexpectedStatus, f"unexpected status {status}"
        )
        for status in (201, 202, 203, 226, 299)
        for body in ("true", '[{"userName": "dora"}]')
    },
    "a part": Row(
        answer('[{"userName": "dora"}]', "206 Partial Content", Content_Range="items 0-1/4"),
        errors.UnexpectedStatus,
        "only a part of its answer (206)",
    ),
    "a part of a verdict": Row(
        answer("true", "206 Partial Content"), errors.UnexpectedStatus, "(206)"
    ),
    "only a byte order mark": Row(answer(b"\xef\xbb\xbf"), errors.NotJSON, "it is empty"),
    "two byte order marks": Row(
        answer(b"\xef\xbb\xbf" * 2 + b"true"), errors.NotJSON, "line 1, column"
    ),
    "UTF-16": Row(answer("true".encode("utf-16")), errors.NotJSON, "invalid UTF-8"),
    "log-on page": Row(answer("<!DOCTYPE html>"), errors.NotJSON, "looks like a web page"),
    "size too small": Row(
        raw(response(b"true", Content_Length="3")), errors.NotJSON, "line 1, column"
    ),
    "NaN": Row(answer("[\nNaN]"), errors.NotJSON, "line 2, column 1"),
    "infinity": Row(answer("[1,\n 1e999]"), errors.NotJSON, "line 2, column 2"),
    "huge number": Row(answer("[9, " + "9" * 30 + "]"), errors.NotJSON, "column 5"),
    "repeated key": Row(
        answer('{"succeeded": false, "succeeded": true}'), errors.NotJSON, "duplicate key"
    ),
    "half a surrogate pair": Row(answer('["\\ud800"]'), errors.NotJSON, "surrogate"),
    "steering in a text": Row(answer(f'["{STEERING}"]'), errors.NotJSON, "column 3"),
    "deep nesting": Row(answer("[" * 60_000), errors.NotJSON, "depth limit exceeded"),
    # Of the wrong shape
    "null": Row(answer("null"), errors.WrongShape, "is null, not"),
    "a number": Row(answer("1"), errors.WrongShape, "is a number, not"),
    "a text": Row(answer('"true"'), errors.WrongShape, "is a text, not"),
    "an empty object": Row(answer("{}"), errors.WrongShape, "is an object, not"),
}

# What is right at one of the two, and wrong at the other.
ONLY_AT_LIST: dict[str, Row] = {
    "verdict": Row(answer("true"), errors.WrongShape, "is true or false, not an array"),
    "forbidden": Row(answer("[]", "403 No"), errors.Forbidden, "(403)"),
    "too many users": Row(answer("[" + "1," * 100 + "1]"), errors.TooLarge, "lists 101 users"),
    "too many values": Row(
        answer(b"[[" + b"[]," * 999_999 + b"[]]]"), errors.TooLarge, "more than 1000000 values"
    ),
}
ONLY_AT_LOG_ON: dict[str, Row] = {
    "list of users": Row(answer('[{"userName": "anna"}]'), errors.WrongShape, "an array, not true"),
    "success in words": Row(
        answer('{"succeeded": "true"}'), errors.WrongShape, "an object, not true"
    ),
    "success as 1": Row(answer('{"succeeded": 1}'), errors.WrongShape, "an object, not true"),
    "success beside it": Row(answer('{"ok": true}'), errors.WrongShape, "“succeeded”"),
    "success further in": Row(
        answer('{"d": {"succeeded": true}}'), errors.WrongShape, "an object, not true"
    ),
    "large verdict": Row(
        answer(b"true" + b" " * 65536),
        errors.TooLarge,
        "64 KiB. Nothing was changed. Check the URL.",
    ),
}
