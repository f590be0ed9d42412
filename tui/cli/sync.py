"""`mailroster test` and `mailroster sync`: Test Settings and Synchronize now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import click

from store.models import Settings
from store.text import printable, shown_time
from sync.configure import leave_alone
from sync.directory.connect import check_configured, fetch
from sync.directory.kept_answer import load_answer, save_answer
from sync.directory.listing import Listing
from sync.directory.types import insecurity
from sync.errors import StalePlan
from sync.planning.plan import Answers, Change, Plan
from sync.runs.apply import without
from sync.runs.plan_file import SavedPlan, answer_differences, load_plan, save_plan
from sync.runs.preview import preview
from sync.runs.retry import fetch_patiently
from sync.status.notices import tell_what_changed
from sync.status.outcomes import Attempt, sync_attempt
from sync.workspace import Workspace
from tui.cli.exit_codes import CHANGES_PENDING, CONFLICTS_SKIPPED, OK
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
from tui.cli.session import Session, json_option, pass_session, wrong_usage

F = TypeVar("F", bound=Callable[..., Any])


class _Answers(TypedDict):
    rename: tuple[str, ...]
    rename_from: tuple[tuple[str, str], ...]
    separate: tuple[str, ...]
    link: tuple[str, ...]
    same: tuple[str, ...]
    new: tuple[str, ...]
    take_ids: bool


def _answer_options(command: F) -> F:
    for option in (
        click.option(
            "--take-ids",
            is_flag=True,
            help="Take over the directory's ids by name, if it lists ids for the first time.",
        ),
        click.option(
            "--new",
            multiple=True,
            metavar="NAME",
            help="NAME is somebody new; set the archive folder from before aside; repeatable.",
        ),
        click.option(
            "--same",
            multiple=True,
            metavar="NAME",
            help="NAME is the same person as before and keeps or gets back privileges and folder; "
            "repeatable.",
        ),
        click.option(
            "--link",
            multiple=True,
            metavar="NAME",
            help="Let this local user log on with the directory's password; repeatable.",
        ),
        click.option(
            "--separate",
            multiple=True,
            metavar="NEW",
            help="Answer a rename question: NEW is somebody else; repeatable.",
        ),
        click.option(
            "--rename-from",
            multiple=True,
            nargs=2,
            metavar="OLD NEW",
            help="Like --rename, if several users may be meant: OLD is NEW now; repeatable.",
        ),
        click.option(
            "--rename",
            multiple=True,
            metavar="NEW",
            help="Answer a rename question: NEW is the same person; repeatable.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 10 if there are changes, 13 if only conflicts or questions.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Save the plan for `sync --plan`.",
)
@click.option(
    "--save-answer",
    "kept_as",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the directory's answer in the new FILE.",
)
@click.option(
    "--answer",
    "kept_answer",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Plan from the answer in FILE, not the directory; you cannot apply such a plan.",
)
@_answer_options
@skip_option
@report_option
@json_option
@pass_session
@click.pass_context
def test(
    ctx: click.Context,
    session: Session,
    exit_code: bool,
    out: Path | None,
    kept_as: Path | None,
    kept_answer: Path | None,
    skip: Sequence[str],
    report_file: Path | None,
    as_json: bool,
    **answers: Unpack[_Answers],
) -> None:
    """Test Settings: show what a sync would change.

    It asks the directory and writes nothing. With --save-answer and --answer you can try filters
    and options offline, or look into a bad day afterwards.
    """
    if kept_answer and (out or kept_as):
        raise wrong_usage(
            "You cannot apply a plan from a kept answer, and the answer is kept already.",
            "Leave out --out and --save-answer, or ask the directory by leaving out --answer.",
        )

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        settings = workspace.snapshot().settings
        if kept_answer:
            listing, at = load_answer(kept_answer)
            click.echo(f"Planned from the answer of {printable(shown_time(at), 40)}.", err=True)
        else:
            _warn(settings)
            listing = asyncio.run(fetch(workspace, settings))
        if kept_as:
            save_answer(kept_as, listing, workspace.clock())
        plan = preview(workspace, listing, answers=Answers.of(**answers))
        plan = without(plan, named_changes(plan, skip))
        if out:
            save_plan(workspace, out, plan, listing)
        show_and_check(shown, plan)
        pending = any(change.edit for change in plan.changes)
        code = OK
        if exit_code and (pending or plan.leaves_open):
            code = CHANGES_PENDING if pending else CONFLICTS_SKIPPED
        return ("changes_pending" if pending else "no_changes"), code, plan.changes

    ctx.exit(reported(session, as_json, report_file, run))


@click.command()
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Apply this saved plan as it is; ask the directory only if the plan deletes users.",
)
@yes_option
@allow_option
@hold_option
@_answer_options
@skip_option
@click.option(
    "--skip-always",
    multiple=True,
    metavar="NAME",
    help="Leave this user alone from now on, by a skip filter; repeatable.",
)
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="The reason for --skip-always; kept with the filter.",
)
@click.option(
    "--retry",
    is_flag=True,
    help="While the directory is unreachable, keep asking for list_timeout.",
)
@report_option
@json_option
@pass_session
@click.pass_context
def sync(
    ctx: click.Context,
    session: Session,
    plan_file: Path | None,
    yes: bool,
    allow_deletes: int | None,
    hold_deletes: bool,
    skip: Sequence[str],
    skip_always: Sequence[str],
    reason: str,
    retry: bool,
    report_file: Path | None,
    as_json: bool,
    **answers: Unpack[_Answers],
) -> None:
    """Synchronize now: show the changes and apply them.

    It asks the directory for its users and writes all changes at once.
    """
    check_delete_options(allow_deletes, hold_deletes)
    if plan_file and (any(answers.values()) or skip or skip_always):
        raise wrong_usage(
            "A saved plan is applied as it is.",
            "Give answers and --skip to `mailroster test --out`.",
        )
    if reason and not skip_always:
        raise click.UsageError("--reason needs --skip-always.")

    def make_plan(workspace: Workspace) -> Plan:
        listing = _listing(workspace, retry)
        if skip_always:
            leave_alone(workspace, skip_always, reason)
        return preview(workspace, listing, answers=Answers.of(**answers))

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        with sync_attempt(workspace) as attempt:
            saved = load_plan(workspace, plan_file) if plan_file else None
            if saved is None or saved.plan.kind == "sync":
                settings = workspace.snapshot().settings
                check_configured(settings)
                _warn(settings)
                return run_plan(shown, workspace, saved, attempt)
        return run_plan(shown, workspace, saved, Attempt(workspace, None))

    def run_plan(
        shown: Shown, workspace: Workspace, saved: SavedPlan | None, attempt: Attempt
    ) -> Outcome:
        choices = (skip, allow_deletes, hold_deletes)
        with only_run(workspace):
            plan = attempt.plan = saved.plan if saved else make_plan(workspace)
            wanted = show_and_check(shown, plan, *choices)
            if yes or not wanted:
                _check_answer(workspace, saved, wanted, retry)
                return applied(workspace, plan, *choices)
        try:
            ask(plan, wanted)
        except click.Abort:
            attempt.declined()
            raise
        _check_answer(workspace, saved, wanted, retry)
        return applied(workspace, plan, *choices)

    try:
        code = reported(session, as_json, report_file, run)
    finally:
        tell_what_changed(session.unread_workspace)
    ctx.exit(code)


def _warn(settings: Settings) -> None:
    """Say on stderr how passwords are at risk on their way to the directory, if they are."""
    if risk := insecurity(settings):
        click.echo(f"warning: {risk}", err=True)


def _listing(workspace: Workspace, retry: bool) -> Listing:
    settings = workspace.snapshot().settings
    if not retry:
        return asyncio.run(fetch(workspace, settings))
    return asyncio.run(
        fetch_patiently(workspace, settings, lambda text: click.echo(text, err=True))
    )


def _check_answer(
    workspace: Workspace, saved: SavedPlan | None, wanted: Sequence[Change], retry: bool
) -> None:
    """Ask the directory again before a saved plan deletes users; raises `StalePlan`."""
    if saved is None or saved.plan.kind == "undo":
        return
    if not any(change.locks_out for change in wanted):
        return
    listing = _listing(workspace, retry)
    if found := answer_differences(workspace, saved, listing):
        raise StalePlan(found)
