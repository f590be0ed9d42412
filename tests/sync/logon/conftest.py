"""What every test of a log-on starts with."""

from __future__ import annotations

import pytest

from sync.logon.pace import Pace


@pytest.fixture(autouse=True)
def without_the_refusals_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is refused waits as long as they took; their passwords may cost more or less."""
    monkeypatch.setattr("sync.logon.login._PACE", Pace())
