"""Long work tells how far it is, on a terminal alone."""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

import pytest

from store.interface import Batch
from store.models import Settings
from sync.planning.preview import preview
from sync.runs.apply import apply_plan
from sync.workspace import open_workspace
from tests.support.builders import answer, listed
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


def test_a_file_or_a_pipe_gets_nothing() -> None:
    stream = Stream(is_terminal=False)
    ticks = count()
    progress = Progress(stream, lambda: next(ticks) * 9.0)
    for done in range(1, 6):
        progress("Files", done, 5)
    assert stream.getvalue() == ""


def test_a_first_sync_and_a_check_tell_their_steps(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    workspace = open_workspace(
        str(tmp_path / "users.json"),
        tmp_path / "secret.key",
        on_progress=lambda *step: told.append(step),
    )
    workspace.store.apply(Batch(settings=Settings()))
    apply_plan(workspace, preview(workspace, answer(*map(listed, ["anna", "bert", "carl"]))))
    assert told == [("Archive folders made", number, 3) for number in (1, 2, 3)]
    told.clear()
    workspace.upkeep.check(tmp_path / "secret.key")
    assert told == [("Backups read", 1, 1)]
