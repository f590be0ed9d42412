"""Long work tells how far it is, on a terminal alone."""

from __future__ import annotations

import asyncio
import io
from itertools import count
from pathlib import Path

import pytest

from store.copying import copy_store
from store.interface import Batch
from store.models import Settings
from sync.directory.connect import fetch
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace, open_workspace
from tests.support.builders import answer, listed
from tests.support.directory import Directory
from tui.cli.progress import Progress


class Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.isatty = lambda: is_terminal  # type: ignore[method-assign]

    @property
    def lines(self) -> list[str]:
        assert not self.getvalue().count("\n")
        return [line.rstrip() for line in self.getvalue().split("\r")[:-1]]


@pytest.mark.parametrize(
    ("seconds", "steps", "lines"),
    [
        (0.1, 9, []),
        (0.5, 5, ["Files: 3 of 5", "Files: 4 of 5", ""]),
        (0.1, 15, ["Files: 11 of 15", "Files: 13 of 15", ""]),
        (9.0, 1, []),
    ],
)
def test_after_a_second_it_is_shown_and_at_the_end_it_goes(
    seconds: float, steps: int, lines: list[str]
) -> None:
    stream = Stream(is_terminal=True)
    ticks = count()
    progress = Progress(stream, lambda: next(ticks) * seconds)
    for done in range(1, steps + 1):
        progress("Files", done, steps)
    assert stream.lines == lines


def test_where_nobody_knows_the_end_the_number_alone_is_shown() -> None:
    stream = Stream(is_terminal=True)
    ticks = count()
    progress = Progress(stream, lambda: next(ticks) * 0.6)
    for done in (10, 20, 30):
        progress("Users received", done, None)
    progress("Users received", 30, 30)
    assert stream.lines == ["Users received: 30", ""]


def test_a_file_or_a_pipe_gets_nothing() -> None:
    stream = Stream(is_terminal=False)
    ticks = count()
    progress = Progress(stream, lambda: next(ticks) * 9.0)
    for done in range(1, 6):
        progress("Files", done, 5)
    assert stream.getvalue() == ""


def test_asking_a_first_sync_and_a_check_tell_their_steps(
    tmp_path: Path, directory: Directory
) -> None:
    directory.put("anna", "bert", "carl")
    workspace, told = telling(tmp_path / "users.json")
    settings = Settings(directory_service="application_integration", url=directory.url)
    workspace.store.apply(Batch(settings=settings))
    listing = asyncio.run(fetch(workspace, settings))
    assert told == [("Users received", 3, None), ("Users received", 3, 3)]
    told.clear()
    apply_plan(workspace, preview(workspace, listing))
    assert told == [("Archive folders made", number, 3) for number in (1, 2, 3)]
    told.clear()
    workspace.upkeep.check(tmp_path / "secret.key")
    assert told == [("Backups read", 1, 1)]


def test_a_copy_tells_its_steps_and_so_does_the_way_back(tmp_path: Path, database: str) -> None:
    workspace, _ = telling(tmp_path / "users.json")
    workspace.store.apply(Batch(settings=Settings()))
    apply_plan(workspace, preview(workspace, answer(*map(listed, ["anna", "bert"]))))
    users = [("Users written", number, 2) for number in (1, 2)]
    runs = [("Runs written", 1, 1)]
    other, told = telling(database)
    copy_store(workspace.upkeep, other.upkeep)
    assert told == [*users, *runs]
    back, told = telling(tmp_path / "back.json")
    copy_store(other.upkeep, back.upkeep)
    other.close()
    assert told == runs


def telling(store: Path | str) -> tuple[Workspace, list[tuple[str, int, int | None]]]:
    """Return a workspace and what it tells of its progress."""
    told: list[tuple[str, int, int | None]] = []
    return open_workspace(str(store), on_progress=lambda *step: told.append(step)), told
