"""Tests that any store must pass: a module marked `both_stores` runs on each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from store.postgres.upkeep import PostgresUpkeep
from sync.workspace import Workspace
from tests.support.postgres import Cluster, run_sql

STORES = ("tinydb", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked on each store."""
    marked = metafunc.definition.get_closest_marker
    if (
        marked("both_stores")
        and not marked("file_store")
        and ("store_kind" in metafunc.fixturenames)
    ):
        metafunc.parametrize("store_kind", STORES, indirect=True)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which store the test runs on; a file's, unless it is marked `both_stores`."""
    return getattr(request, "param", "tinydb")


@pytest.fixture
def new_store(
    store_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], str]:
    """Return what names a new store of that kind, after `--store`."""

    def make(name: str) -> str:
        if store_kind == "tinydb":
            return str(tmp_path / name)
        cluster: Cluster = request.getfixturevalue("postgres")
        url = cluster.new_database()
        request.addfinalizer(lambda: cluster.drop(url))
        return url

    return make


def content(workspace: Workspace) -> object:
    """Return all that a write of users or settings would change."""
    if isinstance(workspace.upkeep, PostgresUpkeep):
        return run_sql(workspace.store_argument, "SELECT generation, stamp FROM store")
    return workspace.host_path.read_bytes()
