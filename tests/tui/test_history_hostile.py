"""What is hostile in runs of the history never reaches the terminal raw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from store.interface import Batch, Edit
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.runs.undo import undo_preview
from sync.workspace import Workspace
from tests.support.builders import answer, listed, managed
from tests.tui.terminal import PATIENCE, terminal_on
from tests.tui.test_terminal_hostile import EVIL, LONG, hostile_users, walk


def test_history(filled: Callable[..., Workspace], tmp_path: Path) -> None:
    workspace = filled()
    workspace.store.apply(Batch([Edit.create(replace(u, pinned=True)) for u in hostile_users()]))
    workspace.store.apply(Batch([Edit.create(managed(f"{EVIL}gone", full_name=LONG))]))
    directory = answer(listed(f"{EVIL}new", dn=LONG), listed(EVIL, full=f"{LONG}other"))
    run = apply_plan(
        replace(workspace, who=EVIL), preview(workspace, directory), allow_deletes=1
    ).run
    assert run
    undo = replace(undo_preview(workspace, run), id="undone")
    apply_plan(replace(workspace, who=LONG), undo, allow_deletes=1)
    with terminal_on(
        workspace.host_path, tmp_path / "secret.key", administrator="root"
    ) as terminal:
        walk(terminal, "!f7", "/", "RED", "enter", "escape", "!enter", "down", "end", "/", "RED")
        walk(terminal, "enter", "escape", "!u", "end", "u", "y", "enter", "escape", "escape")
        walk(
            terminal,
            "e",
            "escape",
            "!escape",
            "!p",
            "m",
            "!r",
            "escape",
            "!enter",
            "escape",
            "escape",
        )
        terminal.press("ctrl+q")
        assert terminal.process.wait(PATIENCE) == 0
