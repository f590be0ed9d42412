"""Where each user stands in the store's file, so that a log-on reads one line of it.

`<store>.index` is a cache: it may be missing, old or broken, and then the whole file is read. It
holds, all little-endian,

- a header: what the file was that it tells of (inode, size, time of modification), how many users
  there are, and where the other tables begin;
- for each page of entries, the first digest; then, for each, the page's CRC; and the CRC of all so
  far;
- the pages: up to 256 digests of `match_key`, 64 bits each, in ascending order, and as many
  offsets of the line in which the user stands.

It says nothing about who is let in: the row that is found is read from the store's file.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

from store.files.durable import replace_whole
from store.files.ownership import exposure
from store.names import match_key
from store.tinydb.file_format import (
    USERS,
    USERS_IN_A_LINE,
    Tables,
    line_offsets,
    read_line,
    read_others,
)

_MAGIC = b"mailroster ind 1"
_HEADER = struct.Struct("<16s3QQQ")
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CRC = struct.Struct("<I")
_PAGE = 256  # users


class Place(NamedTuple):
    """Where to look for a user: an unknown one is looked for like a known one."""

    is_known: bool
    line: int
    others: int


def index_path(store: Path) -> Path:
    """Return the path of the index of `store`."""
    return store.with_name(f"{store.name}.index")


def tables_with(store: Path, key: str) -> Tables | None:
    """Return the tables with the user of that `match_key` alone, or with none.

    None where the index describes another file than the one that is there; the caller then reads
    all of it. The file was sound when the index was made.
    """
    try:
        with open(os.open(store, _READ), "rb") as file:
            found = os.fstat(file.fileno())
            place = _place(index_path(store), found, key)
            if place is None or exposure(found, store.parent):
                return None
            line, others = read_line(file, place.line), read_others(file, place.others)
        rows = {doc_id: row for doc_id, row in line.items() if match_key(row["user_name"]) == key}
    except (OSError, ValueError, struct.error, LookupError, TypeError, AttributeError):
        return None
    return {USERS: rows, **others} if bool(rows) == place.is_known else None


def write_index(store: Path, file: BinaryIO, keys: Collection[str]) -> None:
    """Write the index of the open `file`, whose users have these keys, in its order.

    Not where it is laid out otherwise, and not through to the disk. Where it cannot be written,
    the next log-on reads the whole file too.
    """
    offsets = line_offsets(file)
    if offsets is None or len(offsets) - 1 != -(-len(keys) // USERS_IN_A_LINE):
        return
    *lines, others = offsets
    entries = sorted((_digest(key), lines[at // USERS_IN_A_LINE]) for at, key in enumerate(keys))
    parts = [entries[start : start + _PAGE] for start in range(0, len(entries), _PAGE)]
    pages = [_packed([*(d for d, _ in part), *(line for _, line in part)]) for part in parts]
    found = os.fstat(file.fileno())
    top = _HEADER.pack(_MAGIC, *_identity(found), len(keys), others)
    top += _packed([part[0][0] for part in parts])
    top += b"".join(_CRC.pack(crc32(page)) for page in pages)
    path = index_path(store)
    with suppress(OSError):
        pieces = [top, _CRC.pack(crc32(top)), *pages]
        replace_whole(path, pieces, temporary=path.with_name(f".{path.name}.tmp"), through=False)


def _place(index: Path, store: os.stat_result, key: str) -> Place | None:
    with open(os.open(index, _READ), "rb") as file:
        header = file.read(_HEADER.size)
        magic, inode, size, modified, users, others = _HEADER.unpack(header)
        is_of_store = (magic, inode, size, modified) == (_MAGIC, *_identity(store))
        here = os.fstat(file.fileno())
        if not is_of_store or not 0 < 16 * users < here.st_size or exposure(here, index.parent):
            return None
        count = -(-users // _PAGE)
        directory = file.read(12 * count)
        if _CRC.unpack(file.read(_CRC.size)) != (crc32(header + directory),):
            return None
        firsts = _unpacked(directory[: 8 * count])
        digest = _digest(key)
        number = max(0, bisect_right(firsts, digest) - 1)
        file.seek(16 * _PAGE * number, os.SEEK_CUR)
        page = file.read(16 * min(_PAGE, users - _PAGE * number))
    if _CRC.unpack_from(directory, 8 * count + 4 * number) != (crc32(page),):
        return None
    values = _unpacked(page)
    in_page = len(values) // 2
    at = min(bisect_left(values, digest, hi=in_page), in_page - 1)
    return Place(values[at] == digest, values[in_page + at], others)


def _identity(file: os.stat_result) -> tuple[int, int, int]:
    return file.st_ino, file.st_size, file.st_mtime_ns


def _digest(key: str) -> int:
    spelled = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(spelled, digest_size=8).digest(), "little")


def _packed(values: list[int]) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def _unpacked(text: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(text) // 8}Q", text)
