"""The numbers on Synchronize and Undo: the plan, the confirmation, the result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rich.text import Text

from sync.errors import StalePlan
from sync.planning.guard import Block
from sync.planning.plan import Change, Plan
from sync.runs.apply import Result
from sync.runs.report import restored_line
from tui.screens.sync_selection import Selection
from tui.texts.plain import counted, grouped, lines, plain
from tui.texts.warnings import one_a_kind
from tui.widgets.changes import archive_text, counts_text

MOST_DIFFERENCES = 20
MOST_NAMES = 10  # deletions that a confirmation names, each with its archive


class Source(NamedTuple):
    """When the directory was asked for the users of a plan, and where; the URL is printable."""

    asked: datetime
    url: str


def plan_text(
    plan: Plan,
    left_out: Collection[str],
    unsaved: str,
    source: Source | None,
    old: str,
) -> Text:
    """Return what a plan holds without the changes of the users `left_out`, and how old it is.

    `unsaved` says which unsaved settings are in it, `old` why it is old, as `why_old` does.
    """
    wanted = [
        change for change in plan.changes if not (change.edit and change.user_name in left_out)
    ]
    text = counts_text(wanted) if plan.changes else Text("No changes.")
    text.append(f"  {grouped(plan.in_scope)} of {counted(plan.listed, 'user')} in scope", "dim")
    if left_out:
        text.append(f"  skipped {grouped(len(left_out))}")
    if source and old:
        text.append(f"\nOLD: asked {_time(source.asked)}{old}.", "red")
    elif source:
        text.append(f"\nAsked {_time(source.asked)} at {source.url}", "dim")
    if unsaved:
        text.append(f"\n{unsaved}", "yellow")
    if plan.warnings:
        text.append(f"\n{counted(len(plan.warnings), 'warning')} (w): ", "yellow")
        text.append_text(plain(" ".join(one_a_kind(plan.warnings)[:5]), limit=200))
    return text


def why_old(source: Source | None, not_renewed: datetime | None, asks_now: str) -> str:
    """Return why a plan's users have to be asked for again, after when they were; or nothing.

    `not_renewed` is when that failed, `asks_now` the URL that the settings name now.
    """
    if not_renewed:
        return f"; asking again failed {_time(not_renewed)}"
    if source and source.url != asks_now:
        return f" at {source.url}; the settings name {asks_now or 'no server'} now"
    return ""


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"


def guard_text(blocks: Sequence[Block]) -> list[Text]:
    """Return why the guard stops a plan, without the names of settings, which have labels here."""
    return [plain(block.shown) for block in blocks]


def confirmation_text(selection: Selection, messages: Mapping[str, int]) -> Text:
    """Return the exact numbers of what is about to be applied, and of what is not.

    `messages` tells of the first deleted users how many their archives hold.
    """
    parts = [Text("This will: ").append_text(counts_text(selection.wanted))]
    deletes = [change for change in selection.wanted if change.action == "delete"]
    if deletes:
        parts.append(_archives_text(deletes, messages))
    reported = [
        change.asks if change.asks == "ids" else change.action
        for change in selection.changes
        if change.edit is None
    ]
    for what, count in (
        ("Skipped by you", len(selection.skip)),
        (
            "Left out too, because they depend on skipped changes",
            len(selection.left_out - selection.skip),
        ),
        ("Conflicts, left alone", reported.count("conflict")),
        ("Open questions about renames", reported.count("rename")),
        ("Open questions about returns", reported.count("return")),
        ("Open questions about ids", reported.count("ids")),
    ):
        if count:
            parts.append(Text(f"{what}: {grouped(count)}."))
    return lines(*parts)


def _archives_text(deletes: Sequence[Change], messages: Mapping[str, int]) -> Text:
    kept = sum(change.archive == "kept" for change in deletes)
    empty = len(deletes) - kept
    stay = f"{counted(kept, 'archive')} with mail {'stays' if kept == 1 else 'stay'}."
    go = f"{counted(empty, 'empty archive')} {'is' if empty == 1 else 'are'} removed."
    text = Text(" ".join([go] * bool(empty) + [stay] * bool(kept)))
    for change in sorted(deletes, key=lambda change: change.archive == "kept")[:MOST_NAMES]:
        archive = archive_text(change, messages.get(change.user_name), done=False)
        text = lines(text, plain(f"  {change.user_name}  ", limit=60).append_text(archive))
    if len(deletes) > MOST_NAMES:
        text.append(f"\n  and {grouped(len(deletes) - MOST_NAMES)} more")
    return text


def result_text(result: Result) -> Text:
    """Return what a run did, in numbers, and which settings it restored."""
    done = counts_text(result.applied) if result.applied else Text("no user was changed")
    text = Text("Done: ").append_text(done)
    if result.skipped:
        text.append(f"  skipped {grouped(len(result.skipped))}")
    if result.settings:
        text = lines(text, restored_line(result.settings))
    return text


def saving_text(selection: Selection) -> Text:
    """Return what a plan file will hold."""
    parts = [Text("It will hold: ").append_text(counts_text(selection.wanted))]
    if selection.left_out:
        parts.append(Text(f"Skipped and not in it: {grouped(len(selection.left_out))}."))
    parts.append(
        Text(
            "`mailroster sync --plan FILE` applies it as it is, once. It refuses the plan if a "
            "user in it, the settings or, for deletions, the directory's answer changed by then."
        )
    )
    return lines(*parts)


def stale_text(error: StalePlan) -> Text:
    """Return why a plan is refused, each difference on a line of its own."""
    found = error.differences
    more = len(found) - MOST_DIFFERENCES
    return lines(
        f"The plan is stale. {error.untouched} What is different now:",
        *(plain(f"  {difference}", limit=300) for difference in found[:MOST_DIFFERENCES]),
        *([f"  and {grouped(more)} more"] if more > 0 else []),
        error.advice,
    )
