"""The chain of the history: each record carries the digest of the stored bytes of the one before.

The rule is pure; who verifies brings the records. What it proves: docs/SECURITY.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from store.errors import StoreError
from store.history import History, RunSummary, summary_from

Record = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found: how many `records` were read, of which `unchained` are from before the chain.

    `wrong` is the id of the first run whose record is not what it was, None if all are; `problem`
    says what is wrong with it. `head` is the digest of the newest record.
    """

    records: int
    unchained: int = 0
    head: str = ""
    wrong: str | None = None
    problem: str = ""


def digest(record: bytes) -> str:
    """Return the digest of a record: SHA-256, in hexadecimal digits."""
    return hashlib.sha256(record).hexdigest()


def verify(history: History, runs: Sequence[RunSummary], record: Record, noted: str = "") -> Chain:
    """Follow the chain over all `runs` that are kept, oldest first, up to the `history`'s head.

    `record` returns the stored bytes of a run; it may raise a `StoreError`. `noted` is a head that
    was noted elsewhere, which the chain must still hold.
    """
    before, last, unchained = history.folded_head, "", 0
    starts_anywhere = history.folded_runs and not before  # its digest can no longer be read
    is_noted = not noted or noted == before
    for number, run in enumerate(runs):
        try:
            content = record(run.id)
            stored: dict[str, Any] = orjson.loads(content)
            listed = summary_from(stored["summary"])
            previous = str(stored.get("previous", ""))
        except StoreError as error:
            return Chain(number, unchained, before, run.id, error.what)
        except (ValueError, LookupError, TypeError, AttributeError):
            return Chain(number, unchained, before, run.id, "Its record is incomplete.")
        if listed != run:
            problem = "Its record does not match the list of runs."
            return Chain(number, unchained, before, run.id, problem)
        if not previous and number == unchained and not history.folded_head:
            unchained += 1  # from before there was a chain, or the very first
        elif previous != before and not (number == 0 and starts_anywhere):
            problem = _broken(run.id) if last else _NO_START
            return Chain(number, unchained, before, last or run.id, problem)
        before, last = digest(content), run.id
        is_noted |= noted == before
    if before != history.head and (runs or history.head):
        return Chain(len(runs), unchained, before, last or None, _NO_END)
    if not is_noted:
        return Chain(len(runs), unchained, before, last or None, _NOT_NOTED)
    return Chain(len(runs), max(0, unchained - 1), before)


_NO_START = "It does not follow the last run that was folded: records between were removed."
_NO_END = (
    "It is not the newest record that the store knows: it was changed, or records after it were "
    "removed or added."
)
_NOT_NOTED = (
    "No record up to this one has the noted digest: records were removed, or the history was "
    "written anew."
)


def _broken(following: str) -> str:
    return (
        f"It is not the record that run {following} follows: it was changed, or a record between "
        "the two was removed or added."
    )
