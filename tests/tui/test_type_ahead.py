"""Keys that arrive in one piece reach the field that they are meant for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from textual import events

from store.models import User
from store.passwords import hash_password
from sync.workspace import Workspace
from tests.tui.terminal import PATIENCE, Terminal, terminal_on
from tui.type_ahead import esc_and_key

NEW = "seven unlike words Ж"
SEEN = "Ж".encode()  # in each password below, and a single key: it is sent as one piece
LOCAL = "four other words Ж"

Open = Callable[..., AbstractContextManager[Terminal]]

_TWICE = ("tab", "tab")
_ENTER_TWICE = ("enter", "enter")
_TO_THE_USER_NAME = ("tab",) * 5  # of the connection

# Where fields are, by what leads there and is entered, and what the terminal then shows.
FORMS = {
    "a log-on that is tried": (
        ("f2", "ctrl+l", "anna", "enter", LOCAL, "enter"),
        "The password is right",
    ),
    "a log-on that is tried, by Tab": (
        ("f2", "ctrl+l", "anna", "tab", LOCAL, "enter"),
        "The password is right",
    ),
    "a user's new password": (
        ("f6", "p", NEW, "enter", NEW, "enter"),
        "Changed the password of root",
    ),
    "the same from the user's page": (
        ("f6", "enter", "p", NEW, "enter", NEW, "enter"),
        "Changed the password of root",
    ),
    "a new user": (
        ("f6", "n", "zoe", "tab", "tab", "z@example.com", *_TWICE, NEW, "tab", NEW, "ctrl+s"),
        "Added zoe",
    ),
    "a new user, by Enter": (
        ("f6", "n", "zoe", *_ENTER_TWICE, "z@x.org", "enter", "tab", NEW, "enter", NEW, "ctrl+s"),
        "Added zoe",
    ),
    "a connection, by Enter": (
        ("f2", *_TO_THE_USER_NAME, "archive", "enter", NEW, "ctrl+s"),
        "Saved",
    ),
    "a user's fields": (
        ("f6", "enter", "c", "Anna", "enter", "enter", "anna@example.com", "enter"),
        "anna@example.com",
    ),
    "a filter rule": (("f3", "n", "guest*", "enter"), "Not saved yet"),
    "a user found by name": (("f3", "ctrl+p", "anna", "enter", "h"), "The history has no change"),
    "why a user cannot log on": (
        ("f6", "/", "anna", "enter", "e"),
        "Nothing that was looked at keeps this user",
    ),
    "a filter by column": (("f6", "/", "name:anna", "enter", "c", "Ada", "enter"), "Change anna"),
    "a new name": (("f6", "down", "r", "anne", "enter"), "Renamed anna to anne"),
    "marked users' privileges": (
        ("f6", "m", "v", "r", "ctrl+s", "y"),
        "Saved the privileges of 2 users",
    ),
    "privileges of new users": (("f4", "r", "ctrl+s"), "Saved."),
}
SLOW_LINE = {"ESCDELAY": "400"}  # on a busy machine the bytes of one key come apart, too
FIRST = ("root", "enter", NEW, "enter", NEW, "enter")


@pytest.fixture
def opened(filled: Callable[..., Workspace], tmp_path: Path) -> Open:
    """Open a terminal on a local user and an administrator."""
    anna = User(
        user_name="anna",
        privileges=["login", "changePassword"],
        password_hash=hash_password(LOCAL, "anna"),
    )
    path = filled(anna, url="https://directory.example.com/").host_path
    return lambda **arguments: terminal_on(path, tmp_path / "secret.key", **arguments)


@pytest.fixture(params=["one write", "byte by byte"])
def send(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Send keys either way."""
    return Terminal.type_ahead if request.param == "one write" else Terminal.type_bytewise


@pytest.mark.campaign
@pytest.mark.parametrize("form", FORMS)
def test_a_form_gets_each_field(opened: Open, form: str, send: Callable[..., None]) -> None:
    keys, shown = FORMS[form]
    with opened(environment=SLOW_LINE) as terminal:
        send(terminal, *keys)
        terminal.wait_for(shown.encode())
        terminal.settle()
        assert SEEN not in terminal.received


