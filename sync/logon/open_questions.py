"""What a sync would ask or leave undone about one name: it may be why nobody gets in under it."""

from __future__ import annotations

from collections.abc import Iterator

from store.errors import StoreDamaged
from store.interface import Store
from store.names import match_key
from store.text import printable, shown_time
from sync.directory.listing import Listing
from sync.planning.plan import Change
from sync.runs.preview import preview
from sync.runs.record import recorded_change
from sync.runs.report import how_to_answer
from sync.workspace import Workspace


def open_about(
    workspace: Workspace, listing: Listing, user_name: str
) -> Iterator[tuple[bool, str]]:
    """Yield a sentence or two for each thing that is open about this name, as the new or old one.

    With it goes whether the next sync settles that. The plan is made from what the directory lists
    now; no user is changed.
    """
    key = match_key(user_name)
    for change in preview(workspace, listing).changes:
        if not _concerns(change, key):
            continue
        name = printable(change.user_name, 60)
        if how := how_to_answer(change):
            yield (
                False,
                f"A question is open about “{name}”{_since(workspace.store, change)}: "
                f"{printable(change.reason)}. Answer with {how}.",
            )
        elif change.action == "conflict":
            yield False, f"A sync leaves “{name}” alone: {printable(change.reason)}."
        elif change.edit is not None and change.edit.rev == 0:
            yield True, f"The directory lists “{name}”, and the next sync makes this user."


def _concerns(change: Change, key: str) -> bool:
    return key in map(match_key, (change.user_name, *change.candidates))


def _since(store: Store, question: Change) -> str:
    """Return since which sync the history has this question without a break, or nothing.

    Syncs that change nothing leave no record, so it may be open for longer.
    """
    since = ""
    for run in reversed(store.runs()):
        if run.kind != "sync":
            continue
        try:
            asked = run.counts.get("question") and any(
                _is_same(recorded_change(change), question)
                for change in store.run(run.id).changes
                if change["action"] == question.action
            )
        except StoreDamaged:
            asked = False
        if not asked:
            break
        since = f", at least since the sync of {shown_time(run.at)}"
    return since


def _is_same(recorded: Change, question: Change) -> bool:
    return not recorded.done and match_key(recorded.user_name) == match_key(question.user_name)
