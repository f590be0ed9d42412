"""Bringing a file of an older schema to the current one.

A file is migrated in memory whenever it is read, so that looking at it changes nothing. The next
write, under the writer's lock like every write, stores the result; the file as it was stays among
the backups, under a name that keeps it from being dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from store.files.archives import folder_name, folder_name_of_schema_2
from store.files.folder_work import FolderWork
from store.tinydb.file_format import USERS, Tables

SCHEMA = 4

Step = Callable[[Tables], Tables]

# From which schema: how its tables become those of the next one. A step never changes its argument
# in place. Fields that are new and have a default need none. `tests/store/schemas` has a real
# file of every schema.
STEPS: Mapping[int, Step] = {
    1: lambda tables: _with_figures_of_the_history(tables),
    2: lambda tables: _with_moved_folders(tables),
    3: lambda tables: _with_time_for_leavers(tables),
}


def migrated(tables: Tables, schema: int) -> Tables:
    """Return `tables`, which are of `schema`, as those of the current one.

    Raises `LookupError` for a schema that never existed.
    """
    for number in range(schema, SCHEMA):
        tables = STEPS[number](tables)
    return tables


def _with_figures_of_the_history(tables: Tables) -> Tables:
    """Schema 2: the store's list of runs may be a part, so the guard's figures stand beside it."""
    meta = tables["meta"]["1"]
    history = meta.get("history")
    if not history:
        return {**tables, "meta": {"1": {**meta, "schema": 2}}}
    runs = [
        {**run, "guarded": run["kind"] in ("sync", "undo"), "settings": []}
        for run in history["runs"]
    ]
    listed = [run["listed"] for run in runs if run["kind"] == "sync" and not run["held"]]
    figures = {
        "runs": runs,
        "pages": [0, 0],
        "listed": listed[-1] if listed else history.get("folded_listed"),
        "deletions": [
            [run["at"], run["counts"]["delete"]] for run in runs if _is_added_up(run, runs[-1])
        ],
        "dropped": [],
    }
    history = {**history, **figures}
    return {**tables, "meta": {"1": {**meta, "schema": 2, "history": history}}}


def _with_moved_folders(tables: Tables) -> Tables:
    """Schema 3: a folder name that is cut cannot be spelled by another one, so some are others.

    The moves are folder work of a generation of their own, which no run and no mark has had yet.
    """
    meta = tables["meta"]["1"]
    names = [row["user_name"] for row in tables[USERS].values()]
    moves = [
        FolderWork("move", old, new, meta["generation"] + 1).to_stored()
        for name in names
        if (old := folder_name_of_schema_2(name)) != (new := folder_name(name))
    ]
    meta = {**meta, "schema": 3}
    if moves:
        meta["generation"] += 1
        meta["folder_work"] = [*meta.get("folder_work", ()), *moves]
    return {**tables, "meta": {"1": meta}}


def _with_time_for_leavers(tables: Tables) -> Tables:
    """Schema 4: users may be marked as leaving; a version before that would delete them at once."""
    return {**tables, "meta": {"1": {**tables["meta"]["1"], "schema": 4}}}


def _is_added_up(run: dict[str, Any], last: dict[str, Any]) -> bool:
    since = datetime.fromisoformat(last["at"]) - timedelta(days=1)
    counted = run["guarded"] and not run["confirmed"] and run["counts"].get("delete")
    return bool(counted) and datetime.fromisoformat(run["at"]) >= since
