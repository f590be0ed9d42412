"""The directory's answer in a file: to plan against it later, without the directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from store.files.durable import add_whole, read_regular
from store.text import printable
from sync.directory.listing import DirectoryUser, Listing, RecordFields
from sync.errors import AnswerFileError, not_written

_MARK = "mailroster_answer"
_VERSION = 1
_LARGEST = 1 << 30  # bytes
_WIRE = RecordFields()
_UNREADABLE = False  # in the place of a field that could not be read, it cannot be read again


def save_answer(path: Path, listing: Listing, at: datetime) -> None:
    """Write the answer, which arrived `at` that time, to the new file `path`, for its owner only.

    Of a record only the fields that a sync reads are kept: others may hold a hash. Raises
    `AnswerFileError`, which says whether the answer is there all the same.
    """
    content = {
        _MARK: _VERSION,
        "at": at.isoformat(timespec="seconds"),
        "records": [*_known(listing), *map(_trimmed, listing.records)],
    }
    try:
        add_whole(path, orjson.dumps(content, default=_unreadable))
    except OSError as error:
        raise not_written(AnswerFileError, "answer", path, error) from None


def load_answer(path: Path) -> tuple[Listing, str]:
    """Return the kept answer and when it arrived; raises `AnswerFileError`."""
    try:
        content = read_regular(path, _LARGEST)
        whole = orjson.loads(content)
        version, at, records = whole[_MARK], str(whole["at"]), whole["records"]
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise _unusable(path, "is not a complete answer") from None
    if version != _VERSION or not isinstance(records, list):
        raise _unusable(
            path,
            f"has version {printable(version, 20)}, but this mailroster reads version {_VERSION}",
        )
    return Listing.unread(records), at


def _unusable(path: Path, problem: str) -> AnswerFileError:
    return AnswerFileError(
        f"The kept answer {printable(path)} {problem}.",
        "Keep one with `mailroster test --save-answer FILE`.",
    )


def _trimmed(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {name: record[name] for name in _WIRE if name in record}


def _unreadable(_value: object) -> bool:
    """Return what stands for a value that JSON cannot hold: LDAP's, where it is not UTF-8."""
    return _UNREADABLE


def _known(listing: Listing) -> Iterator[Mapping[str, Any]]:
    """Yield the records that were read beforehand, as the protocol spells them."""
    for user in listing.known.users:
        yield {
            _WIRE.user_name: user.user_name,
            **{wire: _value(user, name) for name, wire in zip(_FIELDS, _WIRE[1:], strict=True)},
        }
    for bad in listing.known.invalid:
        yield {
            _WIRE.user_name: bad.user_name,
            _WIRE.distinguished_name: bad.distinguished_name,
            _WIRE.email_addresses: bad.email_addresses,
            _WIRE.id: bad.id,
        }


_FIELDS = RecordFields._fields[1:]


def _value(user: DirectoryUser, name: str) -> Any:
    value = getattr(user, name)
    if name not in user.unreadable:
        return value
    return [*value, _UNREADABLE] if isinstance(value, list) else _UNREADABLE
