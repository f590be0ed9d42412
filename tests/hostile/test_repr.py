"""What a log or a debugger shows of our values holds no secret."""

from __future__ import annotations

from dataclasses import replace

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.directory.client import DirectoryClient
from sync.logon.login import Verdict
from sync.planning.planner import make_plan
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, answer, managed

HASH = "$2b$04$SECRETHASHSECRETHASHSE"
PASSWORD = "the-password-of-the-service"


def test_no_value_shows_a_secret(workspace: Workspace) -> None:
    token = workspace.secrets.encrypt(PASSWORD)
    user = User(user_name="anna", privileges=["login"], password_hash=HASH)
    gone = replace(managed("bert"), password_hash=HASH)
    settings: Settings = replace(AUTO_DELETE, password=token)
    batch = Batch([Edit.create(user), Edit.create(gone)], settings=settings)
    workspace.store.apply(batch)
    snapshot = workspace.snapshot()
    plan = make_plan(snapshot, answer(), lambda _: False)
    values = [settings, user, batch, batch.edits[0], snapshot, plan, workspace, workspace.secrets]
    values += [
        Verdict("accepted", user),
        DirectoryClient(settings, PASSWORD),
        snapshot.find("anna"),
    ]
    shown = "\n".join(f"{value!r} {value!s}" for value in values)
    for secret in (HASH, token, PASSWORD):
        assert secret not in shown
    assert "anna" in shown
