"""Who comes back, and who only has the name: applied, with folders and history, and taken back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.models import User
from sync.errors import StalePlan
from sync.planning.plan import Plan
from sync.runs.apply import apply_plan
from sync.runs.by_hand import add_user, delete_users
from sync.runs.folders import folder_for_log_on
from sync.runs.plan_file import answer_differences, load_plan, outcome_differences, save_plan
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.archived_mail import archives_of, give_mail, left_behind, mail
from tests.support.builders import answer, lines, listed, person, plan_with

Fill = Callable[..., Workspace]

JOHN = listed("jsmith", "john@x.org", dn="CN=John", full="John Smith")
JANE = listed("jsmith", "jane@x.org", dn="CN=Jane", full="Jane Smith")
BOSS = User(
    user_name="boss", privileges=["admin"], folder_privileges={"jsmith": ["read", "delete"]}
)


@pytest.fixture
def workspace(fill: Fill) -> Workspace:
    """A store from which John was deleted by a sync; his mail stayed, and the boss may read it."""
    john = person(
        "jsmith",
        "CN=John",
        full_name="John Smith",
        email_addresses=["john@x.org"],
        privileges=["login", "export"],
    )
    workspace = fill(john, person("bert", "CN=2"), BOSS)
    give_mail(workspace, "jsmith")
    applied(workspace, plan_with(workspace, answer(listed("bert", dn="CN=2"))))
    return workspace


def applied(workspace: Workspace, plan: Plan) -> str:
    deletes = sum(change.locks_out for change in plan.changes)
    run = apply_plan(workspace, plan, allow_deletes=deletes if plan.guard else None).run
    assert run
    return run


def state(workspace: Workspace) -> tuple[dict[str, Any], dict[str, str]]:
    """The users without what each write sets, and the archive's files with what they hold."""
    users = {
        key: {name: value for name, value in row.items() if name not in ("rev", "changed")}
        for key, row in workspace.snapshot().users.items()
    }
    root = archives_of(workspace).root
    files = {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return users, files


def listing(*records: Any) -> Any:
    return answer(listed("bert", dn="CN=2"), *records)


def aside(workspace: Workspace) -> list[str]:
    root = archives_of(workspace).root
    return [(path / "new" / "1").read_text() for path in root.glob("*=aside-*")]


def test_who_comes_back_gets_everything_again(workspace: Workspace) -> None:
    before = state(workspace)
    plan = plan_with(workspace, listing(JOHN))
    assert lines(plan) == ["return jsmith"]
    run = applied(workspace, plan)
    john, boss = workspace.snapshot().find("jsmith"), workspace.snapshot().find("boss")
    assert john
    assert boss
    assert john.privileges == ["login", "export"]
    assert john.folder_privileges == {"jsmith": ["read"]}
    assert boss.folder_privileges == {"jsmith": ["read", "delete"]}
    assert mail(workspace, "jsmith") == "mail of jsmith"
    assert workspace.store.run(run).summary.counts["return"] == 1
    assert lines(plan_with(workspace, listing(JOHN))) == []
    applied(workspace, undo_preview(workspace, run))
    assert state(workspace) == before


def test_a_namesake_is_a_question_and_nobody_is_created(workspace: Workspace) -> None:
    plan = plan_with(workspace, listing(JANE))
    (question,) = plan.changes
    assert question.asks == "return"
    assert "the archive folder holds mail" in question.reason
    assert apply_plan(workspace, plan).run is None
    assert workspace.snapshot().find("jsmith") is None


def test_somebody_new_finds_no_mail_and_an_undo_brings_all_back(workspace: Workspace) -> None:
    before = state(workspace)
    plan = plan_with(workspace, listing(JANE), new=["jsmith"])
    assert lines(plan) == ["create jsmith", "update boss"]
    run = applied(workspace, plan)
    jane, boss = workspace.snapshot().find("jsmith"), workspace.snapshot().find("boss")
    assert jane
    assert boss
    assert (jane.privileges, boss.folder_privileges) == (["login"], {})
    assert workspace.messages("jsmith") == 0
    assert aside(workspace) == ["mail of jsmith"]
    assert lines(plan_with(workspace, listing(JANE))) == []

    after = state(workspace)
    undo = applied(workspace, undo_preview(workspace, run))
    assert state(workspace) == before
    assert mail(workspace, "jsmith") == "mail of jsmith"
    (question,) = plan_with(workspace, listing(JANE)).changes
    assert (question.action, question.asks) == ("return", "return")
    (back,) = plan_with(workspace, listing(JOHN)).of("return")
    assert back.asks is None
    applied(workspace, undo_preview(workspace, undo))
    assert workspace.messages("jsmith") == 0
    assert aside(workspace) == ["mail of jsmith"]
    assert state(workspace)[0] == _pinned(after[0])
    assert left_behind(workspace) == []


@pytest.fixture
def renamed(workspace: Workspace) -> str:
    """John, who has an id now, was deleted and is back under another name: the run."""
    known, new = (JOHN._replace(user_name=name, id="7") for name in ("jsmith", "john"))
    applied(workspace, plan_with(workspace, listing(known)))
    applied(workspace, plan_with(workspace, listing()))
    plan = plan_with(workspace, listing(new), same=["john"])
    assert lines(plan) == ["return john"]
    return applied(workspace, plan)


def test_who_comes_back_under_another_name_and_its_undo(workspace: Workspace, renamed: str) -> None:
    users = workspace.snapshot().users
    assert users["boss"]["folder_privileges"] == {"john": ["read", "delete"]}
    assert (mail(workspace, "john"), workspace.messages("jsmith")) == ("mail of jsmith", 0)
    after = state(workspace)

    plan = undo_preview(workspace, renamed)
    assert "the archive folder moves back to “jsmith”" in plan.changes[0].reason
    undo = applied(workspace, plan)
    users = workspace.snapshot().users
    assert users["boss"]["folder_privileges"] == {"jsmith": ["read", "delete"]}
    assert (mail(workspace, "jsmith"), workspace.messages("john")) == ("mail of jsmith", 0)

    applied(workspace, undo_preview(workspace, undo))
    users, files = state(workspace)
    assert (users["john"].pop("pinned"), after[0]["john"].pop("pinned")) == (True, False)
    assert (users, files) == after


@pytest.mark.parametrize("is_user", [True, False])
def test_the_folder_stays_where_the_earlier_name_is_taken(
    workspace: Workspace, renamed: str, is_user: bool
) -> None:
    if is_user:
        add_user(workspace, User(user_name="jsmith"), "a long enough password")
    give_mail(workspace, "jsmith")
    plan = undo_preview(workspace, renamed)
    assert "moves back" not in plan.changes[0].reason
    applied(workspace, plan)
    assert mail(workspace, "john") == "mail of jsmith"
    assert state(workspace)[0]["boss"]["folder_privileges"] == {"john": ["read", "delete"]}


def _pinned(users: dict[str, Any]) -> dict[str, Any]:
    return {**users, "jsmith": {**users["jsmith"], "pinned": True}}


def test_mail_of_both_is_kept_apart_over_every_undo(workspace: Workspace) -> None:
    run = applied(workspace, plan_with(workspace, listing(JANE), new=["jsmith"]))
    folder = archives_of(workspace).path("jsmith")
    (folder / "new" / "1").write_text("mail of jane")
    undo = applied(workspace, undo_preview(workspace, run))
    assert (mail(workspace, "jsmith"), aside(workspace)) == ("mail of jsmith", ["mail of jane"])
    applied(workspace, undo_preview(workspace, undo))
    assert (mail(workspace, "jsmith"), aside(workspace)) == ("mail of jane", ["mail of jsmith"])


def test_a_successor_under_a_name_that_is_here(workspace: Workspace) -> None:
    applied(workspace, plan_with(workspace, listing(JOHN)))
    before = state(workspace)
    assert lines(plan_with(workspace, listing(JANE))) == ["return jsmith"]
    plan = plan_with(workspace, listing(JANE), new=["jsmith"])
    assert lines(plan) == ["create jsmith", "update boss", "delete jsmith"]
    run = applied(workspace, plan)
    jane = workspace.snapshot().find("jsmith")
    assert jane
    assert (jane.full_name, jane.privileges) == ("Jane Smith", ["login"])
    assert workspace.messages("jsmith") == 0
    assert aside(workspace) == ["mail of jsmith"]
    applied(workspace, undo_preview(workspace, run))
    users, files = state(workspace)
    assert (users, files) == (_pinned(before[0]), before[1])


def test_mail_in_a_folder_that_nobody_remembers(workspace: Workspace) -> None:
    give_mail(workspace, "zoe")
    zoe = listing(listed("Zoe"))
    (question,) = plan_with(workspace, zoe).changes
    assert "does not know whose" in question.reason
    applied(workspace, plan_with(workspace, zoe, same=["zoe"]))
    assert mail(workspace, "zoe") == "mail of zoe"


def test_a_name_deleted_by_hand_is_remembered_too(workspace: Workspace) -> None:
    zoe = add_user(workspace, User(user_name="zoe"), "a long enough password")
    delete_users(workspace, [zoe])
    (question,) = plan_with(workspace, listing(listed("zoe"))).changes
    assert question.asks == "return"
    assert "archive folder" not in question.reason


def test_a_lost_record_forgets_the_user_but_not_the_mail(workspace: Workspace) -> None:
    shutil.rmtree(workspace.host_path.with_name(f"{workspace.host_path.name}.history"))
    (question,) = plan_with(workspace, listing(JOHN)).changes
    assert "does not know whose" in question.reason


def test_mail_that_came_after_the_plan_is_nobodys(workspace: Workspace) -> None:
    plan = plan_with(workspace, listing(listed("zoe")))
    assert lines(plan) == ["create zoe"]
    give_mail(workspace, "zoe")
    with pytest.raises(StalePlan, match="the archive folder of “zoe” holds mail now"):
        apply_plan(workspace, plan)
    assert workspace.snapshot().find("zoe") is None


def test_a_host_without_the_archive_leaves_the_folder_to_one_that_has_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as host:
        host.setenv("MAILROSTER_ARCHIVE_ROOT", "none")
        run = applied(workspace, plan_with(workspace, listing(JANE), new=["jsmith"]))
    assert mail(workspace, "jsmith") == "mail of jsmith"
    (work,) = workspace.snapshot().folder_work
    assert (work.folder, work.to) == ("jsmith", f"jsmith=aside-{run}")
    jane = workspace.snapshot().find("jsmith")
    assert jane
    folder_for_log_on(workspace, jane)
    assert workspace.messages("jsmith") == 0
    assert aside(workspace) == ["mail of jsmith"]


@pytest.mark.parametrize("answers", [{"same": ["jsmith"]}, {"new": ["JSmith"]}])
def test_a_saved_plan_keeps_the_answers(
    workspace: Workspace, tmp_path: Path, answers: dict[str, list[str]]
) -> None:
    directory = listing(JANE)
    plan = plan_with(workspace, directory, **answers)
    save_plan(workspace, tmp_path / "plan.json", plan, directory)
    saved = load_plan(workspace, tmp_path / "plan.json")
    assert saved.plan.changes == plan.changes
    assert saved.plan.answers == plan.answers
    assert answer_differences(workspace, saved, directory) == []
    assert outcome_differences(workspace, saved.plan, directory) == {}
    assert outcome_differences(workspace, saved.plan, listing(JOHN)) != {}
    applied(workspace, saved.plan)
    assert workspace.messages("jsmith") == (1 if "same" in answers else 0)
