"""A plan: what a sync would change, and why. It is made by `sync.planning.planner`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from store.history import RunKind
from store.interface import Edit
from store.models import Settings
from store.names import match_key

Action = Literal["create", "update", "delete", "conflict", "rename"]
ACTIONS: tuple[Action, ...] = ("create", "update", "delete", "conflict", "rename")

FieldValue = str | list[str] | None
Fate = Literal["kept", "removed"]  # of a deleted user's archive
Question = Literal["rename", "link"]
Answer = Literal["rename", "separate", "link"]


class FieldChange(NamedTuple):
    """One field's value before and after."""

    old: FieldValue
    new: FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    `edit` is what would be written; conflicts and rename questions have none, they are only
    reported. A rename goes by its new name. `archive` says what becomes of a deleted user's
    archive. `asks` is the question that the administrator can answer; where it is a rename,
    `candidates` are the names of those who may have come under the new one. `done` marks what the
    history tells of: it was written, so there is no edit.
    """

    action: Action
    user_name: str
    reason: str
    fields: dict[str, FieldChange] = field(default_factory=dict)
    archive: Fate | None = None
    edit: Edit | None = None
    asks: Question | None = None
    candidates: tuple[str, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What the administrator decided about open questions; everything goes by match key.

    `rename` and `separate` answer rename questions, by the new name. `rename` says who came under
    it, or None for the only one in question: of several nobody is picked. `link` lets local users
    whose names the directory lists log on with the directory's password.
    """

    rename: Mapping[str, str | None] = field(default_factory=dict)
    separate: frozenset[str] = frozenset()
    link: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        rename: Iterable[str] = (),
        separate: Iterable[str] = (),
        link: Iterable[str] = (),
        rename_from: Iterable[tuple[str, str]] = (),
    ) -> Answers:
        """Build the answers from user names in any spelling; `rename_from` pairs old and new."""
        whose = {match_key(new): match_key(old) for old, new in rename_from}
        return cls(
            {**dict.fromkeys(map(match_key, rename)), **whose},
            frozenset(map(match_key, separate)),
            frozenset(map(match_key, link)),
        )

    def __contains__(self, user_name: str) -> bool:
        """Tell whether the question about this name is answered."""
        key = match_key(user_name)
        return key in self.rename or key in self.separate or key in self.link

    def with_answer(
        self, answer: Answer | None, user_names: Iterable[str], old: str | None = None
    ) -> Answers:
        """Return these answers with `answer` for the names, or with None without one for them.

        `old` is who came under the name, where the answer is a rename.
        """
        keys = frozenset(map(match_key, user_names))
        rename = {key: value for key, value in self.rename.items() if key not in keys}
        rest = Answers(rename, self.separate - keys, self.link - keys)
        if answer is None:
            return rest
        if answer == "rename":
            came = None if old is None else match_key(old)
            return replace(rest, rename={**rename, **dict.fromkeys(keys, came)})
        return replace(rest, **{answer: getattr(rest, answer) | keys})


def _new_id() -> str:
    return os.urandom(6).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a sync would do, made from one store state and one directory answer.

    `id` names the plan, and in the history the run that applied it. `listed` counts the
    directory's records, `in_scope` those within the filters, `managed` the users here that the
    sync manages. `guard` holds a sentence per delete guard that blocks. The plan of an undo
    names the run that it `undoes`, and has its `listed`.
    """

    store_id: str
    generation: int
    settings: Settings
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    listed: int = 0
    in_scope: int = 0
    managed: int = 0
    guard: tuple[str, ...] = ()
    kind: RunKind = "sync"
    undoes: str | None = None
    id: str = field(default_factory=_new_id, compare=False)

    @property
    def counts(self) -> dict[Action, int]:
        """The number of changes of each action."""
        found = Counter(change.action for change in self.changes)
        return {action: found[action] for action in ACTIONS}

    def of(self, action: Action) -> list[Change]:
        """Return the changes of one action, in the plan's order."""
        return [change for change in self.changes if change.action == action]


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes as a plan shows them: by action, then by name."""
    rank = {action: number for number, action in enumerate(ACTIONS)}
    return tuple(
        sorted(changes, key=lambda change: (rank[change.action], match_key(change.user_name)))
    )
