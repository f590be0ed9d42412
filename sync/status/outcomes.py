"""How each sync ended, kept beside the history, which holds only those that changed something."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from store.errors import Problem, StoreDamaged, StoreError
from store.files.notes import OUTCOME
from store.processes import is_running
from sync.errors import DirectoryError, GuardBlocked, StalePlan, SyncRunning
from sync.planning.plan import Change, Plan, counts_of
from sync.workspace import Workspace

Result = Literal["applied", "no_changes", "blocked", "failed", "interrupted", "declined", "stale"]
SUCCESSES: tuple[Result, ...] = ("applied", "no_changes")

_LONGEST = timedelta(days=1)  # of a sync; by then its process id may be another process's
_MOST_NAMES = 20
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one sync ended.

    `at` is the UTC time of its end, `counts` what it did or, where it failed, would have done;
    open questions are in `questions` alone.
    `listed` counts the directory's records, None where its answer did not come to be judged.
    `run` is the run in the history, None where nothing was written. `conflicts` and `questions`
    were left open, about `waiting` names at most 20 of which are kept; `left_out` addresses stay
    with others, `held` deletions were held back. `problem` has the parts of what went wrong.
    """

    at: str
    result: Result
    who: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    listed: int | None = None
    run: str | None = None
    conflicts: int = 0
    questions: int = 0
    waiting: tuple[str, ...] = ()
    left_out: int = 0
    held: int = 0
    problem: Mapping[str, str] | None = None

    @property
    def is_success(self) -> bool:
        """Whether the sync did what it was asked to."""
        return self.result in SUCCESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How syncs ended of late.

    `last` may be one that an administrator declined, or whose plan was out of date; that is neither
    a success nor a failure.
    `failing_since` is the time of the first failure after the last success, empty if the last sync
    succeeded. `began` tells of a sync that has not ended: its time, process and host.
    """

    last: Outcome | None = None
    succeeded: Outcome | None = None
    failed: Outcome | None = None
    failing_since: str = ""
    answered: Outcome | None = None
    began: Mapping[str, Any] | None = None

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Outcomes:
        """Build the outcomes from the store's note.

        Raises `TypeError`, `ValueError`, `LookupError` or `AttributeError` for anything else.
        """
        since = stored.get("failing_since")
        return cls(
            **{
                name: _outcome(stored.get(name))
                for name in ("last", "succeeded", "failed", "answered")
            },
            failing_since=_time(since) if since else "",
            began=_began(stored.get("began")),
        )

    def after(self, outcome: Outcome) -> Outcomes:
        """Return these outcomes with that of a sync which has ended."""
        found = replace(self, last=outcome)
        if outcome.listed is not None or (outcome.problem or {}).get("directory"):
            found = replace(found, answered=outcome)
        if outcome.is_success:
            return replace(found, succeeded=outcome, failing_since="")
        if outcome.result in ("declined", "stale"):
            return found
        return replace(found, failed=outcome, failing_since=self.failing_since or outcome.at)


class Attempt:
    """A sync that is under way; what is known of it by the time it ends."""

    def __init__(self, workspace: Workspace, plan: Plan | None) -> None:
        self._workspace = workspace
        self.plan = plan
        self.ended: Outcome | None = None

    def succeeded(self, run: str | None, done: Sequence[Change], held: int) -> None:
        """Say that this was done, as that run of the history if anything was written."""
        self.ended = self._outcome("applied" if run else "no_changes", done, run=run, held=held)

    def declined(self) -> None:
        """Say that an administrator looked at the plan and did not want it."""
        self.ended = self._outcome("declined")

    def failed(self, error: BaseException) -> None:
        """Say what ended the sync, unless it has ended already."""
        if self.ended is None:
            result, problem = _described(error)
            self.ended = self._outcome(result, problem=problem)

    def _outcome(
        self, result: Result, done: Sequence[Change] | None = None, **more: Any
    ) -> Outcome:
        workspace, plan = self._workspace, self.plan
        outcome = Outcome(at=_now(workspace), result=result, who=workspace.who, **more)
        if plan is None:
            return outcome
        left = [change for change in plan.changes if change.stays_open]
        questions = sum(change.is_question for change in left)
        if done is None:
            done = [change for change in plan.changes if change.edit]
        conflicts = [change for change in left if change.action == "conflict"]
        return replace(
            outcome,
            counts={str(action): n for action, n in counts_of([*done, *conflicts]).items()},
            listed=plan.listed,
            conflicts=len(left) - questions,
            questions=questions,
            waiting=tuple(change.user_name for change in left[:_MOST_NAMES]),
            left_out=sum(len(change.left_out) for change in plan.changes),
        )


@contextmanager
def sync_attempt(workspace: Workspace, plan: Plan | None = None) -> Iterator[Attempt]:
    """Keep how the sync within ends, however that is; one that is killed is found by the next.

    One that could not begin, because another runs, leaves what is known of that other as it is.
    Where the outcome cannot be kept, `workspace.notices` says so, and the sync goes on.
    """
    attempt = Attempt(workspace, plan)
    _keep(workspace, lambda known: _begun(_settled(known, workspace), workspace))
    try:
        yield attempt
    except SyncRunning:
        raise
    except BaseException as error:
        attempt.failed(error)
        raise
    finally:
        ended = attempt.ended
        _keep(workspace, lambda known: _ended(known, ended))


def outcomes_of(workspace: Workspace) -> Outcomes:
    """Return how syncs ended, a killed one as interrupted; raises `StoreDamaged`."""
    return _settled(_read(workspace), workspace)


def _read(workspace: Workspace) -> Outcomes:
    note = workspace.store.note(OUTCOME)
    try:
        return Outcomes.from_stored(note)
    except (TypeError, ValueError, LookupError, AttributeError):
        raise StoreDamaged(
            f"The outcomes of the last syncs of {workspace.store.where} cannot be read.",
            "The next sync writes it anew.",
        ) from None


def _keep(workspace: Workspace, change: Callable[[Outcomes], Outcomes]) -> None:
    try:
        with workspace.store.lock(OUTCOME, "The outcome of a sync is being kept by", _WAIT_SECONDS):
            try:
                known = _read(workspace)
            except StoreDamaged:
                known = Outcomes()
            if (now := change(known)) != known:
                workspace.store.keep_note(OUTCOME, asdict(now))
    except StoreError as error:
        if (notice := _not_kept(error)) not in workspace.notices:
            workspace.notices.append(notice)


def _not_kept(error: StoreError) -> str:
    """Return the notice, without what the note left untouched: the sync may have been written."""
    return f"The outcome of this sync could not be kept: {error.what} {error.advice}"


def _begun(known: Outcomes, workspace: Workspace) -> Outcomes:
    """Return the outcomes with a mark of this sync, unless they have one of another."""
    return known if known.began else replace(known, began=_mark(workspace))


def _ended(known: Outcomes, ended: Outcome | None) -> Outcomes:
    """Return the outcomes with this one, if any, and without the mark of a sync that is over.

    A success had the lock, so whatever the mark tells of is over.
    """
    if ended:
        known = known.after(ended)
    is_over = _is_mine(known.began) or (ended is not None and ended.is_success)
    return replace(known, began=None) if is_over else known


def _settled(known: Outcomes, workspace: Workspace) -> Outcomes:
    """Return the outcomes with a sync whose process is gone as interrupted."""
    began = known.began
    if began is None or _may_run(began, workspace):
        return known
    interrupted = Outcome(
        at=began["at"],
        result="interrupted",
        who=str(began.get("who", "")),
        problem=_CUT_SHORT.to_record(),
    )
    return replace(known.after(interrupted), began=None)


_CUT_SHORT = Problem(
    "The sync did not end: its process was killed, or the machine stopped.",
    "Look at `mailroster history list`, and run `mailroster sync` again.",
    untouched="Changes that were written are complete.",
)
_INTERRUPTED = Problem(
    "The sync was interrupted.",
    "Run `mailroster sync` again.",
    untouched="Changes that were written are complete.",
)


def _mark(workspace: Workspace) -> dict[str, Any]:
    return {
        "at": _now(workspace),
        "who": workspace.who,
        "process": os.getpid(),
        "host": socket.gethostname(),
    }


def _is_mine(began: Mapping[str, Any] | None) -> bool:
    mine = (os.getpid(), socket.gethostname())
    return began is not None and (began.get("process"), began.get("host")) == mine


def _may_run(began: Mapping[str, Any], workspace: Workspace) -> bool:
    """Tell whether that sync may still be under way; of another host's process nobody knows."""
    if workspace.clock() - datetime.fromisoformat(began["at"]) > _LONGEST:
        return False
    return began.get("host") != socket.gethostname() or is_running(began["process"])


