"""The status in words, and for a textfile collector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from store.text import printable, quantity, shown_time
from sync.status.outcomes import Outcome
from sync.status.status import LEVELS, Level, Status, Trouble, level_of, troubles
from tui.texts.problems import told

VERDICTS: dict[Level, str] = {
    "well": "Everything is well.",
    "look": "Something needs a look.",
    "act": "Something needs action.",
}
SIGNS: dict[Level, str] = {"well": " ", "look": "~", "act": "!"}
RESULTS = {
    "applied": "",
    "no_changes": "no changes",
    "blocked": "stopped by the delete guard",
    "failed": "failed",
    "interrupted": "interrupted",
}
_MOST_NAMES = 5


def status_lines(status: Status) -> Iterator[str]:
    """Yield the status as lines: the verdict, what is not well, and what is known."""
    found = troubles(status)
    yield VERDICTS[level_of(found)]
    for trouble in found:
        yield f"{SIGNS[trouble.level]} {printable(told(trouble.problem))}"
    yield ""
    for name, text in facts(status):
        yield f"{name:<11}{printable(text)}"


def facts(status: Status) -> Iterator[tuple[str, str]]:
    """Yield what is known with its name; a fact that continues the one before has no name."""
    is_read = "store" not in status.problems
    yield "Store", status.where
    if status.keeps_backups and status.newest_backup:
        yield "Backup", f"the newest from {_time(status.newest_backup)}"
    if is_read:
        yield "Archive", _archive(status)
    if "outcomes" not in status.problems:
        yield from _of_syncs(status)
    if is_read:
        yield from _of_users(status)
        yield "History", quantity(status.runs, "run")
    if status.folded_until:
        yield "", f"runs up to {shown_time(status.folded_until)} are kept as counts only"


def _of_syncs(status: Status) -> Iterator[tuple[str, str]]:
    outcomes = status.outcomes
    yield "Directory", _answer(outcomes.answered)
    if status.pin_ends:
        yield "", f"pinned certificate, valid until {_time(status.pin_ends)}"
    yield "Last sync", f"successful: {_sync(outcomes.succeeded)}"
    yield "", f"failed: {_sync(outcomes.failed)}"
    if outcomes.began:
        yield "", f"under way since {shown_time(str(outcomes.began['at']))}"
    yield "Waiting", _waiting(status.planned)


def _of_users(status: Status) -> Iterator[tuple[str, str]]:
    users = status.users
    locked = "" if "log_ons" in status.problems else f"{status.locked} locked, "
    yield (
        "Users",
        f"{users.total}: {users.integrated} Integrated, {users.directory_services} Directory "
        f"Services; {locked}{users.pinned} pinned",
    )
    if users.suspended:
        yield "", f"{quantity(users.suspended, 'user')} cannot log on until a question is answered"
    if users.leaving:
        yield "", f"{users.leaving} leaving, the next on {users.next_leaving_on}"


def _archive(status: Status) -> str:
    waiting = f"{quantity(status.pending, 'folder change')} waiting" if status.pending else ""
    if not status.archive:
        waiting = f"{waiting} for a host with one" if waiting else ""
        return "; ".join(filter(None, ("none on this host", waiting)))
    mounted = "not mounted" if "archive" in status.problems else "at hand"
    return "; ".join(filter(None, (f"{status.archive}, {mounted}", waiting)))


def _answer(answered: Outcome | None) -> str:
    if answered is None:
        return "no sync has asked it yet"
    if answered.listed is None:
        return f"no usable answer at the last sync, {shown_time(answered.at)}"
    return f"answered {shown_time(answered.at)} with {quantity(answered.listed, 'user')}"


def _sync(outcome: Outcome | None) -> str:
    if outcome is None:
        return "none yet"
    held = f"{quantity(outcome.held, 'deletion')} held back" if outcome.held else ""
    reason = str((outcome.problem or {}).get("what", "")).rstrip(".")
    result = RESULTS.get(outcome.result, "")
    if outcome.result == "failed" and reason:
        result = reason
    parts = (result, _counts(outcome.counts), held)
    return f"{shown_time(outcome.at)}, {'; '.join(filter(None, parts))}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {action}" for action, count in counts.items() if count)


def _waiting(planned: Outcome | None) -> str:
    if planned is None:
        return "nothing yet: no sync has run"
    names = ", ".join(planned.waiting[:_MOST_NAMES])
    more = ", ..." if len(planned.waiting) > _MOST_NAMES else ""
    left_out = (
        f"; addresses left out, because others have them: {planned.left_out}"
        if planned.left_out
        else ""
    )
    return (
        f"{quantity(planned.conflicts, 'conflict')}, {quantity(planned.questions, 'question')}"
        f"{f' ({names}{more})' if names else ''}{left_out}"
    )


def _time(time: datetime | None) -> str:
    return "-" if time is None else shown_time(time.astimezone(UTC).isoformat(timespec="seconds"))


def openmetrics(status: Status) -> str:
    """Return the status in the OpenMetrics text format, for node_exporter's textfile collector.

    What is not known now is left out.
    """
    found, outcomes, planned = troubles(status), status.outcomes, status.planned
    level = LEVELS.index(level_of(found))
    lines: list[str] = []

    def gauge(name: str, what: str, *samples: tuple[str, float]) -> None:
        lines.append(f"# TYPE mailroster_{name} gauge")
        lines.append(f"# HELP mailroster_{name} {what}")
        lines.extend(f"mailroster_{name}{labels} {value:.16g}" for labels, value in samples)

    def time(name: str, what: str, at: str | datetime | None) -> None:
        if at:
            moment = datetime.fromisoformat(at) if isinstance(at, str) else at
            gauge(name, what, ("", moment.timestamp()))

    gauge("status", "0 well, 1 look at it, 2 act.", ("", level))
    gauge("trouble", "1 for each thing that is not well.", *_trouble_samples(found))
    gauge("store_whole", "1 if the store can be read.", ("", "store" not in status.problems))
    is_read = "store" not in status.problems
    if status.archive:
        mounted = "archive" not in status.problems
        gauge("archive_mounted", "1 if the archive is at hand.", ("", mounted))
    if is_read:
        gauge("folder_work_pending", "Waiting work on archive folders.", ("", status.pending))
    if "outcomes" not in status.problems:
        gauge("sync_failing", "1 if the last sync failed.", ("", bool(outcomes.failing_since)))
    succeeded, failed = outcomes.succeeded, outcomes.failed
    time(
        "sync_success_timestamp_seconds",
        "When a sync last succeeded.",
        succeeded.at if succeeded else "",
    )
    time("sync_failure_timestamp_seconds", "When a sync last failed.", failed.at if failed else "")
    time(
        "sync_failing_since_timestamp_seconds",
        "When the syncs began to fail.",
        outcomes.failing_since,
    )
    if planned:
        gauge("conflicts", "Conflicts that the last sync left.", ("", planned.conflicts))
        gauge("questions", "Questions that the last sync left open.", ("", planned.questions))
        gauge("directory_users", "Users that the directory listed.", ("", planned.listed or 0))
    if "log_ons" not in status.problems:
        gauge("users_locked", "Users locked by failed log-ons.", ("", status.locked))
    if is_read:
        users = status.users
        by_method = (
            ('{authentication="integrated"}', users.integrated),
            ('{authentication="directory_services"}', users.directory_services),
        )
        gauge("users", "Users by authentication method.", *by_method)
        gauge("users_pinned", "Pinned users, which syncs do not delete.", ("", users.pinned))
        suspended = "Users that cannot log on until a question is answered."
        gauge("users_suspended", suspended, ("", users.suspended))
        gauge("users_leaving", "Users that a sync deletes on a later day.", ("", users.leaving))
        gauge("history_runs", "Runs in the history.", ("", status.runs))
    time(
        "pinned_certificate_end_timestamp_seconds",
        "When the pinned certificate ends.",
        status.pin_ends,
    )
    time("backup_timestamp_seconds", "When the newest backup was made.", status.newest_backup)
    return "\n".join([*lines, "# EOF", ""])


def _trouble_samples(found: list[Trouble]) -> list[tuple[str, float]]:
    """Return one sample a kind: the collector takes no file in which one comes twice."""
    return [(f'{{kind="{kind}"}}', 1) for kind in dict.fromkeys(item.kind for item in found)]
