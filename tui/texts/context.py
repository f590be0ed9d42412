"""Where one is, in one line: program, administrator, store, directory, last sync."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from rich.text import Text

from store.errors import StoreError
from store.interface import Snapshot
from store.text import printable
from sync.directory.types import insecurity
from sync.runs.record import QUESTION
from sync.status.outcomes import Outcome, Outcomes, outcomes_of
from sync.workspace import Workspace
from tui.texts.plain import counted, grouped, plain
from tui.texts.runs import signed_counts
from tui.texts.status import RESULTS

_GAP = "   "
_DAY = 24 * 3600
_DIRECTORY = {"directory_service", "url"}  # the settings that say which one is asked


class Context(NamedTuple):
    """What the line at the top shows.

    `reachable` is whether the directory answered when it was last asked, None if nobody asked it;
    `is_insecure` whether passwords are at risk on the way there. `now` tells how old a sync is.
    """

    now: datetime
    administrator: str
    host: str
    store: str
    has_directory: bool
    is_insecure: bool
    reachable: bool | None
    outcomes: Outcomes
    users: int


def context_of(workspace: Workspace, snapshot: Snapshot, reachable: bool | None) -> Context:
    """Return the context of this workspace; it reads how the last syncs ended."""
    try:
        outcomes = outcomes_of(workspace)
    except StoreError:  # the status tells of it
        outcomes = Outcomes()
    if _is_another_since(outcomes.answered, snapshot):
        outcomes = replace(outcomes, answered=None)
    settings = snapshot.settings
    return Context(
        now=workspace.clock(),
        administrator=workspace.who,
        host=socket.gethostname().partition(".")[0],
        store=workspace.store.short_name,
        has_directory=settings.directory_service != "none",
        is_insecure=bool(insecurity(settings)),
        reachable=reachable,
        outcomes=outcomes,
        users=len(snapshot.users),
    )


def _is_another_since(answered: Outcome | None, snapshot: Snapshot) -> bool:
    """Tell whether the settings name another directory than the one that answered a sync then."""
    if answered is None:
        return False
    then = datetime.fromisoformat(answered.at)
    return any(
        _DIRECTORY.intersection(run.settings) and datetime.fromisoformat(run.at) > then
        for run in snapshot.history.runs
    )


def context_text(context: Context, width: int, *, short: bool = False) -> Text:
    """Return as much as `width` cells hold: store, directory and administrator go in that order.

    The `short` form has no program and no number of users.
    """
    who = plain(f"{context.administrator}@{context.host}", limit=40)
    last = _last_sync(context.outcomes, context.now)
    left = [who, plain(context.store, "dim", limit=40)]
    right = [_directory(context), last]
    if not short:
        left.insert(0, Text("mailroster", "bold bright_blue"))
        right.append(Text(counted(context.users, "user"), "dim"))
    for part in (*left[-1:], right[0], who):
        if _width(left) + _width(right) + len(_GAP) <= width:
            break
        side = left if part in left else right
        side.remove(part)
    shown, rest = Text(_GAP).join(left), Text(_GAP).join(right)
    if short:
        return Text(_GAP).join(part for part in (shown, rest) if part)
    shown.pad_right(max(1, width - shown.cell_len - rest.cell_len))
    return shown.append_text(rest)


def _width(parts: list[Text]) -> int:
    return sum(part.cell_len + len(_GAP) for part in parts) - len(_GAP)


def _directory(context: Context) -> Text:
    if not context.has_directory:
        return Text("no directory", "yellow")
    answered = context.outcomes.answered
    reachable = context.reachable
    if reachable is None and answered is not None:
        reachable = answered.listed is not None
    text = {
        True: Text("directory reachable", "green"),
        False: Text("! directory unreachable", "red"),
        None: Text("directory not asked yet", "dim"),
    }[reachable]
    return text.append(", at risk", "red") if context.is_insecure else text


def _last_sync(outcomes: Outcomes, now: datetime) -> Text:
    last = outcomes.failed if outcomes.failing_since else outcomes.succeeded
    if last is None:
        return Text("never synchronized", "dim")
    at = datetime.fromisoformat(last.at)
    is_recent = (now - at).total_seconds() < _DAY
    when = f"{at.astimezone(UTC):{'%H:%M UTC' if is_recent else '%Y-%m-%d'}}"
    if outcomes.failing_since:
        return Text(f"! last sync {when} {printable(RESULTS[last.result])}", "red")
    counts = signed_counts({**last.counts, QUESTION: last.questions})
    held = f", {grouped(last.held)} held back" if last.held else ""
    return Text(f"last sync {when}  {counts or 'no changes'}{held}")
