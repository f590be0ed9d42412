"""What the Synchronize screen says in numbers: progress, the plan, the confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from sync.errors import StalePlan
from sync.planning.plan import Change, Plan
from sync.runs.apply import Result
from tui.screens.sync_selection import Selection
from tui.widgets.changes import archive_text, counts_text
from tui.widgets.plain import counted, grouped, lines, plain

MOST_DIFFERENCES = 20
MOST_NAMES = 10  # deletions that a confirmation names, each with its archive


def plan_text(plan: Plan, left_out: int, unsaved: str) -> Text:
    """Return what a plan holds; `unsaved` says which unsaved settings are in it."""
    text = counts_text(plan.changes) if plan.changes else Text("No changes.")
    text.append(f"  {grouped(plan.in_scope)}/{grouped(plan.listed)} in scope", "dim")
    if left_out:
        text.append(f"  skipped {grouped(left_out)}")
    if unsaved:
        text.append(f"\n{unsaved}", "yellow")
    if plan.warnings:
        text.append(f"\n{counted(len(plan.warnings), 'warning')} (w): ", "yellow")
        text.append_text(plain("; ".join(plan.warnings[:5]), limit=200))
    return text


def confirmation_text(selection: Selection, messages: Mapping[str, int]) -> Text:
    """Return the exact numbers of what is about to be applied, and of what is not.

    `messages` tells of the first deleted users how many their archives hold.
    """
    parts = [Text("This will: ").append_text(counts_text(selection.wanted))]
    deletes = [change for change in selection.wanted if change.action == "delete"]
    if deletes:
        parts.append(_archives_text(deletes, messages))
    reported = [change.action for change in selection.changes if change.edit is None]
    for what, count in (
        ("Skipped by you", len(selection.skip)),
        (
            "Left out too, as they need what is skipped",
            len(selection.left_out - selection.skip),
        ),
        ("Conflicts, left alone", reported.count("conflict")),
        ("Renames, still a question", reported.count("rename")),
    ):
        if count:
            parts.append(Text(f"{what}: {grouped(count)}."))
    return lines(*parts)


def _archives_text(deletes: Sequence[Change], messages: Mapping[str, int]) -> Text:
    kept = sum(change.archive == "kept" for change in deletes)
    text = Text(
        f"Archives with mail, which stay: {grouped(kept)}. "
        f"Empty ones, which are removed: {grouped(len(deletes) - kept)}."
    )
    for change in deletes[:MOST_NAMES]:
        archive = archive_text(change, messages.get(change.user_name), done=False)
        text = lines(text, plain(f"  {change.user_name}  ", limit=60).append_text(archive))
    if len(deletes) > MOST_NAMES:
        text.append(f"\n  and {grouped(len(deletes) - MOST_NAMES)} more")
    return text


def result_text(result: Result) -> Text:
    """Return what a run did, in numbers."""
    text = Text("Done: ").append_text(counts_text(result.applied))
    if result.skipped:
        text.append(f"  skipped {grouped(len(result.skipped))}")
    return text


def saving_text(selection: Selection) -> Text:
    """Return what a plan file will hold."""
    parts = [Text("It will hold: ").append_text(counts_text(selection.wanted))]
    if selection.left_out:
        parts.append(Text(f"Skipped and not in it: {grouped(len(selection.left_out))}."))
    parts.append(
        Text(
            "Applied as it is, once, by `mailroster sync --plan FILE`, unless a user in it, the "
            "settings or, where it deletes, the directory's answer changed by then."
        )
    )
    return lines(*parts)


def stale_text(error: StalePlan) -> Text:
    """Return why a plan is refused, each difference on a line of its own."""
    found = error.differences
    more = len(found) - MOST_DIFFERENCES
    return lines(
        "The plan is stale. Nothing was written. What is different now:",
        *(plain(f"  {difference}", limit=300) for difference in found[:MOST_DIFFERENCES]),
        *([f"  and {grouped(more)} more"] if more > 0 else []),
        "Run Test Settings again to see what would change now.",
    )
