"""`mailroster test` and `mailroster sync`: Test Settings and Synchronize now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import click

from sync.configure import leave_alone
from sync.directory.connect import check_configured, fetch
from sync.directory.listing import Listing
from sync.errors import StalePlan
from sync.planning.plan import Answers, Change, Plan
from sync.planning.preview import preview
from sync.runs.apply import without
from sync.runs.patience import fetch_patiently
from sync.runs.plan_file import SavedPlan, answer_differences, load_plan, save_plan
from sync.workspace import Workspace
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
from tui.cli.session import CHANGES_PENDING, OK, Session, json_option, pass_session

F = TypeVar("F", bound=Callable[..., Any])


class _Answers(TypedDict):
    rename: tuple[str, ...]
    rename_from: tuple[tuple[str, str], ...]
    separate: tuple[str, ...]
    link: tuple[str, ...]


def _answer_options(command: F) -> F:
    for option in (
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
            help="The same where several may be meant: OLD came under NEW; repeatable.",
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
@click.option("--exit-code", is_flag=True, help="Exit with 10 if there are changes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Save the plan for `sync --plan`.",
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
    skip: Sequence[str],
    report_file: Path | None,
    as_json: bool,
    **answers: Unpack[_Answers],
) -> None:
    """Test Settings: show what a sync would change.

    The directory is asked, and nothing is written.
    """

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        listing = asyncio.run(fetch(workspace, workspace.snapshot().settings))
        plan = preview(workspace, listing, answers=Answers.of(**answers))
        plan = without(plan, named_changes(plan, skip))
        if out:
            save_plan(workspace, out, plan, listing)
        show_and_check(shown, plan)
        pending = any(change.edit for change in plan.changes)
        code = CHANGES_PENDING if pending and exit_code else OK
        return ("changes_pending" if pending else "no_changes"), code, plan.changes

    ctx.exit(reported(session, as_json, report_file, run))


@click.command()
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help="Apply this saved plan as it is; the directory is asked only if it deletes users.",
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
    "--reason", default="", metavar="TEXT", help="Why, for --skip-always; kept with the filter."
)
@click.option(
    "--retry", is_flag=True, help="While the directory is unreachable, ask again for list_timeout."
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

    The directory is asked for its users; all changes are one write.
    """
    check_delete_options(allow_deletes, hold_deletes)
    if plan_file and (any(answers.values()) or skip or skip_always):
        raise click.UsageError(
            "A saved plan is applied as it is. Nothing was changed. Give answers and --skip to "
            "`mailroster test --out`."
        )
    if reason and not skip_always:
        raise click.UsageError("--reason is the reason of --skip-always.")

    def make_plan(workspace: Workspace) -> Plan:
        listing = _listing(workspace, retry)
        if skip_always:
            leave_alone(workspace, skip_always, reason)
        return preview(workspace, listing, answers=Answers.of(**answers))

    def run(shown: Shown) -> Outcome:
        workspace = session.workspace
        saved = load_plan(workspace, plan_file) if plan_file else None
        if saved is None or saved.plan.kind == "sync":
            check_configured(workspace.snapshot().settings)
        choices = (skip, allow_deletes, hold_deletes)
        with only_run(workspace):
            plan = saved.plan if saved else make_plan(workspace)
            wanted = show_and_check(shown, plan, *choices)
            if yes or not wanted:
                _check_answer(workspace, saved, wanted, retry)
                return applied(workspace, plan, *choices)
        ask(plan, wanted)
        _check_answer(workspace, saved, wanted, retry)
        return applied(workspace, plan, *choices)

    ctx.exit(reported(session, as_json, report_file, run))


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
    if all(change.action != "delete" for change in wanted):
        return
    listing = _listing(workspace, retry)
    if found := answer_differences(workspace, saved, listing):
        raise StalePlan(found)
