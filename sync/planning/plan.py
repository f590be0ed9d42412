"""A plan: what a sync would change, and why. It is made by `sync.planning.planner`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from store.history import RunKind
from store.interface import Edit, Snapshot
from store.models import Settings
from store.names import match_key
from sync.planning.guard import Block

Action = Literal["create", "return", "update", "leave", "delete", "conflict", "rename"]
ACTIONS: tuple[Action, ...] = (
    "create",
    "return",
    "update",
    "leave",
    "delete",
    "conflict",
    "rename",
)

FieldValue = str | list[str] | None
# What becomes of the archive folder of a user who goes (kept, removed, or given back to the one
# before) or comes: one that holds mail of somebody before is set aside.
Fate = Literal["kept", "removed", "aside", "back"]
Question = Literal["rename", "link", "return", "ids"]
Answer = Literal["rename", "separate", "link", "same", "new", "take_ids"]
IDS = "(ids of the directory)"  # in the place of a name
_MARKS = {"other_id", "absent_since"}  # the fields that keep somebody out, now or from a day on


class LeftOut(NamedTuple):
    """An address that a user does not get, and who has it or would get it too."""

    address: str
    holder: str


class FieldChange(NamedTuple):
    """One field's value before and after."""

    old: FieldValue
    new: FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    `edit` is what would be written; conflicts and rename questions have none, they are only
    reported. A rename goes by its new name. `archive` says what becomes of the archive folder.
    `asks` is the question that the administrator can answer; where it is a rename,
    `candidates` are the names of those who may have come under the new one. That of a return is
    the earlier name, whose archive folder moves along. `done` marks what the
    history tells of: it was written, so there is no edit. `follows` are the keys of those whose
    change makes this one necessary; it goes with them. `left_out` are the addresses that the
    directory lists for this user and that stay with others.
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
    follows: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def stays_open(self) -> bool:
        """Whether it is a conflict, or a question that nobody answered."""
        return self.action == "conflict" or self.asks is not None

    @property
    def is_question(self) -> bool:
        """Whether it is a question and nothing else; a local namesake is a conflict as well."""
        return self.asks not in (None, "link")

    @property
    def locks_out(self) -> bool:
        """Whether it keeps somebody out, now or from a day on; it is held with deletions."""
        marks = (self.fields[name].new for name in self.fields.keys() & _MARKS)
        return self.edit is not None and (
            self.action == "delete" or any(mark is not None for mark in marks)
        )

    @property
    def is_counted(self) -> bool:
        """Whether the delete guard counts it: once, so not the deletion whose mark it let pass."""
        was_marked = self.action == "delete" and "absent_since" in self.fields
        return self.locks_out and not was_marked


@dataclass(frozen=True, slots=True)
class Answers:
    """What the administrator decided about open questions; everything goes by match key.

    `rename` and `separate` answer rename questions, by the new name. `rename` says who came under
    it, or None for the only one in question: of several nobody is picked. `link` lets local users
    whose names the directory lists log on with the directory's password. `same` and `new` answer
    whether a name is still, or again, the person whom it stood for; `take_ids` has the ids of a
    directory taken over by name.
    """

    rename: Mapping[str, str | None] = field(default_factory=dict)
    separate: frozenset[str] = frozenset()
    link: frozenset[str] = frozenset()
    same: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    take_ids: bool = False

    @classmethod
    def of(
        cls,
        rename: Iterable[str] = (),
        separate: Iterable[str] = (),
        link: Iterable[str] = (),
        rename_from: Iterable[tuple[str, str]] = (),
        same: Iterable[str] = (),
        new: Iterable[str] = (),
        *,
        take_ids: bool = False,
    ) -> Answers:
        """Build the answers from user names in any spelling; `rename_from` pairs old and new."""
        whose = {match_key(new): match_key(old) for old, new in rename_from}
        return cls(
            {**dict.fromkeys(map(match_key, rename)), **whose},
            frozenset(map(match_key, separate)),
            frozenset(map(match_key, link)),
            frozenset(map(match_key, same)),
            frozenset(map(match_key, new)),
            take_ids,
        )

    def __contains__(self, user_name: str) -> bool:
        """Tell whether the question about this name is answered."""
        key = match_key(user_name)
        if key in self.rename or key in self.separate or key in self.link:
            return True
        return key in self.same or key in self.new or (self.take_ids and user_name == IDS)

    def with_answer(
        self, answer: Answer | None, user_names: Iterable[str], old: str | None = None
    ) -> Answers:
        """Return these answers with `answer` for the names, or with None without one for them.

        `old` is who came under the name, where the answer is a rename.
        """
        keys = frozenset(map(match_key, user_names))
        rename = {key: value for key, value in self.rename.items() if key not in keys}
        take_ids = self.take_ids and match_key(IDS) not in keys
        rest = Answers(
            rename,
            self.separate - keys,
            self.link - keys,
            self.same - keys,
            self.new - keys,
            take_ids,
        )
        if answer is None:
            return rest
        if answer == "take_ids":
            return replace(rest, take_ids=True)
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
    sync manages. `blocks` are why the delete guard stops it. The plan of an undo names the run that
    it `undoes`, and has its `listed`. `new_settings` replace the `settings` that the plan was made
    from, with these `answers` to its questions. The delete guard looks at a plan that is `guarded`;
    what a `final` one did cannot be taken back.
    """

    store_id: str
    generation: int
    settings: Settings
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    listed: int = 0
    in_scope: int = 0
    managed: int = 0
    blocks: tuple[Block, ...] = ()
    kind: RunKind = "sync"
    undoes: str | None = None
    new_settings: Settings | None = None
    guarded: bool = True
    final: bool = False
    answers: Answers = field(default_factory=Answers, compare=False)
    id: str = field(default_factory=_new_id, compare=False)

    @property
    def guard(self) -> tuple[str, ...]:
        """The sentences of why the delete guard stops it."""
        return tuple(block.sentence for block in self.blocks)

    @property
    def counts(self) -> dict[Action, int]:
        """The number of changes of each action."""
        return counts_of(self.changes)

    @property
    def leaves_open(self) -> bool:
        """Whether it has conflicts, or questions that nobody answered."""
        return any(change.stays_open for change in self.changes)

    def of(self, action: Action) -> list[Change]:
        """Return the changes of one action, in the plan's order."""
        return [change for change in self.changes if change.action == action]

    @property
    def settings_changes(self) -> dict[str, tuple[Any, Any]]:
        """The stored values, old and new, of each setting that the plan changes."""
        if self.new_settings is None:
            return {}
        return self.settings.changes_to(self.new_settings)


def counts_of(changes: Iterable[Change]) -> dict[Action, int]:
    """Return the number of changes of each action; the line about ids is no user's."""
    found = Counter(change.action for change in changes if change.user_name != IDS)
    return {action: found[action] for action in ACTIONS}


def plan_by_hand(
    before: Snapshot,
    kind: RunKind,
    changes: Iterable[Change],
    new_settings: Settings | None = None,
) -> Plan:
    """Return the plan of what an administrator does by hand to the state `before`."""
    return Plan(
        store_id=before.store_id,
        generation=before.generation,
        settings=before.settings,
        changes=tuple(changes),
        kind=kind,
        new_settings=new_settings,
        guarded=False,
        final=kind == "unlock",
    )


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes as a plan shows them: by action, then by name."""
    rank = {action: number for number, action in enumerate(ACTIONS)}
    return tuple(
        sorted(changes, key=lambda change: (rank[change.action], match_key(change.user_name)))
    )
