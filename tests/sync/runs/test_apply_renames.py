"""Applying renames: mail goes where its user goes, whatever fails on the way."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from store.errors import StoreUnwritable
from store.interface import Batch
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace
from tests.support.archived_mail import give_mail, left_behind, mail
from tests.support.builders import answer, listed, person, plan_with
from tests.support.kills import kill_in_the_middle
from tests.support.wrapped_store import with_store

Fill = Callable[..., Workspace]


class TestWhenItFails:
    @pytest.fixture
    def workspace(self, fill: Fill) -> Workspace:
        filled = fill(person("a", "CN=1"), person("b", "CN=2"))
        give_mail(filled, "a", "b")
        return filled

    directory = answer(listed("b", dn="CN=1"), listed("a", dn="CN=2"))

    def test_a_refused_write_moves_every_folder_back(self, workspace: Workspace) -> None:
        def refuse(_batch: Batch) -> None:
            raise StoreUnwritable("The disk said no.", "")

        plan = plan_with(workspace, self.directory, "a", "b")
        with pytest.raises(StoreUnwritable, match="The disk said no"):
            apply_plan(with_store(workspace, apply=refuse), plan)
        assert (mail(workspace, "a"), mail(workspace, "b")) == ("mail of a", "mail of b")
        assert left_behind(workspace) == []


SWAP_FOREVER = """
import sys
from pathlib import Path
from sync.runs.apply import apply_plan
from sync.planning.plan import Answers
from sync.runs.preview import preview
from sync.workspace import open_workspace
from tests.support.builders import answer, listed
workspace = open_workspace(sys.argv[1], Path(sys.argv[1]).with_name("secret.key"))
while True:
    now = {key: row["distinguished_name"] for key, row in workspace.snapshot().users.items()}
    directory = answer(listed("a", dn=now["b"]), listed("b", dn=now["a"]))
    apply_plan(workspace, preview(workspace, directory, answers=Answers.of(rename=["a", "b"])))
    print("swapped", flush=True)
"""


def test_killed_at_any_moment_everybody_keeps_the_own_mail(fill: Fill) -> None:
    workspace = fill(person("a", "CN=mail of a"), person("b", "CN=mail of b"))
    give_mail(workspace, "a", "b")
    chance = random.Random(7)
    for _ in range(6):
        done = kill_in_the_middle(
            SWAP_FOREVER, str(workspace.host_path), after=chance.random() * 0.05
        )
        assert done
        apply_plan(workspace, preview(workspace, answer(listed("x"))), hold_deletes=True)
        state = workspace.snapshot()
        for name in ("a", "b"):
            assert state.users[name]["distinguished_name"] == f"CN={mail(workspace, name)}"
        assert left_behind(workspace) == []
        assert all(workspace.store.run(run.id) for run in state.history.runs)
