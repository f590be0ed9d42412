"""`mailroster test` and `mailroster sync`: Test Settings and Synchronize now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import click

from store.errors import StoreError
from store.text import printable
from sync.apply import apply_plan, check_guard
from sync.errors import GuardBlocked, SyncError
from sync.plan import Change, Plan
from sync.report import SIGNS, change_lines, run_record
from sync.run import fetch, preview
from sync.workspace import Workspace
from tui.cli.session import (
    CHANGES_PENDING,
    CONFLICTS_SKIPPED,
    OK,
    Session,
    confirm,
    error_record,
    exit_code_of,
    json_option,
    pass_session,
    print_json,
)

Outcome = tuple[str, int, Sequence[Change]]


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 10 if there are changes.")
@json_option
@pass_session
@click.pass_context
def test(ctx: click.Context, session: Session, exit_code: bool, as_json: bool) -> None:
    """Test Settings: ask the directory and show what a sync would change. Nothing is written."""

    def run(report: _Report) -> Outcome:
        plan = _plan(session.workspace)
        report.show(plan)
        check_guard(plan, plan.counts["delete"], None)
        pending = any(change.edit for change in plan.changes)
        code = CHANGES_PENDING if pending and exit_code else OK
        return ("changes_pending" if pending else "no_changes"), code, plan.changes

    ctx.exit(_reported(as_json, run))


@click.command()
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.option("--allow-deletes", type=click.IntRange(0), metavar="N", help="Confirm N deletions.")
@click.option("--hold-deletes", is_flag=True, help="Apply everything but the deletions.")
@json_option
@pass_session
@click.pass_context
def sync(
    ctx: click.Context,
    session: Session,
    yes: bool,
    allow_deletes: int | None,
    hold_deletes: bool,
    as_json: bool,
) -> None:
    """Synchronize now: ask the directory, show the changes and apply them in one write."""
    if hold_deletes and allow_deletes is not None:
        raise click.UsageError("--allow-deletes and --hold-deletes exclude each other.")

    def run(report: _Report) -> Outcome:
        plan = _plan(session.workspace)
        report.show(plan)
        deletes = 0 if hold_deletes else plan.counts["delete"]
        check_guard(plan, deletes, allow_deletes)
        pending = any(change.edit for change in plan.changes)
        if pending and not yes:
            confirm(f"Apply {_counted(plan)}?")
        result = apply_plan(
            session.workspace, plan, allow_deletes=allow_deletes, hold_deletes=hold_deletes
        )
        reported = [change for change in plan.changes if change.edit is None]
        click.echo(_summary(len(result.applied), len(result.skipped), len(reported)), err=True)
        status = "applied" if result.applied else "no_changes"
        code = CONFLICTS_SKIPPED if plan.counts["conflict"] else OK
        return status, code, [*result.applied, *reported]

    ctx.exit(_reported(as_json, run))


class _Report:
    """What was found so far, so that a failure can still show it."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.changes: Sequence[Change] = ()

    def show(self, plan: Plan) -> None:
        self.changes = plan.changes
        for warning in plan.warnings:
            click.echo(f"warning: {printable(warning)}", err=True)
        if self._as_json:
            return
        for change in plan.changes:
            for line in change_lines(change):
                click.echo(line)
        click.echo(_counted(plan))


def _reported(as_json: bool, run: Callable[[_Report], Outcome]) -> int:
    report = _Report(as_json)
    error = None
    try:
        status, code, changes = run(report)
    except (StoreError, SyncError, KeyboardInterrupt, click.Abort) as failure:
        status = "blocked" if isinstance(failure, GuardBlocked) else "error"
        code, changes, error = exit_code_of(failure), report.changes, error_record(failure)
        click.echo(f"mailroster: {error['message']}", err=True)
    if as_json:
        print_json(run_record(status, code, changes, error))
    return code


def _plan(workspace: Workspace) -> Plan:
    listing = asyncio.run(fetch(workspace, workspace.snapshot().settings))
    return preview(workspace, listing)


def _counted(plan: Plan) -> str:
    found = [f"{SIGNS[name]} {count} {name}" for name, count in plan.counts.items() if count]
    users = f"{plan.in_scope} of {plan.listed} users of the directory in scope"
    return f"{', '.join(found) or 'no changes'} ({users})"


def _summary(applied: int, skipped: int, reported: int) -> str:
    return (
        f"{applied} changes applied, {skipped} held back, "
        f"{reported} conflicts and questions left as they are."
    )
