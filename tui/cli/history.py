"""`mailroster history`: what was done, by whom, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from store.errors import InvalidValue
from store.history import History, RunSummary
from store.text import printable
from sync.runs import undo as undoing
from sync.runs.apply import without
from sync.runs.plan_file import save_plan
from sync.runs.record import recorded_change, shown_changes
from sync.runs.report import change_lines, past_run_record
from sync.runs.report_file import write_report
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
from tui.cli.session import OK, Session, json_option, pass_session, print_json, table_lines

_LAST = "last"


@click.group()
def history() -> None:
    """Look at what was done, and take it back. ID is a run's id, or `last`."""


@history.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the runs, oldest first."""
    kept = session.workspace.snapshot().history
    if as_json:
        folded = {"runs": kept.folded_runs, "counts": dict(kept.folded_counts)}
        return print_json({"runs": [run.to_stored() for run in kept.runs], "folded": folded})
    if kept.folded_runs:
        click.echo(f"({kept.folded_runs} older runs, folded: {_counted(kept.folded_counts)})")
    undone = kept.undone
    rows = [_columns(run, run.id in undone) for run in kept.runs]
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

    So are conflicts, and what the delete guard said. What --json prints is complete enough to
    replay: changed users have their differing fields, created and deleted ones all of them, but for
    password hashes, which are never shown.
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
                "changes": shown_changes(run.changes),
            }
        )
    undone = session.workspace.snapshot().history.undone
    for line in table_lines([_columns(run.summary, run.summary.id in undone)]):
        click.echo(line)
    for warning in run.warnings:
        click.echo(f"warning: {printable(warning)}")
    for sentence in run.guard:
        click.echo(f"delete guard: {printable(sentence)}")
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
    help="Apply nothing, save the plan for `sync --plan`.",
)
@yes_option
@allow_option
@hold_option
@skip_option
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
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Take a run back, with the preview and guard of a sync.

    Users whom it had deleted come back whole and pinned; see `history release`.
    """
    check_delete_options(allow_deletes, hold_deletes)
    choices = (skip, allow_deletes, hold_deletes)

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        with only_run(workspace):
            plan = undoing.undo_preview(workspace, _resolved(session, run_id))
            if out:
                plan = without(plan, named_changes(plan, skip))
                save_plan(workspace, out, plan)
                show_and_check(shown, plan)
                return "changes_pending", OK, plan.changes
            wanted = show_and_check(shown, plan, *choices)
            if yes or not wanted:
                return applied(workspace, plan, *choices)
        ask(plan, wanted)
        return applied(workspace, plan, *choices)

    ctx.exit(reported(session, as_json, report_file, run))


@history.command()
@json_option
@pass_session
def pinned(session: Session, as_json: bool) -> None:
    """List the users whom an undo brought back and no sync deletes."""
    names = [user.user_name for user in undoing.pinned_users(session.workspace.snapshot())]
    if as_json:
        return print_json(names)
    for name in names:
        click.echo(printable(name))
    return None


@history.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_session
def release(session: Session, names: Sequence[str]) -> None:
    """Let syncs delete pinned users again; all of them, or none."""
    for user in undoing.release(session.workspace, *names):
        click.echo(f"“{printable(user.user_name)}” is not pinned any more.", err=True)


def _resolved(session: Session, run_id: str) -> str:
    if run_id != _LAST:
        return run_id
    kept: History = session.workspace.snapshot().history
    if not kept.runs:
        raise InvalidValue("No run changed anything yet. Nothing was changed.")
    return kept.runs[-1].id


def _columns(run: RunSummary, undone: bool) -> tuple[str, ...]:
    kind = f"undo of {run.undoes}" if run.undoes else run.kind
    notes = [
        *([f"{run.held} deletions held back"] if run.held else []),
        *(["guard opened"] if run.confirmed else []),
        *(["undone"] if undone else []),
    ]
    return run.id, run.at, kind, run.who, _counted(run.counts), ", ".join(notes)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {action}" for action, count in counts.items() if count) or "-"
