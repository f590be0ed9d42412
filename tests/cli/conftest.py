"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.directory import Directory


@pytest.fixture
def mailroster(tmp_path: Path) -> CommandLine:
    """`mailroster` on the test's own store."""
    return CommandLine(tmp_path)


@pytest.fixture
def connected(mailroster: CommandLine, directory: Directory) -> CommandLine:
    """The same, with the directory set up."""
    mailroster.set_up(directory.url)
    return mailroster
