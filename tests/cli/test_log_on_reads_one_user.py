"""A log-on reads the line of its user alone: what a process costs does not grow with the users."""

from __future__ import annotations

import pytest

from store.interface import Batch, Edit
from store.models import User
from sync.runs.by_hand import add_user
from sync.workspace import Workspace
from tests.cli.test_checkpassword import Check, check
from tests.support.builders import managed
from tests.support.command_line import CommandLine
from tests.support.spoiled import spoil

PASSWORD = "correct horse battery"
__all__ = ["check"]


@pytest.fixture
def spoiled(workspace: Workspace, mailroster: CommandLine) -> CommandLine:
    """A store whose index was made, and of which another user's line is no JSON by now."""
    add_user(workspace, User(user_name="anna"), PASSWORD)
    others = [Edit.create(managed(f"user{number}")) for number in range(1000)]
    workspace.store.apply(Batch(others))
    assert mailroster.log_on("anna", PASSWORD) == 0  # hashes the password anew
    assert mailroster.log_on("anna", PASSWORD) == 0  # writes the index
    spoil(mailroster.store, "user550")
    return mailroster


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [("anna", PASSWORD, 0), ("ANNA", PASSWORD, 0), ("anna", "wrong", 1), ("nobody", PASSWORD, 1)],
)
def test_login(spoiled: CommandLine, name: str, password: str, code: int) -> None:
    done = spoiled("login", name, stdin=password)
    assert done.code == code, done.err
    assert spoiled("users", "list").code == 22  # the control: this one reads them all


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [("ANNA", PASSWORD, 0), ("anna", "wrong", 1), ("nobody", PASSWORD, 1)],
)
def test_checkpassword(
    spoiled: CommandLine, check: Check, name: str, password: str, code: int
) -> None:
    assert check(f"{name}\0{password}\0\0".encode()).code == code
    code_of_look_up = 3 if name == "nobody" else 0
    assert check(f"{name}\0\0\0".encode(), AUTHORIZED="1").code == code_of_look_up
