"""Jobs that concern users and their folders, to be cut short at every step."""

from __future__ import annotations

from pathlib import Path

from store.models import User
from sync.configure import configure
from sync.planning.plan import Answers
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.restore import restore_backup
from sync.runs.undo import take_back
from sync.workspace import Workspace, open_workspace
from tests.support.builders import answer, listed, stored

PASSWORD = "correct horse battery"
NAMES = ("anna", "bert", "carla", "dora")


def opened(path: Path) -> Workspace:
    return open_workspace(str(path), path.with_name("secret.key"))


def first_administrator(path: Path) -> None:
    by_hand.add_administrator(opened(path), "root", PASSWORD)


def first_sync(path: Path) -> None:
    """An administrator, and four users of the directory, told apart by their names there."""
    first_administrator(path)
    workspace = opened(path)
    configure(workspace, {"auto_delete": True, "guard_max_delete_percent": 100})
    listing = answer(*(listed(name, f"{name}@x.org", dn=f"CN={name}") for name in NAMES))
    apply_plan(workspace, preview(workspace, listing))
    by_hand.set_privileges(workspace, stored(workspace, "carla"), None, {"anna": ["read"]})


def swap_and_go(path: Path) -> None:
    """Anna and bert swap their names, dora goes, and somebody comes."""
    workspace = opened(path)
    listing = answer(
        listed("bert", "anna@x.org", dn="CN=anna"),
        listed("anna", "bert@x.org", dn="CN=bert"),
        listed("carla", "carla@x.org", dn="CN=carla"),
        listed("new", "new@x.org", dn="CN=new"),
    )
    swap = Answers.of(rename=["anna", "bert"])
    apply_plan(workspace, preview(workspace, listing, answers=swap), allow_deletes=1)


def rename(path: Path) -> None:
    workspace = opened(path)
    by_hand.rename_user(workspace, stored(workspace, "anna"), "zoe")


def delete(path: Path) -> None:
    workspace = opened(path)
    by_hand.delete_users(workspace, [stored(workspace, name) for name in ("anna", "dora")])


def undo(path: Path) -> None:
    workspace = opened(path)
    take_back(workspace, workspace.snapshot().history.runs[-1].id)


def add(path: Path) -> None:
    by_hand.add_user(opened(path), User(user_name="new"), PASSWORD)


def restore(path: Path) -> None:
    restore_backup(opened(path), path.with_name("users-copy.json"))
