"""What holds for every kind of run: one record, one generation, and a way back.

The kinds stand in a table; a test makes sure that none is missing from it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.errors import InvalidValue
from store.files.archive_mark import MARK
from store.history import RunKind
from store.interface import Batch, Edit
from store.models import INTEGRATED, Settings, User
from store.tinydb.restore import save_copy
from sync.configure import configure, leave_alone
from sync.errors import AlreadyApplied, StalePlan
from sync.planning.plan import Answers
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.restore import restore_backup
from sync.runs.undo import take_back, undo_preview
from sync.workspace import Workspace, open_workspace
from tests.support.archived_mail import archives_of, give_mail, left_behind
from tests.support.builders import answer, listed, managed, stored

PASSWORD = "correct horse battery"
KIND_OF_THE_FIRST = "administrator"
CANNOT_BE_UNDONE = "unlock"


def synchronise(workspace: Workspace) -> None:
    """Somebody comes, changes, gets another name, goes with mail, and goes without."""
    names = [("anna", "Anna the Second"), ("carla", "Carla"), ("new", "New")]
    listing = answer(
        *(listed(name, f"{name}@x.org", full=full) for name, full in names),
        listed("dora.long", "dora@x.org", full="Dora"),
    )
    now = workspace.snapshot().users
    answers = Answers(rename={"dora.long": "dora"} if "dora" in now else {})
    plan = preview(workspace, listing, answers=answers)
    deletes = len(plan.of("delete"))
    apply_plan(workspace, plan, allow_deletes=deletes or None)


def undo_newest(workspace: Workspace) -> None:
    take_back(workspace, workspace.snapshot().history.runs[-1].id)


def restore_first(workspace: Workspace) -> None:
    restore_backup(workspace, workspace.host_path.with_name("first.json"))


def anna(workspace: Workspace) -> User:
    return stored(workspace, "anna")


def change_full_name(workspace: Workspace) -> None:
    user = anna(workspace)
    by_hand.edit_user(workspace, user, replace(user, full_name=f"{user.full_name}!"))


def change_settings(workspace: Workspace) -> None:
    skipped = workspace.snapshot().settings
    configure(workspace, {"max_users": skipped.max_users + 1}, password="of the service")


def switch(workspace: Workspace) -> None:
    users = [anna(workspace), stored(workspace, "carla")]
    method = by_hand.other_method(users[0])
    password = PASSWORD if method == INTEGRATED else None
    by_hand.switch_authentication(workspace, users, method, password)


def rename(workspace: Workspace) -> None:
    names = ("carla", "anna's sister")
    old, new = names if "carla" in workspace.snapshot().users else reversed(names)
    by_hand.rename_user(workspace, stored(workspace, old), new)


RUNS: dict[str, Callable[[Workspace], object]] = {
    "sync": synchronise,
    "undo": undo_newest,
    "add": lambda w: by_hand.add_user(w, User(user_name=f"new{w.snapshot().generation}"), PASSWORD),
    "edit": change_full_name,
    "rename": rename,
    "privileges": lambda w: by_hand.set_privileges(
        w, anna(w), ["login", "export"], {"carla": ["read"], "local": ["delete"]}
    ),
    "password": lambda w: by_hand.set_password(w, stored(w, "local"), f"{PASSWORD} again"),
    "authentication": switch,
    "delete": lambda w: by_hand.delete_users(w, [anna(w), stored(w, "local")]),
    "pin": lambda w: by_hand.pin(w, "anna"),
    "release": lambda w: by_hand.release(w, "pinned"),
    "settings": change_settings,
    "skip always": lambda w: leave_alone(w, ["anna"], "leave"),
    "restore": restore_first,
}


def test_no_kind_is_missing() -> None:
    assert {*RUNS, KIND_OF_THE_FIRST, CANNOT_BE_UNDONE} - {"skip always"} == set(get_args(RunKind))


@contextmanager
def office() -> Iterator[Workspace]:
    """A store with users of every sort; anna, bert and local have mail, dora's folder is empty."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "users.json")
        workspace = open_workspace(str(path), path.with_name("secret.key"))
        by_hand.add_administrator(workspace, "root", PASSWORD)
        configure(workspace, {"auto_delete": True, "guard_max_delete_percent": 100})
        names = ("anna", "bert", "carla", "dora", "pinned")
        listing = answer(*(listed(n, f"{n}@x.org", full=n.title()) for n in names))
        apply_plan(workspace, preview(workspace, listing))
        by_hand.add_user(workspace, User(user_name="local", email_addresses=["l@y.org"]), PASSWORD)
        by_hand.set_privileges(workspace, stored(workspace, "bert"), None, {"anna": ["read"]})
        by_hand.set_privileges(workspace, stored(workspace, "local"), None, {"dora": ["write"]})
        by_hand.pin(workspace, "pinned")
        give_mail(workspace, "anna", "bert", "local")
        save_copy(path, path.with_name("first.json"))
        by_hand.edit_user(workspace, anna(workspace), replace(anna(workspace), full_name="A."))
        yield workspace
        workspace.close()


def state(workspace: Workspace) -> dict[str, Any]:
    """Users without what every write changes, settings, and each folder with what is in it.

    Who came back by an undo is pinned; that is said on the screen and no difference here.
    """
    now = workspace.snapshot()
    ignored = ("rev", "changed", "created", "pinned")
    root = archives_of(workspace).root
    return {
        "users": {
            key: {name: value for name, value in row.items() if name not in ignored}
            for key, row in now.users.items()
        },
        "settings": now.settings,
        "folders": {
            str(path.relative_to(root)): path.read_text() if path.is_file() else None
            for path in root.rglob("*")
            if path.name != MARK
        },
    }


