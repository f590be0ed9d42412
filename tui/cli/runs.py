"""What `test`, `sync` and `history undo` share: showing a plan, asking, applying, reporting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from store.errors import NotFound, Problem
from store.names import match_key
from store.text import printable, quantity
from sync.errors import GuardBlocked, ReportError
from sync.planning.plan import Change, Plan
from sync.runs.apply import apply_plan, check_guard, divide
from sync.runs.record import planned_settings
from sync.runs.report import change_lines, restored_line, run_record, setting_lines, summary
from sync.runs.report_file import check_report_name, write_report
from sync.runs.run_lock import run_lock
from sync.workspace import Workspace
from tui.cli.exit_codes import CONFLICTS_SKIPPED, OK, OTHER_ERROR, exit_code_of
from tui.cli.session import Session, confirm, print_json, problem_of
from tui.colours import OF_CHANGES
from tui.texts.problems import told
from tui.texts.warnings import one_a_kind

_LINES_AT_ONCE = 1000  # a first sync prints five for each user, and each write takes its time
_OPEN = {"?": "question", "!": "conflict"}  # what a sync leaves as it is, by its sign

Outcome = tuple[str, int, Sequence[Change]]

report_option = click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the run, even a failed one, to a .json or .csv file; replaces the file.",
)
skip_option = click.option(
    "--skip",
    "skip",
    multiple=True,
    metavar="NAME",
    help="Leave out this user's change; repeatable.",
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
        self.settings: Mapping[str, Mapping[str, Any]] = {}

    def show(self, plan: Plan) -> None:
        """Print the plan, its warnings to stderr."""
        self.changes = plan.changes
        self.settings = planned_settings(plan)
        for warning in one_a_kind(plan.warnings):
            click.echo(f"warning: {printable(warning)}", err=True)
        if self._as_json:
            return
        signed = _signed if "NO_COLOR" not in os.environ and sys.stdout.isatty() else _plain
        lines = chain.from_iterable(_lines(change, signed) for change in plan.changes)
        while some := list(islice(lines, _LINES_AT_ONCE)):
            click.echo("\n".join(some))
        for line in setting_lines(self.settings):
            click.echo(signed(printable(line), OF_CHANGES["update"]))
        click.echo(f"{counted(plan)}.")


def _lines(change: Change, signed: Callable[[str, str], str]) -> Iterator[str]:
    """Yield a change as lines, the first one `signed`."""
    first, *more = change_lines(change)
    yield signed(first, OF_CHANGES[change.action])
    yield from more


def _signed(line: str, colour: str) -> str:
    """Return the line with its sign in colour; coloured words can be unreadable."""
    return click.style(line[:1], fg=colour, bold=True) + line[1:]


def _plain(line: str, _colour: str) -> str:
    """Return the line as it is."""
    return line


def reported(
    session: Session, as_json: bool, report_file: Path | None, run: Callable[[Shown], Outcome]
) -> int:
    """Run, tell of a failure, print JSON, write the report; return the exit code."""
    shown = Shown(as_json)
    error = None
    try:
        if report_file:
            check_report_name(report_file)
        status, code, changes = run(shown)
    except (Problem, KeyboardInterrupt, click.Abort) as failure:
        status = "blocked" if isinstance(failure, GuardBlocked) else "error"
        code, changes, problem = exit_code_of(failure), shown.changes, problem_of(session, failure)
        click.echo(f"mailroster: {told(problem)}", err=True)
        error = problem.to_record()
        if isinstance(failure, ReportError):
            report_file = None
    if not (as_json or report_file):
        return code
    record = run_record(status, code, changes, error)
    if shown.settings:
        record["settings"] = shown.settings
    if report_file:
        try:
            write_report(report_file, record)
        except ReportError as failure:
            click.echo(f"mailroster: {told(failure)}", err=True)
            code = code or OTHER_ERROR
            record["exit_code"] = code
    if as_json:
        print_json(record)
    return code


def check_delete_options(allow_deletes: int | None, hold_deletes: bool) -> None:
    """Raise a usage error if the deletions are both confirmed and held back."""
    if hold_deletes and allow_deletes is not None:
        raise click.UsageError("Give --allow-deletes or --hold-deletes, not both.")


@contextmanager
def only_run(workspace: Workspace) -> Iterator[None]:
    """Hold the lock against other runs; raises `SyncRunning` at once if there is one."""
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
    check_guard(plan, sum(change.is_counted for change in wanted), allow_deletes)
    return wanted


def ask(plan: Plan, wanted: Sequence[Change]) -> None:
    """Ask whether to apply; ask nothing if the plan changes nothing."""
    if wanted or plan.settings_changes:
        left_out = sum(change.edit is not None for change in plan.changes) - len(wanted)
        but = f"; {left_out} left out" if left_out else ""
        confirm(f"Apply these changes: {counted(plan, wanted)}{but}?")


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
    if plan.changes or not result.settings:
        click.echo(
            f"Applied {quantity(len(result.applied), 'change')}; held back {len(result.skipped)}. "
            f"Conflicts and questions left open: {sum(change.stays_open for change in left)}.",
            err=True,
        )
    if result.settings:
        click.echo(restored_line(result.settings), err=True)
    if result.run:
        click.echo(f"To undo this, run `mailroster history undo {result.run}`.", err=True)
    status = "applied" if result.run else "no_changes"
    code = CONFLICTS_SKIPPED if plan.leaves_open else OK
    return status, code, [*result.applied, *left]


def named_changes(plan: Plan, names: Collection[str]) -> list[str]:
    """Return the names as the plan's changes spell them; raises `InvalidValue` for others."""
    spelled = {match_key(change.user_name): change.user_name for change in plan.changes}
    for name in names:
        if match_key(name) not in spelled:
            raise NotFound(
                f"The plan has no change for “{printable(name, 60)}” that could be skipped.",
                "Name a user of the plan, or leave out --skip.",
            )
    return [spelled[match_key(name)] for name in names]


def counted(plan: Plan, changes: Iterable[Change] | None = None) -> str:
    """Return how many changes the plan has, as a sentence without its full stop.

    It counts `changes`, by default all changes of the plan.
    """
    kinds = summary(plan.changes if changes is None else changes)
    wanted = [f"{kind.number} to {kind.word}" for kind in kinds if kind.sign not in _OPEN]
    if settings := len(plan.settings_changes):
        wanted.append(f"{quantity(settings, 'setting')} to change")
    left = [
        quantity(number, noun)
        for sign, noun in _OPEN.items()
        if (number := sum(kind.number for kind in kinds if kind.sign == sign))
    ]
    found = "; ".join(filter(None, (", ".join(wanted), ", ".join(left)))) or "No changes"
    if plan.kind == "undo":
        return found
    return f"{found} ({plan.in_scope} of {quantity(plan.listed, 'user')} of the directory in scope)"
