"""What the palette finds, and in which order."""

from __future__ import annotations

import time

import pytest

from store.interface import Snapshot
from store.models import Settings
from sync.directory.types import setting_keys
from tests.support.builders import managed
from tui.finding import MOST_USERS, Found, UserNames, ranked
from tui.modes import MODES, SCOPES_OF
from tui.screens.connection import ConnectionScreen
from tui.screens.history import HistoryScreen
from tui.screens.options import OptionsScreen
from tui.screens.privileges import PrivilegesScreen
from tui.screens.synchronize import SynchronizeScreen
from tui.screens.users import UsersScreen
from tui.setting_places import setting_places


async def nothing() -> None:
    """Do nothing."""


ENTRIES = [
    Found(label, "", told, nothing, also=also)
    for label, told, also in (
        ("Rename", "Change the user name; the archive moves along.", ""),
        ("New rights", "Give rights on another archive folder.", ""),
        ("Right", "One step.", ""),
        ("Test Settings", "Ask the directory and show what would change.", ""),
        ("Certificate", "Look at the server's certificate, and pin it.", ""),
        ("Archive root", "Go to the setting.", "archive_root"),
        ("Prename", "One that has it within.", ""),
        ("Müller", "müller@example.com", "Anna Müller anna.mueller@example.com"),
    )
]
ORDERS = {
    "rename": ["Rename", "Prename"],
    "REN": ["Rename", "Prename"],
    "right": ["Right", "New rights"],
    "rights": ["New rights"],
    "nr": ["New rights"],
    "ts": ["Test Settings"],
    "test set": ["Test Settings"],
    "settings": ["Test Settings"],
    "archive_root": ["Archive root"],
    "archive": ["Archive root", "Rename", "New rights"],
    "pin": ["Certificate"],
    "mü": ["Müller"],
    "MU\u0308LLER": ["Müller"],
    "mueller": ["Müller"],
    "anna.mueller@example.com": ["Müller"],
    "rn": [],  # no letters with others between them
    "xyzzy": [],
}


@pytest.mark.parametrize("query", ORDERS)
def test_the_best_match_comes_first_and_nothing_is_padded(query: str) -> None:
    assert [found.label for found in ranked(ENTRIES, query)] == ORDERS[query]


def users(*rows: tuple[str, str, str]) -> UserNames:
    made = [managed(name, full_name=full, email_addresses=[at]) for name, full, at in rows]
    return UserNames(Snapshot("", 0, Settings(), {user.key: user.to_row() for user in made}))


PEOPLE = users(
    ("joanna", "Joanna J", "j@example.com"),
    ("anna.b", "Anna B", "b@example.com"),
    ("anna", "Zoe", "zoe@example.com"),
    ("x1", "Anna X", "x1@example.com"),
    ("x2", "Marie Anna", "x2@example.com"),
    ("x3", "Somebody", "office.anna@example.com"),
)


def test_users_are_found_by_name_and_address_the_exact_one_first() -> None:
    assert PEOPLE.find("anna") == ["anna", "anna.b", "x1", "x2", "x3", "joanna"]
    assert PEOPLE.find("ANNA.") == ["anna.b"]
    assert PEOPLE.find("x3") == ["x3"]
    assert PEOPLE.find("office.anna@") == ["x3"]
    assert PEOPLE.find("zoe") == ["anna"]
    assert PEOPLE.find("a") == []
    assert PEOPLE.find(" ") == []
    assert PEOPLE.find("nobody") == []


@pytest.mark.alone
def test_among_100_000_users_it_takes_no_noticeable_time() -> None:
    people = users(
        *((f"user{n:06}", f"Given{n} Family{n}", f"user{n}@example.com") for n in range(100_000))
    )
    for query in ("us", "family99999", "user099999", "nobody at all", "user099999@example"):
        start = time.perf_counter()
        found = people.find(query)
        took = time.perf_counter() - start
        assert took < 0.5, (query, took)
        assert len(found) <= MOST_USERS


def test_the_scopes_of_the_screens_are_those_of_their_classes() -> None:
    screens = (
        ConnectionScreen,
        OptionsScreen,
        PrivilegesScreen,
        SynchronizeScreen,
        UsersScreen,
        HistoryScreen,
    )
    assert {screen.NAME: screen.SCOPES for screen in screens} == {
        **SCOPES_OF,
        "synchronize": (*SCOPES_OF["synchronize"], "demo"),
    }
    assert SCOPES_OF.keys() == MODES.keys()


def test_every_setting_has_its_place() -> None:
    places = list(setting_places())
    assert sorted(place.key for place in places) == sorted(setting_keys())
    assert all(place.label for place in places)