def applies(name: str, workspace: Workspace) -> bool:
    users = workspace.snapshot().users
    needs = {
        "edit": ["anna"],
        "privileges": ["anna", "carla"],
        "password": ["local"],
        "authentication": ["anna", "carla"],
        "delete": ["anna", "local"],
        "pin": ["anna"],
        "release": ["pinned"],
        "rename": [],
    }.get(name, [])
    if name == "rename" and not users.keys() & {"carla", "anna's sister"}:
        return False
    if name == "release" and not (users.get("pinned") or {}).get("pinned"):
        return False
    if (
        name == "authentication"
        and len({users[k]["authentication"] for k in needs if k in users}) > 1
    ):
        return False
    return all(key in users for key in needs)


@pytest.mark.parametrize("name", RUNS)
def test_one_record_one_generation_and_the_way_back(name: str) -> None:
    with office() as workspace:
        before, generation = state(workspace), workspace.snapshot().generation
        RUNS[name](replace(workspace, who="root"))
        (run,) = (r for r in workspace.store.runs() if r.generation > generation)
        assert run.kind == ("settings" if name == "skip always" else name)
        assert (run.who, run.generation) == ("root", generation + 1)
        assert workspace.snapshot().generation == generation + 1
        after = state(workspace)
        assert after != before or name in ("pin", "release")
        take_back(workspace, run.id, old_passwords=True)
        assert state(workspace) == before
        take_back(workspace, workspace.snapshot().history.runs[-1].id, old_passwords=True)
        assert state(workspace) == after
        assert not left_behind(workspace)


@given(names=st.lists(st.sampled_from(sorted(RUNS)), min_size=1, max_size=6))
@hypothesis_settings(max_examples=40, deadline=None)
def test_any_number_of_runs_can_be_taken_back_one_by_one(names: list[str]) -> None:
    with office() as workspace:
        states = []
        for name in names:
            if not applies(name, workspace):
                continue
            before, generation = state(workspace), workspace.snapshot().generation
            RUNS[name](workspace)
            if state(workspace) != before or workspace.snapshot().generation > generation:
                assert workspace.snapshot().generation == generation + 1
                states.append((before, workspace.snapshot().history.runs[-1].id))
        for before, run_id in reversed(states):
            take_back(workspace, run_id, old_passwords=True)
            assert state(workspace) == before
        assert not left_behind(workspace)


def test_a_plan_is_applied_once_whatever_was_restored_since() -> None:
    with office() as workspace:
        save_copy(workspace.host_path, workspace.host_path.with_name("before.json"))
        plan = preview(workspace, answer(listed("new")))
        apply_plan(workspace, plan, hold_deletes=True)
        restore_backup(workspace, workspace.host_path.with_name("before.json"))
        assert "new" not in workspace.snapshot().users
        with pytest.raises(AlreadyApplied):
            apply_plan(workspace, plan, hold_deletes=True)
        workspace.host_path.write_text("{")
        restore_backup(workspace, workspace.host_path.with_name("before.json"))
        with pytest.raises(AlreadyApplied):
            apply_plan(workspace, plan, hold_deletes=True)
        assert "new" not in workspace.snapshot().users


def test_a_plan_from_before_what_the_history_lists_is_stale(workspace: Workspace) -> None:
    """The history has room for 1 MiB, and each of these runs has more, on a day of its own."""
    days = [datetime.now(UTC) + timedelta(2 * number) for number in range(3)]
    configure(workspace, {"history_max_mib": 1})
    by_hand.add_administrator(workspace, "root", PASSWORD)
    plan = preview(workspace, answer(listed("new")))
    apply_plan(workspace, plan)
    by_hand.delete_users(workspace, [stored(workspace, "new")])
    many = [managed(f"user{number}", distinguished_name="CN=0") for number in range(3000)]
    workspace.store.apply(Batch([Edit.create(user) for user in many]))
    for number, day in enumerate(days[1:], 1):
        later, dn = replace(workspace, clock=lambda day=day: day), f"CN={number}{'x' * 400}"
        answers = answer(*(listed(user.user_name, dn=dn) for user in many))
        apply_plan(later, preview(later, answers), hold_deletes=True)
    assert workspace.snapshot().history.folded_generation > plan.generation
    with pytest.raises(StalePlan, match="older than what the history still lists"):
        apply_plan(workspace, plan)
    assert "new" not in workspace.snapshot().users


def test_what_cannot_be_taken_back_says_so(workspace: Workspace) -> None:
    by_hand.add_administrator(workspace, "root", PASSWORD)
    workspace.lockout.settle("root", "192.0.2.1", right=False)
    assert by_hand.unlock_users(workspace, [stored(workspace, "root")])
    run = workspace.snapshot().history.runs[-1]
    assert (run.kind, run.subject, run.final) == ("unlock", "root", True)
    with pytest.raises(InvalidValue, match="cannot be undone"):
        undo_preview(workspace, run.id)


def test_the_first_administrator_stays(workspace: Workspace) -> None:
    by_hand.add_administrator(workspace, "root", PASSWORD)
    (run,) = workspace.snapshot().history.runs
    assert (run.kind, workspace.snapshot().settings) == (KIND_OF_THE_FIRST, Settings())
    (change,) = undo_preview(workspace, run.id).changes
    assert (change.action, change.user_name) == ("conflict", "root")
    assert "no administrator with a local password would remain" in change.reason
