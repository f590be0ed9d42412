"""What `test`, `sync` and `history undo` share: showing a plan, asking, applying, reporting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from store.collector import collector_paused
from store.errors import InvalidValue, StoreError
from store.names import match_key
from store.text import printable
from sync.errors import GuardBlocked, ReportError, SyncError
from sync.planning.plan import Change, Plan
from sync.runs.apply import apply_plan, check_guard, divide
from sync.runs.report import SIGNS, change_lines, run_record
from sync.runs.report_file import check_report_name, write_report
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace
from tui.cli.session import (
    CONFLICTS_SKIPPED,
    OK,
    OTHER_ERROR,
    Session,
    confirm,
    error_record,
    exit_code_of,
    print_json,
)

Outcome = tuple[str, int, Sequence[Change]]

report_option = click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the run, also a failed one, to a .json or .csv file.",
)
skip_option = click.option(
    "--skip", "skip", multiple=True, metavar="NAME", help="Leave this change out; repeatable."
)
allow_option = click.option(
    "--allow-deletes", type=click.IntRange(0), metavar="N", help="Confirm N deletions."
)
hold_option = click.option(
    "--hold-deletes", is_flag=True, help="Apply everything but the deletions."
)
yes_option = click.option("--yes", is_flag=True, help="Apply without asking.")


class Shown:
    """What was found so far, so that a failure can still show it."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.changes: Sequence[Change] = ()

    def show(self, plan: Plan) -> None:
        """Print the plan, its warnings to stderr."""
        self.changes = plan.changes
        for warning in plan.warnings:
            click.echo(f"warning: {printable(warning)}", err=True)
        if self._as_json:
            return
        for change in plan.changes:
            for line in change_lines(change):
                click.echo(line)
        click.echo(counted(plan))


def reported(
    session: Session, as_json: bool, report_file: Path | None, run: Callable[[Shown], Outcome]
) -> int:
    """Run, tell of a failure, print JSON, write the report; return the exit code."""
    shown = Shown(as_json)
    error = None
    try:
        if report_file:
            check_report_name(report_file)
        with collector_paused():
            status, code, changes = run(shown)
    except (StoreError, SyncError, KeyboardInterrupt, click.Abort) as failure:
        status = "blocked" if isinstance(failure, GuardBlocked) else "error"
        code, changes, error = exit_code_of(failure), shown.changes, error_record(session, failure)
        click.echo(f"mailroster: {error['message']}", err=True)
        if isinstance(failure, ReportError):
            report_file = None
    record = run_record(status, code, changes, error)
    if report_file:
        try:
            write_report(report_file, record)
        except ReportError as failure:
            click.echo(f"mailroster: {failure}", err=True)
            code = code or OTHER_ERROR
            record["exit_code"] = code
    if as_json:
        print_json(record)
    return code


def check_delete_options(allow_deletes: int | None, hold_deletes: bool) -> None:
    """Raise a usage error if the deletions are both confirmed and held back."""
    if hold_deletes and allow_deletes is not None:
        raise click.UsageError("--allow-deletes and --hold-deletes exclude each other.")


@contextmanager
def only_run(workspace: Workspace) -> Iterator[None]:
    """Hold the lock against other runs; raises `StoreBusy` at once if there is one."""
    with run_lock(workspace, wait=0):
        yield


def show_and_check(
    shown: Shown,
    plan: Plan,
    skip: Collection[str] = (),
    allow_deletes: int | None = None,
    hold_deletes: bool = False,
) -> list[Change]:
    """Show the plan, raise `GuardBlocked` if it may not be applied so, return what would be."""
    shown.show(plan)
    wanted, _ = divide(plan, named_changes(plan, skip), hold_deletes=hold_deletes)
    check_guard(plan, sum(change.action == "delete" for change in wanted), allow_deletes)
    return wanted


def ask(plan: Plan, wanted: Sequence[Change]) -> None:
    """Ask whether to apply; without anything to apply there is no question."""
    if wanted:
        left_out = sum(change.edit is not None for change in plan.changes) - len(wanted)
        but = f" but {left_out} left out" if left_out else ""
        confirm(f"Apply {counted(plan)}{but}?")


def applied(
    workspace: Workspace,
    plan: Plan,
    skip: Collection[str] = (),
    allow_deletes: int | None = None,
    hold_deletes: bool = False,
) -> Outcome:
    """Apply the plan, say what was done and return the outcome."""
    result = apply_plan(
        workspace,
        plan,
        skip=named_changes(plan, skip),
        allow_deletes=allow_deletes,
        hold_deletes=hold_deletes,
    )
    left = [change for change in plan.changes if change.edit is None]
    click.echo(
        f"Changes: {len(result.applied)} applied, {len(result.skipped)} held back. "
        f"Conflicts and questions left as they are: {len(left)}.",
        err=True,
    )
    if result.run:
        click.echo(f"`mailroster history undo {result.run}` takes this back.", err=True)
    status = "applied" if result.applied else "no_changes"
    code = CONFLICTS_SKIPPED if plan.counts["conflict"] else OK
    return status, code, [*result.applied, *left]


def named_changes(plan: Plan, names: Collection[str]) -> list[str]:
    """Return the names as the plan's changes spell them; raises `InvalidValue` for others."""
    spelled = {match_key(change.user_name): change.user_name for change in plan.changes}
    for name in names:
        if match_key(name) not in spelled:
            raise InvalidValue(
                f"The plan has no change for “{printable(name, 60)}”, so there is nothing to skip. "
                "Nothing was changed."
            )
    return [spelled[match_key(name)] for name in names]


def counted(plan: Plan) -> str:
    """Return how many changes the plan has, as a sentence without its full stop."""
    found = [f"{SIGNS[name]} {count} {name}" for name, count in plan.counts.items() if count]
    if plan.kind == "undo":
        return ", ".join(found) or "no changes"
    users = f"{plan.in_scope} of {plan.listed} users of the directory in scope"
    return f"{', '.join(found) or 'no changes'} ({users})"
