"""Rules of the planner as tables: who is here and listed, what was answered, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest

from store.models import Settings, User
from sync.directory.listing import DirectoryUser, InvalidRecord
from sync.planning.filters import parse_rules
from sync.planning.plan import Answers, Plan
from tests.support.builders import AUTO_DELETE, answer, plan_for


class Case(NamedTuple):
    """`plan` are the lines as `told` has them; each of `warnings` begins one of them, in order."""

    users: list[User]
    records: list[DirectoryUser | InvalidRecord]
    plan: list[str]
    answers: Answers = Answers()
    rules: str = ""
    warnings: tuple[str, ...] = ()
    settings: Settings = AUTO_DELETE

    def check(self) -> None:
        """Make the plan and compare it."""
        settings = replace(self.settings, filters=tuple(parse_rules(self.rules)))
        found = plan_for(self.users, answer(*self.records), settings, answers=self.answers)
        assert told(found) == self.plan
        assert len(found.warnings) == len(self.warnings), found.warnings
        for warning, begins in zip(found.warnings, self.warnings, strict=True):
            assert warning.startswith(begins)


def told(plan: Plan) -> list[str]:
    """The plan as `action name` lines, with `?` for questions, and what is left out and why."""
    return [
        f"{change.action} {change.user_name}{'?' if change.asks else ''}"
        + "".join(f" without {left.address} of {left.holder}" for left in change.left_out)
        for change in plan.changes
    ]


def each_of(cases: Mapping[str, Case]) -> pytest.MarkDecorator:
    """Run the test with each case, under the name that it has in the table."""
    return pytest.mark.parametrize("case", cases.values(), ids=cases)
