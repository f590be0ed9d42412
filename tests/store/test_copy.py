"""All of a store, written where none is yet."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from store.errors import StoreFull, StoreUnwritable
from store.files.attempts import Lockout
from store.interface import Batch, Edit
from store.progress import untold
from store.tinydb.copy import read_all, write_all
from store.tinydb.store import TinyDBStore
from store.upkeep import Whole
from tests.store.contract import ANNA, run_record
from tests.support.replaced import failing


@pytest.fixture
def whole(tmp_path: Path) -> Whole:
    """A store with a user, a run, a source that is known and a failed log-on."""
    path = tmp_path / "users.json"
    store = TinyDBStore(path)
    store.apply(Batch([Edit.create(ANNA)], run=run_record("r1")))
    store.close()
    Lockout(path).settle("anna", "192.0.2.1", right=True)
    Lockout(path).settle("anna", "192.0.2.2", right=False, password="wrong")
    return read_all(path)


def test_a_copy_that_fails_leaves_nothing_so_that_it_can_be_tried_again(
    whole: Whole, tmp_path: Path
) -> None:
    new = tmp_path / "new" / "users.json"
    with failing(os, "replace", errno.ENOSPC), pytest.raises(StoreFull):
        write_all(new, whole, untold)
    assert list(new.parent.glob("users.json*")) == []
    write_all(new, whole, untold)
    assert read_all(new).state == whole.state


@pytest.mark.parametrize("name", ["users.json", "users.json.sources", "users.json.attempts"])
def test_what_is_there_stays(whole: Whole, tmp_path: Path, name: str) -> None:
    new = tmp_path / "new" / "users.json"
    new.parent.mkdir()
    new.with_name(name).write_text("somebody's")
    with pytest.raises(StoreUnwritable, match=f"a part of one: .*{name}"):
        write_all(new, whole, untold)
    assert [file.name for file in new.parent.iterdir()] == [name]