def _described(error: BaseException) -> tuple[Result, dict[str, Any]]:
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return "interrupted", _INTERRUPTED.to_record()
    problem = error if isinstance(error, Problem) else getattr(error, "problem", None)
    if not isinstance(problem, Problem):
        problem = Problem(
            f"The sync ended with an unexpected error ({type(error).__name__}).",
            "Look at its output, in the journal if it ran unattended.",
            untouched="Changes that were written are complete.",
        )
    record: dict[str, Any] = problem.to_record()
    if isinstance(problem, DirectoryError):
        record["directory"] = True
    if isinstance(problem, StalePlan):
        return "stale", record
    return ("blocked" if isinstance(problem, GuardBlocked) else "failed"), record


def _outcome(stored: Mapping[str, Any] | None) -> Outcome | None:
    if stored is None:
        return None
    if stored["result"] not in get_args(Result):
        raise ValueError(stored["result"])
    return Outcome(**{**stored, "at": _time(stored["at"]), "waiting": tuple(stored["waiting"])})


def _began(stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if stored is None:
        return None
    return {**stored, "at": _time(stored["at"]), "process": int(stored["process"])}


def _time(stored: str) -> str:
    if datetime.fromisoformat(stored).tzinfo is None:
        raise ValueError(stored)
    return stored


def _now(workspace: Workspace) -> str:
    return workspace.clock().isoformat(timespec="seconds")
