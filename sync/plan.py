"""A plan: what a sync would change, and why. It is made by `sync.planner`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from store.interface import Edit
from store.models import Settings

Action = Literal["create", "update", "delete", "conflict", "rename"]
ACTIONS: tuple[Action, ...] = ("create", "update", "delete", "conflict", "rename")

FieldValue = str | list[str] | None


class FieldChange(NamedTuple):
    """One field's value before and after."""

    old: FieldValue
    new: FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    `edit` is what would be written; conflicts and rename questions have none, they are only
    reported. `archive` says what becomes of a deleted user's archive.
    """

    action: Action
    user_name: str
    reason: str
    fields: dict[str, FieldChange] = field(default_factory=dict)
    archive: Literal["kept", "removed"] | None = None
    edit: Edit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a sync would do, made from one store state and one directory answer.

    `listed` counts the directory's records, `in_scope` those within the filters, `managed` the
    users here that the sync manages. `guard` holds a sentence per delete guard that blocks.
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

    @property
    def counts(self) -> dict[Action, int]:
        """The number of changes of each action."""
        found = Counter(change.action for change in self.changes)
        return {action: found[action] for action in ACTIONS}

    def of(self, action: Action) -> list[Change]:
        """Return the changes of one action, in the plan's order."""
        return [change for change in self.changes if change.action == action]
