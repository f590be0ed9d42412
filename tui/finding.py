"""What the palette finds: actions, users, settings and themes, the best match first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from store.interface import Snapshot
from store.models import UserRow
from store.names import match_key

MOST_USERS = 8
_SHORTEST = 2  # letters from which on users are looked for
_SHORTEST_PART = 3  # and from which on within words
_EXACT, _START, _WORD, _INITIALS, _TOLD, _PART, _NONE = range(7)
_BREAKS = str.maketrans(".-_@,:()/", " " * 9)


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the palette. `reason` says why it cannot be done now.

    It is found by its `label`, then by what it is `also` called, and last by its `help`.
    """

    label: str
    where: str
    help: str
    run: Callable[[], Awaitable[object]]
    reason: str = ""
    also: str = ""


def ranked(entries: Sequence[Found], query: str) -> list[Found]:
    """Return the entries that match, the exact ones first, then by starts of words.

    What matches equally well keeps its order.
    """
    wanted = match_key(query).translate(_BREAKS).split()
    if not wanted:
        return list(entries)
    ranks = [(rank(entry, " ".join(wanted)), entry) for entry in entries]
    found = [pair for pair in ranks if pair[0] != _NONE]
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]


def rank(entry: Found, query: str) -> int:
    """Return how well an entry matches a case-folded query of words; less is better."""
    labels = [_words(entry.label), _words(entry.also)]
    if query in labels:
        return _EXACT
    if any(label.startswith(query) for label in labels):
        return _START
    if any(f" {query}" in label for label in labels):
        return _WORD
    if query == "".join(word[0] for word in labels[0].split()):
        return _INITIALS
    if f" {query}" in f" {_words(entry.help)}":
        return _TOLD
    is_part = len(query) >= _SHORTEST_PART and any(query in label for label in labels)
    return _PART if is_part else _NONE


def _words(text: str) -> str:
    return " ".join(match_key(text).translate(_BREAKS).split())


class UserNames:
    """The users of one state of the store, by user name, full name and addresses."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._keys = list(snapshot.users)
        self._users = snapshot.users
        self._texts: list[str] = []

    def find(self, query: str) -> list[str]:
        """Return the keys of the users who match best, at most `MOST_USERS` of them."""
        wanted = match_key(query.strip())
        if len(wanted) < _SHORTEST:
            return []
        if not self._texts:
            self._texts = [_text_of(key, row) for key, row in self._users.items()]
        texts = self._texts
        among = [place for place, text in enumerate(texts) if wanted in text]
        found = {wanted: None} if wanted in self._users else {}
        for start in (f"\n{wanted}", f" {wanted}", f".{wanted}", wanted):
            matching = (self._keys[place] for place in among if start in texts[place])
            found |= dict.fromkeys(islice(matching, MOST_USERS))
            if len(found) >= MOST_USERS:
                break
        return list(found)[:MOST_USERS]


def _text_of(key: str, row: UserRow) -> str:
    names = "\n".join((row["full_name"] or "", *row["email_addresses"]))
    return f"\n{key}\n{match_key(names)}"
