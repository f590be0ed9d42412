"""What is done while a call to the system fails: commands, and what tells whether they happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from store.files.attempts import attempts_path
from store.interface import Batch, Edit, Snapshot
from store.lockout import Attempts
from store.models import Settings, User
from store.tinydb.history_files import HistoryFiles
from store.tinydb.restore import read_whole
from sync.directory.listing import DirectoryUser, Listing
from sync.logon.mail_access import admit
from sync.runs import by_hand
from sync.runs.apply import apply_plan
from sync.runs.plan_file import save_plan
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace

PASSWORD = "correct horse battery staple"
_MAIL = "1700000000.mail:2,S"


@dataclass(frozen=True)
class Operation:
    """Words of `mailroster`, or a function that returns an exit code and what is said.

    `code` is the exit code where nothing fails, `others` are those where something does. `look`
    returns what the operation changes, in a form that is alike for equal states.
    """

    name: str
    run: tuple[str, ...] | Callable[[Path], tuple[int, str]]
    look: Callable[[Path], Any]
    stdin: str = ""
    code: int = 0
    others: tuple[int, ...] = (1, 22)


def prepare(folder: Path) -> None:
    """Make a store with history, backups, mail, a saved plan, failed log-ons and an access file."""
    workspace = opened(folder)
    service = Settings(directory_service="application_integration", url="http://127.0.0.1:1/")
    workspace.store.apply(Batch(settings=service))
    by_hand.add_administrator(workspace, "root", PASSWORD)
    for name in ("anna", "bert"):
        by_hand.add_user(workspace, User(user_name=name, privileges=["login"]), PASSWORD)
    apply_plan(workspace, preview(workspace, _listing("clara", "dora")))
    state = workspace.snapshot()
    (workspace.archives(state.settings).path("anna") / "cur" / _MAIL).write_text("mail")
    save_plan(workspace, folder / "plan", preview(workspace, _listing("clara", "emil", "dora")))
    admit(workspace, folder / "homes", "anna", PASSWORD, "192.0.2.1")
    workspace.lockout.settle("anna", "192.0.2.9", right=False, password="x")
    workspace.store.apply(Batch([_with(state, "anna", privileges=["login", "delete"])]))
    workspace.close()


def opened(folder: Path) -> Workspace:
    """Open the store that is in `folder`."""
    return open_workspace(str(folder / "users.json"), folder / "config/mailroster/secret.key")


def last_run(folder: Path) -> str:
    """Return the id of the newest run."""
    return read_whole(folder / "users.json").history.runs[-1].id


def users(folder: Path) -> Any:
    """Return users, settings and the number of runs; every record of them is read."""
    state = read_whole(folder / "users.json")
    for run in state.history.runs:
        HistoryFiles(folder / "users.json").read(run.id)
    people = sorted(
        (
            row["user_name"], row["full_name"], row["email_addresses"], row["privileges"],
            row["folder_privileges"], row["password_hash"] is None,
        )
        for row in state.users.values()
    )  # fmt: skip
    changed = Settings().changes_to(state.settings)
    return people, sorted(changed), state.history.count


def mail_is_with_its_user(folder: Path) -> bool:
    """Tell whether the one message is in the folder of its user, once the next write is done."""
    found = [path.parent.parent.name for path in folder.glob(f"archive/*/cur/{_MAIL}")]
    return found == list(read_whole(folder / "users.json").users.keys() & {"anna", "anne"})


def _failures(folder: Path) -> Any:
    stored = orjson.loads(attempts_path(folder / "users.json").read_bytes())
    attempts = Attempts.from_stored(stored, 0.0)
    return users(folder), {name: count.failed for name, count in attempts.pairs.items()}


def _copy(folder: Path) -> Any:
    copy = folder / "copy.json"
    return users(folder), copy.exists() and read_whole(copy).generation


def _access(folder: Path) -> Any:
    files = folder.glob("homes/*/acl")
    return users(folder), {path.parent.name: path.read_text() for path in files}


def _log_on_at_a_mail_server(folder: Path) -> tuple[int, str]:
    workspace = opened(folder)
    verdict, _ = admit(workspace, folder / "homes", "anna", PASSWORD, "192.0.2.1")
    workspace.close()
    code = {"accepted": 0, "refused": 1, "unavailable": 111}[verdict.public]
    return code, str(verdict.error or "")


def _listing(*names: str) -> Listing:
    return Listing([DirectoryUser(name, f"CN={name}", name.title(), []) for name in names], [], [])


def _with(state: Snapshot, name: str, **values: Any) -> Edit:
    user = state.find(name)
    assert user
    return Edit.update(user, replace(user, **values))


OPERATIONS = (
    Operation("sync", ("sync", "--plan", "{folder}/plan", "--yes"), users, others=(1, 12, 22)),
    Operation("users edit", ("users", "edit", "anna", "--full-name", "Anna"), users),
    Operation("users rename", ("users", "rename", "anna", "anne"), users),
    Operation("settings set", ("settings", "set", "auto_delete=on"), users),
    Operation("history undo", ("history", "undo", "{run}", "--yes", "--allow-deletes", "2"), users),
    Operation("store check", ("store", "check"), users),
    Operation("store restore", ("store", "restore", "--yes"), users),
    Operation("store backup", ("store", "backup", "{folder}/copy.json"), _copy),
    Operation(
        "failed log-on", ("login", "anna", "--source", "192.0.2.1"), _failures,
        stdin="wrong", code=1, others=(111,),
    ),
    Operation("access file", _log_on_at_a_mail_server, _access, others=(111,)),
)  # fmt: skip
