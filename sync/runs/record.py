"""What a run leaves in the history, and what of it may be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from store.errors import Problem
from store.history import Run, RunChange, RunSummary
from store.interface import Edit, Snapshot
from store.models import SECRET_SETTINGS, UserRow
from store.text import shown_time
from sync.planning.changes import shown_value
from sync.planning.folder_rights import RIGHTS
from sync.planning.plan import ACTIONS, IDS, Change, FieldChange, LeftOut, Plan

_OF_THE_STORE = ("rev", "changed", "created")  # set by the store with every write
HASH: Literal["password_hash"] = "password_hash"
QUESTION = "question"  # one that was not answered
COUNTED = (*ACTIONS, QUESTION)
_SHORT = timedelta(days=14)  # a history that reaches back less far may miss the run to undo
_MOST_EXAMPLES = 200  # of a run's conflicts and open questions, and of its warnings
_MOST_LEFT_OUT = 20  # addresses of a user
_LONGEST_WARNING = 500  # characters


def short_history(state: Snapshot, now: datetime) -> Problem | None:
    """Return the warning that runs of the last two weeks were dropped for want of room, or None."""
    until, room = state.history.folded_until, state.settings.history_max_mib
    if not until or now - datetime.fromisoformat(until) >= _SHORT:
        return None
    return Problem(
        f"The history of {room} MiB is full: runs up to {shown_time(until)} can no longer be "
        "undone.",
        f"Give it more room, such as `mailroster settings set history_max_mib={2 * room}`.",
        untouched="Newer runs can be undone.",
    )


def run_of(
    plan: Plan,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    before: Snapshot,
    who: str,
    at: datetime,
    held: int = 0,
    confirmed: bool = False,
) -> Run:
    """Return the record of applying the `changes` of `plan` to `before`, as `edits` write them.

    `at` is when. `held` is how many deletions were held back, `confirmed` whether the guard was
    opened.
    Conflicts and open questions of the plan are recorded too.
    """
    reported = [change for change in plan.changes if change.edit is None]
    counts = Counter(
        QUESTION if change.is_question else change.action
        for change in (*changes, *reported)
        if change.user_name != IDS or change.asks
    )
    examples = _examples(reported)
    listed = [*changes, *examples]
    written = {_identity(edit): edit for edit in edits}
    settings = plan.settings_changes
    summary = RunSummary(
        id=plan.id,
        kind=plan.kind,
        who=who,
        at=at.isoformat(timespec="seconds"),
        counts={kind: counts[kind] for kind in COUNTED},
        subject=listed[0].user_name if len(listed) == 1 else "",
        settings=tuple(settings),
        listed=plan.listed,
        held=held,
        suspended=sum(change.locks_out and change.action != "delete" for change in changes),
        announced=sum(change.locks_out and not change.is_counted for change in changes),
        confirmed=confirmed,
        guarded=plan.guarded,
        undoes=plan.undoes,
        final=plan.final,
    )
    return Run(
        summary=summary,
        changes=[_record(change, written, before.users) for change in listed],
        settings={name: {"old": old, "new": new} for name, (old, new) in settings.items()},
        filters=plan.settings.filters if plan.guarded else (),
        guard=plan.guard,
        warnings=tuple(_kept_warnings(plan.warnings, len(reported) - len(examples))),
    )


def _examples(reported: Sequence[Change]) -> list[Change]:
    """Return of many conflicts and open questions those that are kept, questions before conflicts.

    What the directory sends that is refused must not fill the history, and with it what can be
    taken back.
    """
    places = sorted(range(len(reported)), key=lambda place: not reported[place].is_question)
    return [reported[place] for place in sorted(places[:_MOST_EXAMPLES])]


def _kept_warnings(warnings: Sequence[str], left_out: int) -> Iterator[str]:
    """Yield the warnings of a record, and how much of what was told it does not hold."""
    for warning in warnings[:_MOST_EXAMPLES]:
        yield warning if len(warning) <= _LONGEST_WARNING else f"{warning[: _LONGEST_WARNING - 1]}…"
    if left_out:
        yield f"More conflicts and questions, counted here and not recorded: {left_out}."
    if (more := len(warnings) - _MOST_EXAMPLES) > 0:
        yield f"More warnings, not recorded: {more}."


def _identity(edit: Edit) -> tuple[str, bool]:
    """Return what tells the edits of a batch apart: a name may go and come in one."""
    return edit.key, bool(edit.rev)


def _record(
    change: Change, written: Mapping[tuple[str, bool], Edit], users: Mapping[str, UserRow]
) -> RunChange:
    old, new = None, None
    if change.edit:
        with_rights = RIGHTS in change.fields
        old, new = _values(written[_identity(change.edit)], users, with_rights=with_rights)
    record = RunChange(
        action=change.action,
        user_name=change.user_name,
        reason=change.reason,
        archive=change.archive,
        old=old,
        new=new,
    )
    if change.candidates and (old is None) != (new is None):
        record["came_from"] = change.candidates[0]
    if change.left_out:
        record["left_out"] = [item._asdict() for item in change.left_out[:_MOST_LEFT_OUT]]
    return record


def _values(
    edit: Edit, users: Mapping[str, UserRow], *, with_rights: bool
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the user before and after: whole, or the differing fields of one who stays.

    Rights on folders that only move along with a renamed owner are no change of their own.
    """
    old: dict[str, Any] | None = dict(users[edit.key]) if edit.rev else None
    new: dict[str, Any] | None = dict(edit.user.to_row()) if edit.user else None
    if old is None or new is None:
        return old, new
    names = [
        name
        for name, value in new.items()
        if name not in _OF_THE_STORE
        and old.get(name) != value
        and (value or old.get(name))
        and (with_rights or name != RIGHTS)
    ]
    return {name: old.get(name) for name in names}, {name: new[name] for name in names}


