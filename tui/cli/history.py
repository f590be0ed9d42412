"""`mailroster history`: show what was done and by whom, and undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from store.chain import verify
from store.errors import NotFound
from store.history import PAGE, RunSummary, undone
from store.models import User
from store.text import printable, quantity
from sync.runs import by_hand
from sync.runs import undo as undoing
from sync.runs.apply import without
from sync.runs.plan_file import save_plan
from sync.runs.record import recorded_change, shown_changes, shown_settings
from sync.runs.report import change_lines, past_run_record, setting_lines
from sync.runs.report_file import write_report
from sync.runs.story import Chapter, story_of
from tui.cli.exit_codes import OK, STORE_DAMAGED
from tui.cli.runs import (
    Outcome,
    Shown,
    allow_option,
    applied,
    ask,
    check_delete_options,
    hold_option,
    named_changes,
    only_run,
    report_option,
    reported,
    show_and_check,
    skip_option,
    yes_option,
)
from tui.cli.session import Session, json_option, pass_session, print_json, table_lines
from tui.texts.warnings import one_a_kind

_LAST = "last"


@click.group()
def history() -> None:
    """Show runs and undo them. ID is the id of a run, or `last`."""


@history.command("list")
@click.option("--user", "user_name", metavar="NAME", help="List only the changes of this user.")
@click.option("--all", "show_all", is_flag=True, help="List all runs, not only the newest 100.")
@json_option
@pass_session
def list_(session: Session, user_name: str | None, show_all: bool, as_json: bool) -> None:
    """List the newest runs, oldest first.

    Each sync, undo, change by hand, change of settings and restore is a run. With --user it lists
    each change of that user, also under earlier names. --json lists all runs.
    """
    if user_name is not None:
        return _list_story(story_of(session.workspace.store, user_name), user_name, as_json)
    kept = session.workspace.snapshot().history
    if as_json:
        runs = session.workspace.store.runs()
        folded = {"runs": kept.folded_runs, "counts": dict(kept.folded_counts)}
        return print_json({"runs": [run.to_stored() for run in runs], "folded": folded})
    if kept.folded_runs:
        click.echo(
            f"{quantity(kept.folded_runs, 'older run')}, kept as counts only: "
            f"{_counted(kept.folded_counts)}."
        )
    shown = session.workspace.store.runs() if show_all else kept.runs[-PAGE:]
    if older := kept.count - len(shown):
        click.echo(f"({quantity(older, 'older run')}; --all lists them)")
    taken_back = undone(shown)
    rows = [_columns(run, run.id in taken_back) for run in shown]
    for line in table_lines(rows) if rows else ["No run changed anything yet."]:
        click.echo(line)
    return None


@history.command()
@click.argument("run_id", metavar="ID")
@report_option
@json_option
@pass_session
def show(session: Session, run_id: str, report_file: Path | None, as_json: bool) -> None:
    """Show one run, every change with old and new values.

    It also shows conflicts and what the delete guard said. --json is complete enough to replay the
    run: it has the differing fields of changed users, and all fields of created and deleted ones.
    It never shows password hashes.
    """
    run = session.workspace.store.run(_resolved(session, run_id))
    if report_file:
        write_report(report_file, past_run_record(run))
    if as_json:
        return print_json(
            {
                **run.summary.to_stored(),
                "filters": [rule.to_stored() for rule in run.filters],
                "guard": list(run.guard),
                "warnings": list(run.warnings),
                "settings": shown_settings(run),
                "changes": shown_changes(run.changes),
            }
        )
    taken_back = undone(session.workspace.store.runs())
    for line in table_lines([_columns(run.summary, run.summary.id in taken_back)]):
        click.echo(line)
    if run.summary.final:
        click.echo("This run cannot be undone.")
    for warning in one_a_kind(run.warnings):
        click.echo(f"warning: {printable(warning)}")
    for sentence in run.guard:
        click.echo(f"delete guard: {printable(sentence)}")
    for line in setting_lines(shown_settings(run)):
        click.echo(printable(line))
    for change in run.changes:
        for line in change_lines(recorded_change(change)):
            click.echo(line)
    return None


@history.command()
@click.argument("run_id", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Apply nothing; save the plan for `sync --plan`.",
)
@yes_option
@allow_option
@hold_option
@skip_option
@click.option("--old-passwords", is_flag=True, help="Restore passwords that newer ones replaced.")
@report_option
@json_option
@pass_session
@click.pass_context
def undo(
    ctx: click.Context,
    session: Session,
    run_id: str,
    out: Path | None,
    yes: bool,
    allow_deletes: int | None,
    hold_deletes: bool,
    skip: Sequence[str],
    old_passwords: bool,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Undo a run, with the preview of a sync.

    Users that the run deleted come back whole. It pins users of the directory, so that syncs do not
    delete them; see `history release`. A newer password stays, unless you give --old-passwords.
    """
    check_delete_options(allow_deletes, hold_deletes)
    choices = (skip, allow_deletes, hold_deletes)

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        with only_run(workspace):
            plan = undoing.undo_preview(
                workspace, _resolved(session, run_id), old_passwords=old_passwords
            )
            if out:
                plan = without(plan, named_changes(plan, skip))
                save_plan(workspace, out, plan)
                show_and_check(shown, plan)
                return "changes_pending", OK, plan.changes
            wanted = show_and_check(shown, plan, *choices)
            if yes or not (wanted or plan.settings_changes):
                return applied(workspace, plan, *choices)
        ask(plan, wanted)
        return applied(workspace, plan, *choices)

    ctx.exit(reported(session, as_json, report_file, run))


