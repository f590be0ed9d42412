"""What the directory sends that is refused fills no history: the way back stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from store.interface import Batch
from store.tinydb.history_files import history_folder
from sync.directory.connect import fetch
from sync.directory.listing import Listing
from sync.runs.apply import apply_plan
from sync.runs.preview import preview
from sync.workspace import Workspace
from tests.support.builders import AUTO_DELETE, person
from tests.support.hostile_server import answer, hostile_server

Fill = Callable[..., Workspace]
KEPT = 200

REFUSED = [{"userName": f"{'/' * 40}{number}", "fullName": "x"} for number in range(99_990)]
FLOODS: dict[str, list[Any]] = {
    "same name": [{"userName": "anna", "emailAddresses": ["no address"] * 20}] * 2_000,
    "same id": [{"userName": f"u{number}", "id": "1"} for number in range(2_000)],
    "nameless": [{"userName": None}] * 2_000,
    "unreadable": [
        {"userName": f"u/{n}", "emailAddresses": ["x" * 250] * 20} for n in range(2_000)
    ],
    "left out": [
        {"userName": name, "emailAddresses": [f"{n}@{'x' * 60}.org" for n in range(1_000)]}
        for name in ("u", "v")
    ],
}


async def synced(workspace: Workspace, records: list[Any], rounds: int) -> int:
    """Sync that often, one user more each time; return how many bytes each record has at most."""
    asked: list[Any] = []
    with hostile_server(lambda peer: answer(json.dumps(asked))(peer)) as server:
        settings = server.settings()
        workspace.store.apply(Batch([], settings=settings))
        for number in range(rounds):
            asked[:] = [*({"userName": f"new-{other}"} for other in range(number + 1)), *records]
            plan = preview(workspace, await fetch(workspace, settings))
            assert apply_plan(workspace, plan).run
    files = history_folder(workspace.host_path).iterdir()
    return max(file.stat().st_size for file in files)


async def test_100_000_refused_records_several_times(fill: Fill) -> None:
    workspace = fill()
    assert await synced(workspace, REFUSED, 3) < 200_000
    run = workspace.store.runs()[-1]
    assert (run.counts["conflict"], run.counts["create"]) == (99_990, 1)
    record = workspace.store.run(run.id)
    assert sum(change["action"] == "conflict" for change in record.changes) == KEPT
    assert record.warnings[-1] == (
        f"More conflicts and questions, counted here and not recorded: {99_990 - KEPT}."
    )


@pytest.mark.parametrize("kind", FLOODS)
async def test_other_floods(fill: Fill, kind: str) -> None:
    assert await synced(fill(), FLOODS[kind], 2) < 400_000


def test_questions_are_kept_before_conflicts(fill: Fill) -> None:
    people = [person(f"old{number}", f"CN={number}") for number in range(5)]
    workspace = fill(*people, settings=AUTO_DELETE)
    renamed = [{"userName": f"new{n}", "distinguishedName": f"CN={n}"} for n in range(5)]
    listing = Listing.unread([*renamed, *REFUSED[: KEPT + 50], {"userName": "somebody"}])
    apply_plan(workspace, preview(workspace, listing))
    run = workspace.store.runs()[-1]
    assert (run.counts["question"], run.counts["conflict"]) == (5, KEPT + 50)
    told = [change["action"] for change in workspace.store.run(run.id).changes]
    assert (told.count("rename"), told.count("conflict")) == (5, KEPT - 5)


def test_the_control_few_are_kept_as_they_are(fill: Fill) -> None:
    workspace = fill()
    listing = Listing.unread([{"userName": "anna"}, {"userName": "b/b"}, {"userName": 5}])
    apply_plan(workspace, preview(workspace, listing))
    record = workspace.store.run(workspace.store.runs()[-1].id)
    assert [change["action"] for change in record.changes] == ["create", "conflict", "conflict"]
    assert record.warnings == ()
