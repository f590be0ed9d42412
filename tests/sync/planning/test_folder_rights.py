"""Rights on archive folders follow the names of their owners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from store.interface import Batch, Edit
from sync.planning.folder_rights import moved_rights
from sync.runs.apply import apply_plan
from sync.workspace import Workspace
from tests.support.builders import answer, listed, person, plan_with

Fill = Callable[..., Workspace]


def test_moved_rights() -> None:
    rights = {"a": ["read"], "b": ["write"], "x": ["delete"]}
    assert moved_rights(rights, {"a": "b", "b": "a"}) == {
        "b": ["read"],
        "a": ["write"],
        "x": ["delete"],
    }
    assert moved_rights(rights, {"a": "x"}) == {"x": ["read"], "b": ["write"]}
    assert moved_rights(rights, {"n": "x"}) == {"a": ["read"], "b": ["write"]}


def test_rights_of_a_skipped_users_archive_stay(fill: Fill) -> None:
    workspace = fill(person("a", "CN=1"), person("b", "CN=2"))
    b = workspace.snapshot().find("b")
    assert b
    workspace.store.apply(Batch([Edit.update(b, replace(b, folder_privileges={"a": ["read"]}))]))
    directory = answer(listed("c", dn="CN=1"), listed("b", dn="CN=2", full="B"))
    apply_plan(workspace, plan_with(workspace, directory, "c"), skip=["c"])
    assert workspace.snapshot().users["b"]["folder_privileges"] == {"a": ["read"]}
