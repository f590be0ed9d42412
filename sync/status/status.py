"""Is everything well: what is known of the store, the archive and the last syncs, in one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from store.errors import Problem, StoreError, StoreUnreachable
from store.files.folder_work import waiting_work
from store.files.notes import NOTICES
from store.files.secrets import password_in_use
from store.interface import Snapshot
from store.locations import NAME_OR_MAKE, archive_root, is_archive_root_set
from store.text import quantity
from sync.runs.folders import mounted_archive
from sync.runs.record import short_history
from sync.status.figures import Figures, figures_of
from sync.status.outcomes import Outcome, Outcomes, outcomes_of
from sync.workspace import Workspace

Level = Literal["well", "look", "act"]
LEVELS: tuple[Level, ...] = ("well", "look", "act")  # by their exit codes
PIN_ENDS_SOON = timedelta(days=14)
_BACKUP_LAGS = timedelta(days=1)  # behind the last run: then none was made before that write


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known now; nothing is asked of the directory and nothing is changed.

    A part that cannot be told has its problem in `problems`, by its name: `store`, `archive`,
    `outcomes`, `log_ons`, `pin`, `key`; what would come of it is unknown. `archive` is where the
    archive folders are, empty on a host that has none; it `is_own_archive` of each host, where many
    have one store and no setting says where. `pending` counts the folder work that waits.
    `pin_ends` is the last day of the pinned certificate. `head` is the digest of the newest record
    of the history, which has `runs`; older ones, up to `folded_until`, were dropped, and
    `short_history` says so if that was of late. `undelivered` are notices that did not get to
    their receivers.
    """

    at: datetime
    where: str
    store_id: str = ""
    generation: int = 0
    directory_service: str = "none"
    archive: str = ""
    is_own_archive: bool = False
    pending: int = 0
    outcomes: Outcomes = field(default_factory=Outcomes)
    users: Figures = field(default_factory=Figures)
    locked: int = 0
    pin_ends: datetime | None = None
    keeps_backups: bool = True
    newest_backup: datetime | None = None
    last_run: datetime | None = None
    runs: int = 0
    head: str = ""
    folded_until: str = ""
    short_history: Problem | None = None
    problems: Mapping[str, Problem] = field(default_factory=dict)
    undelivered: tuple[Problem, ...] = ()

    @property
    def planned(self) -> Outcome | None:
        """The last sync that compared the directory's users with those here."""
        ended = (self.outcomes.succeeded, self.outcomes.failed)
        found = [outcome for outcome in ended if outcome and outcome.listed is not None]
        return max(found, key=lambda outcome: outcome.at, default=None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not well.

    `problem` says what happened, what was left untouched and what to do. While `kind` and `mark`
    stay, it is the same trouble, of which nobody is told twice.
    """

    kind: str
    level: Level
    problem: Problem
    mark: str = ""

    def to_record(self) -> dict[str, str]:
        """Return it as JSON and a webhook show it."""
        return {"level": self.level, **self.problem.to_record(), "kind": self.kind}


def status_of(workspace: Workspace) -> Status:
    """Look at the store and what lies beside it; what cannot be read is a problem of the status."""
    problems: dict[str, Problem] = {}
    status = Status(at=workspace.clock(), where=workspace.store.where)
    try:
        state = workspace.state()
        if not state.store_id:
            raise _not_made(workspace)
        users = figures_of(workspace, state)
    except StoreUnreachable as error:  # the server has the other parts too
        return replace(status, problems=dict.fromkeys(("store", "outcomes", "log_ons"), error))
    except StoreError as error:
        problems["store"] = error
        state, users = None, Figures()
    try:
        status = replace(status, outcomes=outcomes_of(workspace))
    except StoreError as error:
        problems["outcomes"] = error
    try:
        status = replace(status, locked=workspace.lockout.locked_users())
    except StoreError as error:
        problems["log_ons"] = error
    with suppress(StoreError, TypeError, LookupError):  # the next sync writes it anew
        status = replace(status, undelivered=tuple(_undelivered(workspace)))
    if state is not None:
        status = replace(status, users=users, **_of_state(workspace, state, problems))
    upkeep = workspace.upkeep
    return replace(
        status,
        where=workspace.store.where,  # which of several servers, is known by now
        keeps_backups=upkeep.keeps_backups,
        newest_backup=upkeep.newest_backup(),
        problems=problems,
    )


def troubles(status: Status) -> list[Trouble]:
    """Return what is not well, the worst first."""
    found = [
        Trouble(name, "act", problem)
        for name, problem in status.problems.items()
        if name == "store" or problem is not status.problems.get("store")  # which says it once
    ]
    found += _of_syncs(status)
    if status.pending and status.archive:
        work = quantity(status.pending, "piece")
        found.append(_look("folder_work", _PENDING, work, mark=status.pending))
    if status.is_own_archive:
        found.append(_look("archive_root", _OWN_ARCHIVE, status.archive))
    if status.pin_ends and status.pin_ends - status.at <= PIN_ENDS_SOON:
        day = f"{status.pin_ends:%Y-%m-%d}"
        found.append(_look("pin", _PIN, day, mark=day))
    found += [Trouble("notices", "look", problem) for problem in status.undelivered]
    if status.short_history:
        found.append(Trouble("history", "look", status.short_history))
    lag = _lag_of_backup(status)
    if lag:
        found.append(_look("backup", (lag, _BACKUP_ADVICE)))
    return sorted(found, key=lambda trouble: -LEVELS.index(trouble.level))


def level_of(found: list[Trouble]) -> Level:
    """Return how bad the worst trouble is."""
    return max((trouble.level for trouble in found), key=LEVELS.index, default="well")


def status_record(status: Status) -> dict[str, Any]:
    """Return the status as JSON shows it; docs/NIGHTLY.md describes it."""
    found = troubles(status)
    level = level_of(found)
    outcomes = status.outcomes
    planned = status.planned
    return {
        "status": level,
        "exit_code": LEVELS.index(level),
        "at": _text(status.at),
        "troubles": [item.to_record() for item in found],
        "store": {
            "where": status.where,
            "id": status.store_id,
            "generation": status.generation,
            "whole": "store" not in status.problems,
            "newest_backup": _text(status.newest_backup),
        },
        "archive": {
            "root": status.archive or None,
            "mounted": bool(status.archive) and "archive" not in status.problems,
            "pending_folder_work": status.pending,
        },
        "directory": {
            "service": status.directory_service,
            "last_answer": _of_answer(outcomes.answered),
            "pin_ends": _text(status.pin_ends),
        },
        "sync": {
            "succeeded": outcomes.succeeded and asdict(outcomes.succeeded),
            "failed": outcomes.failed and asdict(outcomes.failed),
            "failing_since": outcomes.failing_since or None,
            "under_way_since": outcomes.began and outcomes.began["at"],
        },
        "waiting": {
            "conflicts": planned.conflicts if planned else 0,
            "questions": planned.questions if planned else 0,
            "user_names": list(planned.waiting) if planned else [],
            "left_out_addresses": planned.left_out if planned else 0,
        },
        "users": {"total": status.users.total, **asdict(status.users), "locked": status.locked},
        "history": {
            "runs": status.runs,
            "head": status.head,
            "folded_until": status.folded_until or None,
        },
        "error": None,
    }


_PENDING = (
    "The store still has {} of work on archive folders to do.",
    "Check the archive's owner, mode and room; the next sync or log-on tries again, and "
    "`mailroster store check` does so at once.",
)
_OWN_ARCHIVE = (
    "Each host that uses this store has archive folders of its own, here in {}, because "
    "archive_root is not set.",
    "Set it to the folder that the hosts share: `mailroster settings set archive_root=FOLDER`. On "
    "a host without it set MAILROSTER_ARCHIVE_ROOT=none.",
)
_PIN = (
    "The pinned certificate ends on {}.",
    "Have the server's certificate renewed, and pin the new one with ^G on Connection (F2), or by "
    "`mailroster settings set pinned_certificate=FILE`.",
)
_BACKUP_ADVICE = (
    "Look whether the folder of the backups is there and can be written, and make a copy with "
    "`mailroster store backup FILE`."
)
_WAITING_ADVICE = (
    "Look at the plan with `mailroster test`, and answer questions with `mailroster sync` or on "
    "the Synchronize screen."
)


def _of_syncs(status: Status) -> list[Trouble]:
    outcomes, found = status.outcomes, []
    if outcomes.failing_since and outcomes.failed:
        parts = outcomes.failed.problem or {}
        problem = Problem(
            f"Syncs have failed since {outcomes.failing_since}: {parts.get('what', '')}".strip(),
            parts.get("advice", ""),
            untouched=parts.get("untouched"),
        )
        kind = "guard_stop" if outcomes.failed.result == "blocked" else "sync_failed"
        mark = parts.get("kind", "") if kind == "sync_failed" else ""
        found.append(Trouble(kind, "act", problem, mark))
    planned = status.planned
    if planned and planned.conflicts:
        found.append(_look_at("conflict", "", planned.conflicts, planned.waiting))
    if planned and planned.questions:
        found.append(_look_at("question", " open", planned.questions, planned.waiting))
    return found


def _look_at(noun: str, how: str, number: int, names: Sequence[str]) -> Trouble:
    what = f"The last sync left {quantity(number, noun)}{how}."
    problem = Problem(what, _WAITING_ADVICE, untouched="The users concerned were left as they are.")
    return Trouble(f"{noun}s", "look", problem, " ".join((str(number), *names)))


def _look(kind: str, parts: tuple[str, str], *values: str, mark: object = "") -> Trouble:
    what, advice = parts
    return Trouble(kind, "look", Problem(what.format(*values), advice), str(mark))


def _lag_of_backup(status: Status) -> str:
    """Return what is wrong with the age of the newest backup, or nothing."""
    if status.newest_backup and status.newest_backup - status.at > _BACKUP_LAGS:
        return "The newest backup is from a day that is still to come, so a clock was wrong then."
    if not status.keeps_backups or status.generation < 2 or status.last_run is None:
        return ""
    if status.newest_backup is None:
        return "The store has no backup beside it."
    if status.last_run - status.newest_backup > _BACKUP_LAGS:
        return "The newest backup is older than the last change by more than a day."
    return ""


def _of_state(
    workspace: Workspace, state: Snapshot, problems: dict[str, Problem]
) -> dict[str, Any]:
    """Return what the state tells, and add what cannot be told to `problems`."""
    found: dict[str, Any] = {
        "store_id": state.store_id,
        "generation": state.generation,
        "directory_service": state.settings.directory_service,
        "pending": len(state.folder_work),
        "runs": state.history.count,
        "head": state.history.head,
        "folded_until": state.history.folded_until,
        "short_history": short_history(state, workspace.clock()),
    }
    if state.history.runs:
        found["last_run"] = datetime.fromisoformat(state.history.runs[-1].at)
    configured = state.settings.archive_root
    found["archive"] = str(archive_root(configured, workspace.host_path) or "")
    found["is_own_archive"] = workspace.is_shared and not is_archive_root_set(configured)
    try:
        archives, _ = mounted_archive(workspace, state)
        if archives is not None:
            found["pending"] = len(waiting_work(archives, state.folder_work))
    except StoreError as error:
        problems["archive"] = error
    if token := password_in_use(state.settings):
        try:
            workspace.secrets.decrypt(token)
        except StoreError as error:
            problems["key"] = error
    if state.settings.pinned_certificate:
        from sync.directory.certificate import read_pin  # slow

        try:
            found["pin_ends"] = read_pin(state.settings.pinned_certificate).valid_until
        except Problem as error:
            problems["pin"] = error
    return found


def _not_made(workspace: Workspace) -> StoreError:
    return StoreError(
        f"The user database {workspace.store.where} does not exist.",
        NAME_OR_MAKE,
    )


def _undelivered(workspace: Workspace) -> Iterator[Problem]:
    """Yield why notices did not get to their receivers after the last sync."""
    for name, known in workspace.store.note(NOTICES).items():
        parts = known.get("problem") if isinstance(known, dict) else None
        if parts:
            what = f"A notice by {name} was not delivered: {parts['what']}"
            yield Problem(what, parts["advice"], untouched=parts["untouched"])


def _of_answer(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    answered = outcome.listed is not None
    return {
        "at": outcome.at,
        "answered": answered,
        "listed": outcome.listed,
        "problem": None if answered else outcome.problem,
    }


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")