def test_a_log_on_gets_both_fields(opened: Open, send: Callable[..., None]) -> None:
    with opened(administrator="") as terminal:
        send(terminal, "anna", "enter", LOCAL, "enter")
        terminal.wait_for(b"Quick Access")
        terminal.settle()
        send(terminal, "p", LOCAL, "enter", NEW, "enter", NEW, "enter")
        terminal.wait_for(b"Changed your password")
        assert SEEN not in terminal.received


def test_after_a_wrong_password_the_next_one_goes_where_it_belongs(opened: Open) -> None:
    with opened() as terminal:
        terminal.type_ahead("f2", "ctrl+l", "anna", "enter", "wrong", "enter")
        terminal.wait_for(b"The password is wrong")
        terminal.settle()
        terminal.type_ahead(LOCAL, "enter")
        terminal.wait_for(b"The password is right")
        assert SEEN not in terminal.received


def test_the_first_administrator(tmp_path: Path, send: Callable[..., None]) -> None:
    store = tmp_path / "users.json"
    new = {"administrator": "", "shows": b"the first administrator"}
    with terminal_on(store, tmp_path / "secret.key", **new) as terminal:  # type: ignore[arg-type]
        send(terminal, *FIRST)
        terminal.wait_for(b"Connection")
        assert SEEN not in terminal.received
    assert b"root" in store.read_bytes()


def test_what_is_seen_would_be_found(opened: Open) -> None:
    """The control: in the field for the name the password is in clear."""
    with opened() as terminal:
        terminal.type_ahead("f2", "ctrl+l", SEEN.decode())
        terminal.wait_for(SEEN)


def test_a_long_text_is_not_held_up(opened: Open) -> None:
    with opened() as terminal:
        terminal.press("f6", "n")
        terminal.type_ahead("x" * 1000, "tab", "the end")
        terminal.wait_for(b"the end")


def test_esc_and_a_key_at_once_are_two_keys(opened: Open) -> None:
    """The filter is left, then the key does what it does on the list."""
    with opened() as terminal:
        terminal.press("f6", "/", "ann")
        terminal.type_ahead("escape", "n")
        terminal.wait_for(b"New user")


def seconds_of_esc(terminal: Terminal) -> float:
    """The shortest time that passes before a lone Esc closes a filter, of five."""
    shortest = PATIENCE
    for _ in range(5):
        terminal.press("/")
        start = time.monotonic()
        terminal.type_ahead("escape")
        terminal.read_any()
        shortest = min(shortest, time.monotonic() - start)
        terminal.settle()
    return shortest


@pytest.mark.alone
def test_a_lone_esc_is_answered_at_once(opened: Open) -> None:
    """The control: as long as ESCDELAY says, by which a person tells that the line is slow."""
    with opened(environment=SLOW_LINE) as terminal:
        terminal.press("f6")
        slow = seconds_of_esc(terminal)
    assert slow > 0.4
    answering = slow - 0.4  # what the screen takes, whatever the wait before
    waited = []
    while len(waited) < 3 and min(waited, default=1.0) - answering >= 0.1:  # fresh samples
        with opened() as terminal:
            terminal.press("f6")
            waited.append(seconds_of_esc(terminal))
    assert min(waited) - answering < 0.1, waited


@pytest.mark.parametrize(
    ("event", "bound", "keys"),
    [
        (events.Key("alt+j", "j"), [], ["escape", "j"]),
        (events.Key("alt+shift+j", "J"), [], ["escape", "J"]),
        (events.Key("alt+j", "j"), ["x,alt+j"], []),
        (events.Key("alt+backspace", None), [], []),
        (events.Key("j", "j"), [], []),
        (events.Paste("alt+j"), [], []),
    ],
    ids=str,
)
def test_what_is_esc_and_a_key(event: events.Event, bound: list[str], keys: list[str]) -> None:
    assert [key.key for key in esc_and_key(event, bound)] == keys
