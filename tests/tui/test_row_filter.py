"""A filter on single columns: what is read from what was entered, and which rows it lets pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.models import AUTHENTICATION_LABELS, User
from store.privileges import PRIVILEGES
from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.driver import driving
from tui.widgets.columns import Column
from tui.widgets.rows import Rows

COLUMNS = [
    Column("User name", word="name"),
    Column("Authentication", word="auth", known=AUTHENTICATION_LABELS),
    Column("Privileges", word="priv", known=PRIVILEGES),
    Column("Changed", word="changed"),
    Column("Note"),
]
ROWS = {
    "anna": ("Anna.Meier", "Integrated", "Log on, Export E-mail", "2026-11-02", "a: b"),
    "bert": ("bert", "Directory Services", "Log on", "2026-11-01", "meier"),
    "carl": ("carl", "pinned, Integrated", "Manage export profiles", "2025-01-31", ""),
}
CASES = {
    "": "anna bert carl",
    "meier": "anna bert",
    "name:meier": "anna",
    "NAME:MEIER": "anna",
    "auth:integrated": "anna carl",
    "auth:directory_services": "bert",
    "auth:dir": "bert",
    "auth:pinned": "carl",
    "priv:export": "anna",  # an identifier is that privilege and no other
    "priv:modifyExportProfiles": "carl",
    "priv:manage": "carl",
    "priv:expor": "anna carl",
    "changed:2026": "anna bert",
    "changed:>2026-11-01": "anna",
    "changed:>=2026-11-01": "anna bert",
    "changed:<2026": "carl",
    "changed:<=2026": "anna bert carl",
    "changed:=2026-11-01": "bert",
    "changed:>": "anna bert carl",  # still being entered
    "auth:": "anna bert carl",
    "auth:integrated changed:>2026": "",
    "auth:integrated changed:>2025": "anna",
    "auth:integrated meier": "anna",
    "meier auth:integrated": "anna",
    "!auth:integrated": "bert",
    "!auth:integrated meier": "bert carl",
    "!meier": "carl",
    "!": "anna bert carl",
    "note:meier": "",  # no column has that word, so it is text
    "a: b": "anna",
    "nobody": "",
}


def shown(*entered: str) -> str:
    rows = Rows(lambda key: ROWS[key], str, columns=COLUMNS)
    rows.load(list(ROWS))
    for text in entered:
        rows.filter(text)
    return " ".join(rows.at(place) for place in range(len(rows.shown)))


@pytest.mark.parametrize("entered", CASES)
def test_which_rows_pass(entered: str) -> None:
    assert shown(entered) == CASES[entered]


@pytest.mark.parametrize("entered", CASES)
def test_typed_letter_by_letter_it_is_the_same(entered: str) -> None:
    assert shown(*(entered[:end] for end in range(len(entered) + 1))) == CASES[entered]


@pytest.mark.parametrize("before", CASES)
@pytest.mark.parametrize("entered", ["meier", "priv:export", "!meier", ""])
def test_what_was_entered_before_makes_no_difference(before: str, entered: str) -> None:
    assert shown(before, entered) == CASES[entered]


async def test_users_are_filtered_by_column(filled: Callable[..., Workspace]) -> None:
    anna = User(user_name="anna", privileges=["export"], password_hash="x")
    workspace = filled(anna, managed("bert", full_name="Export Team"))
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6", "slash")
        await admin.sees("text !text name: full: auth: priv: changed:")
        for entered, names in (
            ("export", "1 of 2 (all: 3)"),
            ("priv:export", "1 of 1 (all: 3)"),
            ("auth:directory", "1 of 1 (all: 3)"),
            ("changed:>2020 !", "0 of 0 (all: 3)"),
            ("changed:>2020", "1 of 3"),
        ):
            await admin.press("ctrl+u")
            await admin.type(entered)
            await admin.sees(names)


async def test_runs_are_filtered_by_column(filled: Callable[..., Workspace]) -> None:
    workspace = filled()
    async with driving(workspace, administrator="root") as admin:
        await admin.press("f6", "r")
        await admin.type("chief")
        await admin.press("enter")
        await admin.sees("Renamed root to chief.")
        await admin.press("f7", "slash")
        await admin.type("kind:rename")
        await admin.sees("1 of 1")
        await admin.press("ctrl+u")
        await admin.type("kind:sync")
        await admin.sees("0 of 0 (all: 1)")
