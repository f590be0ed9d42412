"""What the Synchronize screen says in numbers: progress, the plan, the confirmation."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.text import Text

from sync.directory.listing import Progress
from sync.planning.plan import Change, Plan
from tui.widgets.changes import counts_text
from tui.widgets.plain import grouped, lines, plain


def progress_text(progress: Progress) -> Text:
    """Return how far the directory's answer has arrived."""
    size = f"{grouped(progress.received_bytes)} bytes"
    if progress.total_bytes:
        part = progress.received_bytes * 100 // progress.total_bytes
        size = f"{size} of {grouped(progress.total_bytes)} ({part} %)"
    return Text(
        f"Asking the directory: {grouped(progress.users)} users, {size}. Esc gives up.",
    )


def plan_text(plan: Plan, left_out: int, unsaved: str) -> Text:
    """Return what a plan holds; `unsaved` says which unsaved settings are in it."""
    text = counts_text(plan.changes) if plan.changes else Text("No changes.")
    text.append(f"  {grouped(plan.in_scope)}/{grouped(plan.listed)} in scope", "dim")
    if left_out:
        text.append(f"  skipped {grouped(left_out)}")
    if unsaved:
        text.append(f"\n{unsaved}", "yellow")
    if plan.warnings:
        text.append(f"\n{grouped(len(plan.warnings))} warnings: ", "yellow")
        text.append_text(plain("; ".join(plan.warnings[:5]), limit=200))
    return text


def confirmation_text(
    plan: Plan, wanted: Sequence[Change], skip: Collection[str], left_out: Collection[str]
) -> Text:
    """Return the exact numbers of what is about to be applied, and of what is not."""
    parts = ["This will:", counts_text(wanted)]
    deletes = [change for change in wanted if change.action == "delete"]
    if deletes:
        kept = sum(change.archive == "kept" for change in deletes)
        parts.append(
            f"Of the deleted users {grouped(kept)} keep an archive with mail; "
            f"{grouped(len(deletes) - kept)} had none, and empty folders go."
        )
    reported = [change.action for change in plan.changes if change.edit is None]
    for what, count in (
        ("Skipped by you", len(skip)),
        ("Left out too, as they need what is skipped", len(left_out) - len(skip)),
        ("Conflicts, left alone", reported.count("conflict")),
        ("Renames, still a question", reported.count("rename")),
    ):
        if count:
            parts.append(f"{what}: {grouped(count)}.")
    return lines(*parts)
