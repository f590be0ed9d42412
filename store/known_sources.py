"""Where users got in: a table of fixed size, looked up and changed in one place of the file.

A file that is written whole would be rewritten at every log-on. This one has 65 536 buckets of 8
slots of 8 bytes, 4 MiB that are sparse until used. User and source choose the bucket and a tag of
6 bytes; beside that stands the day. A full bucket loses the slot that is farthest from today.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from store.files.durable import read_regular
from store.files.ownership import give_to_owner_of

KNOWN_DAYS = 30
BUCKETS = 1 << 16
_SLOTS = 8
_SLOT = struct.Struct("<6sH")  # tag, days since 1970
_DAY_SECONDS = 24 * 60 * 60
_LAST_DAY = (1 << 16) - 1


class KnownSources:
    """The sources where each user got in within `KNOWN_DAYS`, in `<store>.sources`, mode 0600.

    A file that cannot be read knows nobody, and one that cannot be written remembers nobody: then
    locks hold everywhere, and nobody gets in by that who would not otherwise. A file of more than
    `BUCKETS` cannot be addressed.
    """

    def __init__(
        self, store: Path, clock: Callable[[], float] = time.time, buckets: int = BUCKETS
    ) -> None:
        self.path = store.with_name(f"{store.name}.sources")
        self._clock = clock
        self._buckets = buckets

    def includes(self, user: str, source: str) -> bool:
        """Tell whether that user got in from that source within `KNOWN_DAYS`."""
        place, tag = self._place(user, source)
        try:
            with open(self.path, "rb", 0, opener=_opener(os.O_RDONLY)) as file:
                slots = _read(file.fileno(), place)
        except OSError:
            return False
        return any(tag == other and self._age(day) <= KNOWN_DAYS for other, day in slots)

    def remember(self, user: str, source: str) -> None:
        """Note that the user got in from the source; writes at most once a day for each."""
        place, tag = self._place(user, source)
        today = self._today()
        with (
            suppress(OSError),  # what cannot be noted is not known
            open(self.path, "r+b", 0, opener=_opener(os.O_RDWR | os.O_CREAT)) as file,
        ):
            descriptor = file.fileno()
            slots = _read(descriptor, place)
            if (tag, today) in slots:
                return
            give_to_owner_of(self.path.parent, descriptor)
            slot = next(
                (slot for slot, (other, _) in enumerate(slots) if other == tag),
                max(range(_SLOTS), key=lambda slot: self._age(slots[slot][1])),
            )
            os.pwrite(descriptor, _SLOT.pack(tag, today), place + slot * _SLOT.size)

    def stored(self) -> dict[bytes, int]:
        """Return the days by the digests of users and sources, of a file of `BUCKETS`."""
        try:
            data = read_regular(self.path)
        except OSError:
            return {}
        found = {}
        for number, (tag, day) in enumerate(_SLOT.iter_unpack(data[: len(data) // 8 * 8])):
            if day:
                found[(number // _SLOTS).to_bytes(2, "little") + tag] = day
        return found

    def put(self, days: Mapping[bytes, int]) -> None:
        """Write all that is known, in a file of its own; a bucket that is full loses the oldest.

        Raises `OSError`.
        """
        if not days:
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        with open(self.path, "r+b", 0, opener=_opener(flags)) as file:
            filled: dict[int, int] = {}
            for digest, day in sorted(days.items(), key=lambda item: -item[1]):
                bucket = int.from_bytes(digest[:2], "little") % self._buckets
                slot = filled.get(bucket, 0)
                if slot < _SLOTS:
                    place = (bucket * _SLOTS + slot) * _SLOT.size
                    os.pwrite(file.fileno(), _SLOT.pack(digest[2:], day), place)
                    filled[bucket] = slot + 1
            give_to_owner_of(self.path.parent, file.fileno())

    def _place(self, user: str, source: str) -> tuple[int, bytes]:
        """Return where in the file the bucket begins, and the tag in it."""
        digest = source_digest(user, source)
        bucket = int.from_bytes(digest[:2], "little") % self._buckets
        return bucket * _SLOTS * _SLOT.size, digest[2:]

    def _today(self) -> int:
        return min(max(int(self._clock() / _DAY_SECONDS), 0), _LAST_DAY)

    def _age(self, day: int) -> int:
        """Return how many days lie between then and today; a clock may have been ahead."""
        return abs(self._today() - day)


def _opener(flags: int) -> Callable[[str, int], int]:
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # follows nothing, waits for no FIFO
    return lambda path, _: os.open(path, flags, 0o600)


def source_digest(user: str, source: str) -> bytes:
    """Return what stands for the user and the source: 8 bytes."""
    return hashlib.blake2b(
        f"{user}\0{source}".encode("utf-8", "surrogatepass"), digest_size=8
    ).digest()


def _read(descriptor: int, place: int) -> list[tuple[bytes, int]]:
    size = _SLOTS * _SLOT.size
    data = os.pread(descriptor, size, place).ljust(size, b"\0")
    return list(_SLOT.iter_unpack(data))
