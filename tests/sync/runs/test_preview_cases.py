"""A preview under other settings than the store's own."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from store.models import Settings
from sync.directory.listing import Listing
from sync.planning.identity import directory_of
from sync.planning.plan import Answers
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of, give_mail
from tests.support.builders import AUTO_DELETE, answer, lines, listed, managed
from tests.support.replaced import failing

KEEP = Settings(auto_delete=False)


@pytest.mark.parametrize(
    ("stored", "given", "plan"),
    [
        (AUTO_DELETE, None, ["delete anna"]),
        (AUTO_DELETE, KEEP, []),
        (KEEP, None, []),
        (KEEP, AUTO_DELETE, ["delete anna"]),
    ],
)
def test_the_given_settings_decide(
    fill: Callable[..., Workspace], stored: Settings, given: Settings | None, plan: list[str]
) -> None:
    workspace = fill(managed("anna"), managed("bert"), settings=stored)
    found = preview(workspace, answer(listed("bert")), given)
    assert lines(found) == plan
    assert found.settings == (given or stored)
    assert workspace.snapshot().settings == stored


def test_the_archive_is_looked_into(fill: Callable[..., Workspace]) -> None:
    workspace = fill(managed("anna"), managed("bert"), managed("carla"))
    give_mail(workspace, "anna")
    plan = preview(workspace, answer(listed("carla")))
    assert [change.archive for change in plan.changes] == ["kept", "removed"]


def test_a_folder_that_cannot_be_looked_into_stays(fill: Callable[..., Workspace]) -> None:
    workspace = fill(managed("anna"))
    run = apply_plan(workspace, preview(workspace, answer(listed("anna"), listed("bert")))).run
    assert run
    with failing(os, "scandir", errno.EACCES, lambda at="", *_: str(at).endswith(("anna", "bert"))):
        plan = preview(workspace, answer(listed("anna")))
        assert [(change.user_name, change.archive) for change in plan.changes] == [("bert", "kept")]
        undo = undo_preview(workspace, run)
        assert [(change.user_name, change.archive) for change in undo.changes] == [("bert", "kept")]
        apply_plan(workspace, plan, allow_deletes=1)
    assert archives_of(workspace).path("bert").exists()


def test_answers_and_warnings_are_in_the_plan(fill: Callable[..., Workspace]) -> None:
    workspace = fill(managed("anna"))
    listing = Listing([listed("anna")], [], ["something about a record"])
    answers = Answers.of(link=["nobody"])
    plan = preview(workspace, listing, answers=answers)
    assert plan.answers == answers
    assert plan.warnings[0] == "something about a record"
    assert plan.warnings[1].startswith("The directory does not list “nobody”")


def test_a_new_name_whose_folder_holds_mail_is_asked_about(fill: Callable[..., Workspace]) -> None:
    workspace = fill(managed("anna"))
    give_mail(workspace, "new")
    plan = preview(workspace, answer(listed("anna"), listed("new"), listed("newer")))
    assert [(change.user_name, change.asks) for change in plan.changes] == [
        ("newer", None),
        ("new", "return"),
    ]
    assert plan.warnings == ()


def test_a_former_user_of_a_new_name_is_found_in_the_history(
    fill: Callable[..., Workspace],
) -> None:
    workspace = fill(managed("anna"), managed("bert"))
    apply_plan(workspace, preview(workspace, answer(listed("bert"))))
    plan = preview(workspace, answer(listed("bert"), listed("anna")))
    assert [(change.user_name, change.asks) for change in plan.changes] == [("anna", "return")]


def test_a_former_user_is_found_by_the_id_of_this_directory(
    fill: Callable[..., Workspace],
) -> None:
    known = {"directory_id": "7", "directory": directory_of(AUTO_DELETE)}
    workspace = fill(managed("anna", **known), managed("bert", directory_id="8"))
    apply_plan(workspace, preview(workspace, answer(listed("bert"))), allow_deletes=1)
    plan = preview(workspace, answer(listed("bert"), listed("zoe", stable_id="7")))
    assert [(change.user_name, change.asks) for change in plan.changes] == [("zoe", "return")]


def test_the_day_is_that_of_the_workspaces_clock(fill: Callable[..., Workspace]) -> None:
    settings = replace(AUTO_DELETE, delete_after_days=5)
    workspace = fill(managed("anna"), managed("bert"), settings=settings)
    workspace = replace(workspace, clock=lambda: datetime(2031, 2, 3, 4, tzinfo=UTC))
    (leaves,) = preview(workspace, answer(listed("bert"))).changes
    assert leaves.fields["absent_since"].new == "2031-02-03"


def test_where_nobody_can_look_the_archive_is_kept_and_it_is_said(
    fill: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = fill(managed("anna"), managed("bert"))
    monkeypatch.setenv("MAILROSTER_ARCHIVE_ROOT", "none")
    listing = Listing([listed("bert")], [], ["about a record"])
    plan = preview(workspace, listing)
    assert [change.archive for change in plan.changes] == ["kept"]
    assert plan.warnings[0] == "about a record"
    assert plan.warnings[1].startswith("This host has no archive folders")
    assert len(plan.warnings) == 2
