"""The delete guard: when deletions need a confirmation by their exact number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from store.history import UNFOLDED, History
from store.models import Settings
from store.text import quantity

_PAGE_LIMITS = frozenset({500, 1_000, 2_000, 5_000, 10_000})  # what servers cut lists at
_SHRINK_FROM = 20  # users; below that a fifth is next to nobody


@dataclass(frozen=True, slots=True)
class Past:
    """What the guard knows of earlier runs.

    `listed` is how many users the directory had at the last sync that held nothing back; a sync
    that changed nothing does not count, so that an outage seen twice does not become the measure.
    `deleted` adds up the deletions of the last 24 hours that nobody confirmed by their number.
    """

    listed: int | None = None
    deleted: int = 0


class Block(NamedTuple):
    """Why the guard stops a plan; with a `setting`, the `text` goes on with its name.

    `shown` is the sentence without that name, for where the setting has a label.
    """

    text: str
    setting: str = ""

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.text} ({self.setting})." if self.setting else self.text

    @property
    def shown(self) -> str:
        """The sentence without the setting's name."""
        return f"{self.text}." if self.setting else self.text


def past_of(history: History, now: datetime | None = None) -> Past:
    """Return what the guard needs of the history: of syncs and their undos, nothing else."""
    since = (now or datetime.now(UTC)) - UNFOLDED
    deleted = sum(count for at, count in history.deletions if datetime.fromisoformat(at) > since)
    return Past(history.listed, deleted)


def guard_blocks(
    settings: Settings, *, listed: int, managed: int, deletes: int, past: Past | None = None
) -> list[Block]:
    """Return each condition that blocks, with its figures.

    `listed` counts the directory's records, `managed` the users here that a sync may delete,
    `deletes` those that it would delete.
    """
    if not listed:
        return [
            Block(
                "The directory listed no users at all, which looks like an outage; mailroster "
                "never deletes users on such an answer."
            )
        ]
    if not deletes:
        return []
    past = past or Past()
    total = deletes + past.deleted
    shown = quantity(deletes, "deletion")
    if past.deleted:
        shown += f", {total} with those of the last 24 hours,"
    blocks = []
    if deletes == managed:
        everybody = f"All {managed} managed users" if managed > 1 else "The only managed user"
        blocks.append(Block(f"{everybody} would be deleted."))
    if total > settings.guard_max_deletes:
        exceeds = f"{'exceeds' if total == 1 else 'exceed'} the limit of"
        text = f"{shown} {exceeds} {settings.guard_max_deletes}"
        blocks.append(Block(text, "guard_max_deletes"))
    percent, base = settings.guard_max_delete_percent, managed + past.deleted
    if total > settings.guard_small_deletes and total * 100 > percent * base:
        more = f"{'is' if total == 1 else 'are'} more than {percent} % of the"
        text = f"{shown} {more} {quantity(base, 'managed user')}"
        blocks.append(Block(text, "guard_max_delete_percent"))
    percent = settings.guard_max_shrink_percent
    if (
        past.listed is not None
        and past.listed >= _SHRINK_FROM
        and (past.listed - listed) * 100 >= percent * past.listed
        and listed < past.listed
    ):
        text = (
            f"The directory lists {quantity(listed, 'user')}, at least {percent} % fewer than the "
            f"{past.listed} at the last sync"
        )
        blocks.append(Block(text, "guard_max_shrink_percent"))
    if past.listed is not None and listed < past.listed and listed in _PAGE_LIMITS:
        text = (
            f"The directory lists exactly {listed} users, fewer than the {past.listed} at the last "
            "sync; that number is a usual page limit, so the list may have been cut off there."
        )
        blocks.append(Block(text))
    return blocks