@history.command("verify")
@click.option(
    "--head", "noted", default="", metavar="DIGEST", help="A head that you noted elsewhere."
)
@json_option
@pass_session
@click.pass_context
def verify_(ctx: click.Context, session: Session, noted: str, as_json: bool) -> None:
    """Check that no record was changed, removed or inserted.

    Each record carries the digest of the one before. Note the head, the digest of the newest
    record, elsewhere: with --head mailroster also finds out if the newest records were cut off.
    Exit code 22 if something is wrong.
    """
    store = session.workspace.store
    found = verify(store.snapshot().history, store.runs(), store.record, noted.strip().lower())
    code = OK if not found.problem else STORE_DAMAGED
    if as_json:
        status = "damaged" if found.problem else "ok"
        print_json({"status": status, "exit_code": code, **asdict(found), "error": None})
    elif found.problem:
        click.echo(f"! The first wrong record is that of run {found.wrong or '-'}.")
        click.echo(f"  {printable(found.problem)}")
        click.echo("  Compare it with a backup of the machine.")
    else:
        before = f", {found.unchained} of them from before the chain" if found.unchained else ""
        click.echo(f"The history is whole: {quantity(found.records, 'run')}{before}.")
        click.echo(f"The chain ends with {found.head or '-'}.")
    ctx.exit(code)


@history.command()
@json_option
@pass_session
def pinned(session: Session, as_json: bool) -> None:
    """List the pinned users, which syncs do not delete."""
    names = [user.user_name for user in by_hand.pinned_users(session.workspace.snapshot())]
    if as_json:
        return print_json(names)
    for name in names:
        click.echo(printable(name))
    return None


@history.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@json_option
@pass_session
def pin(session: Session, names: Sequence[str], as_json: bool) -> None:
    """Keep syncs from deleting these users; pin all of them or none."""
    users = by_hand.pin(session.workspace, *names)
    _tell_pinned(users, "Pinned {}; syncs will not delete this user.", as_json)


@history.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@json_option
@pass_session
def release(session: Session, names: Sequence[str], as_json: bool) -> None:
    """Let syncs delete pinned users again; release all of them or none."""
    users = by_hand.release(session.workspace, *names)
    _tell_pinned(users, "Released {}; syncs may delete this user again.", as_json)


def _tell_pinned(users: Sequence[User], done: str, as_json: bool) -> None:
    for user in users:
        click.echo(done.format(printable(user.user_name)), err=True)
    if as_json:
        print_json([{"user_name": user.user_name, "pinned": user.pinned} for user in users])


def _resolved(session: Session, run_id: str) -> str:
    if run_id != _LAST:
        return run_id
    kept = session.workspace.snapshot().history.runs
    if not kept:
        raise NotFound("No run changed anything yet.", "`mailroster history list` shows all runs.")
    return kept[-1].id


def _list_story(story: Sequence[Chapter], user_name: str, as_json: bool) -> None:
    if as_json:
        return print_json(
            [
                {**chapter.run.to_stored(), "changes": shown_changes([chapter.change])}
                for chapter in story
            ]
        )
    if not story:
        click.echo(f"The history has no change of “{printable(user_name, 60)}”.")
    for chapter in story:
        for line in table_lines([_who_and_when(chapter.run)]):
            click.echo(line)
        for line in change_lines(recorded_change(chapter.change)):
            click.echo(f"  {line}")
    return None


def _who_and_when(run: RunSummary) -> tuple[str, ...]:
    return run.id, run.at, f"undo of {run.undoes}" if run.undoes else run.kind, run.who


def _columns(run: RunSummary, undone: bool) -> tuple[str, ...]:
    notes = [
        *([f"{quantity(run.held, 'deletion')} held back"] if run.held else []),
        *(["guard opened"] if run.confirmed else []),
        *(["undone"] if undone else []),
    ]
    what = [_counted(run.counts)] if any(run.counts.values()) else []
    if run.kind not in ("sync", "undo") and run.subject:
        what.append(run.subject)
    if run.settings:
        what.append(f"settings: {', '.join(run.settings)}")
    return *_who_and_when(run), ", ".join(what) or "-", ", ".join(notes)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {action}" for action, count in counts.items() if count) or "-"
