"""What the tests of sync share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.interface import Batch, Edit
from store.models import Settings, User
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE


@pytest.fixture
def fill(workspace: Workspace) -> Callable[..., Workspace]:
    """Write users and settings into the workspace's store."""

    def write(*users: User, settings: Settings = AUTO_DELETE) -> Workspace:
        workspace.store.apply(Batch([Edit.create(user) for user in users], settings=settings))
        return workspace

    return write