def shown_settings(run: Run) -> dict[str, dict[str, Any]]:
    """Return the settings that a run changed, old and new; of secrets only whether there is one."""
    return {
        name: {side: _shown_setting(name, value) for side, value in both.items()}
        for name, both in run.settings.items()
    }


def planned_settings(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the settings that a plan changes, like `shown_settings`."""
    return {
        name: {"old": _shown_setting(name, old), "new": _shown_setting(name, new)}
        for name, (old, new) in plan.settings_changes.items()
    }


def _shown_setting(name: str, value: Any) -> Any:
    return ("(set)" if value else "") if name in SECRET_SETTINGS else value


def shown_changes(changes: Iterable[RunChange]) -> list[dict[str, Any]]:
    """Return recorded changes without password hashes, which are kept but never shown."""
    return [
        {**change, "old": _without_hash(change["old"]), "new": _without_hash(change["new"])}
        for change in changes
    ]


def recorded_change(change: RunChange) -> Change:
    """Return a recorded change as a line of a plan, without what only the store needs."""
    (shown,) = shown_changes([change])
    old, new = shown["old"] or {}, shown["new"] or {}
    hidden = _OF_THE_STORE if old and new else (*_OF_THE_STORE, "user_name")
    values = {
        name: FieldChange(shown_value(old.get(name)), shown_value(new.get(name)))
        for name in old | new
    }
    return Change(
        action=change["action"],  # type: ignore[arg-type]
        user_name=change["user_name"],
        reason=change["reason"],
        fields={
            name: both
            for name, both in values.items()
            if both.old != both.new and name not in hidden
        },
        archive=change["archive"],  # type: ignore[arg-type]
        done=bool(old or new),
        left_out=tuple(LeftOut(**item) for item in change.get("left_out", ())),
    )


def _without_hash(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None or HASH not in values:
        return values
    shown = {name: value for name, value in values.items() if name != HASH}
    return {**shown, "has_password": values[HASH] is not None}
