"""What the tests of the screens share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from store.interface import Batch, Edit
from store.models import Settings, User
from store.passwords import hash_password
from store.privileges import ADMIN
from sync.workspace import Workspace
from tests.support.directory import Directory
from tests.tui.driver import PASSWORD


@pytest.fixture(autouse=True)
def true_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The screens look as on a terminal with all colours, whatever the tests run on."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def filled(workspace: Workspace, directory: Directory) -> Callable[..., Workspace]:
    """Write a local administrator `root`, users and settings for the running directory."""

    def write(*users: User, **settings: Any) -> Workspace:
        root = User(
            user_name="root", privileges=[ADMIN], password_hash=hash_password(PASSWORD, "root")
        )
        values = {
            "directory_service": "application_integration",
            "url": directory.url,
            "auto_delete": True,
            "guard_max_delete_percent": 100,
            **settings,
        }
        edits = [Edit.create(user) for user in (root, *users)]
        workspace.store.apply(Batch(edits, settings=Settings(**values)))
        return workspace

    return write
