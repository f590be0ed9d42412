"""The user database in PostgreSQL. What any store must do is in `tests/store/contract.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.interface import Store
from store.postgres.store import PostgresStore
from tests.store.contract import StoreContract


@pytest.fixture
def store(database: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(database)
    yield opened
    opened.close()


class TestContract(StoreContract):
    @pytest.fixture
    def other(self, database: str) -> Iterator[Store]:
        opened = PostgresStore(database)
        yield opened
        opened.close()
