"""Leavers: with `delete_after_days` a user who is gone is marked first, and deleted on a later day.

Days are those of UTC, so it does not matter at what time of the day a sync runs. The delete guard
counts the mark as the deletion that it announces; until that day the directory decides about
log-ons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from store.interface import Edit
from store.models import DIRECTORY_SERVICES, Settings, User, UserRow
from store.names import match_key
from store.text import printable
from sync.planning.deletions import Managed, managed_by, may_go
from sync.planning.draft import Draft
from sync.planning.filters import as_listed, skipped_by
from sync.planning.plan import Change, FieldChange

LeavingOn = Callable[[UserRow], str | None]


def day_of(now: datetime) -> str:
    """Return the day in UTC, as marks have it."""
    return now.astimezone(UTC).date().isoformat()


def leaving_on(settings: Settings) -> LeavingOn:
    """Return what tells of a user from which day on a sync deletes it, None for who stays."""
    is_managed = managed_by(settings.filters)

    def day(row: UserRow) -> str | None:
        since = row.get("absent_since")
        if not since or not settings.auto_delete:
            return None
        key = match_key(row["user_name"])
        return _day_after(since, settings) if is_managed(key, row) else None

    return day


def counted_by(is_managed: Managed) -> Managed:
    """Return the test for users of whom the delete guard's shares are: leavers are gone for it."""
    return lambda key, row: is_managed(key, row) and not row.get("absent_since")


def give_time(
    users: Mapping[str, UserRow], draft: Draft, settings: Settings, today: str
) -> Iterator[Change]:
    """Take users whose day has not come out of the draft's deletions; yield marks for new leavers.

    While a leaver's name is listed out of scope with another person's id, log-ons are refused.
    """
    if not settings.delete_after_days:
        return
    for key, reason in [*draft.deletes.items()]:
        since = users[key].get("absent_since")
        if since and _day_after(since, settings) <= today:
            draft.deletes[key] = f"{reason}, and was leaving since {since}"
            continue
        del draft.deletes[key]
        draft.leavers.add(key)
        if not since:
            other = draft.present[key].id if key in draft.others_outside else None
            yield _mark(users[key], reason, today, other, settings)


def no_longer_leaving(
    users: Mapping[str, UserRow], changes: Iterable[Change], settings: Settings
) -> Iterator[Change]:
    """Yield the end of marks without a purpose: no sync deletes these users.

    Without those of whom the `changes` decide, and whom a skip rule leaves alone.
    """
    decided = {change.edit.key for change in changes if change.edit}
    is_skipped = skipped_by(settings.filters)
    for key, row in users.items():
        if not row.get("absent_since") or row["authentication"] != DIRECTORY_SERVICES:
            continue
        may_leave = settings.auto_delete and may_go(key, row)
        if may_leave or key in decided or (is_skipped and is_skipped(as_listed(row))):
            continue
        yield Change(
            action="update",
            user_name=row["user_name"],
            reason="no longer leaving, because syncs do not delete this user now",
            fields={"absent_since": FieldChange(row["absent_since"], None)},
            edit=Edit.of_row(row, replace(User.from_row(row), absent_since=None)),
        )


def outdated_marks(changes: Iterable[Change], settings: Settings, today: str) -> list[str]:
    """Return a sentence for each mark of a kept plan whose time would be over already."""
    return [
        f"“{printable(change.user_name, 60)}” would have been leaving on {day}"
        for change in changes
        if change.action == "leave"
        and (day := _day_after(str(change.fields["absent_since"].new), settings)) <= today
    ]


def _mark(
    row: UserRow, reason: str, today: str, other_id: str | None, settings: Settings
) -> Change:
    marks = {"absent_since": today} | ({"other_id": other_id} if other_id else {})
    return Change(
        action="leave",
        user_name=row["user_name"],
        reason=f"leaving on {_day_after(today, settings)}, unless back by then: {reason}; the "
        "delete guard counts it now",
        fields={name: FieldChange(row.get(name), value) for name, value in marks.items()},  # type: ignore[arg-type]
        edit=Edit.of_row(row, replace(User.from_row(row), **marks)),  # type: ignore[arg-type]
    )


def _day_after(since: str, settings: Settings) -> str:
    return (date.fromisoformat(since) + timedelta(days=settings.delete_after_days)).isoformat()
