"""The screens on a real terminal: silent when idle, sparing, and a terminal that is given back."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sync.workspace import Workspace
from tests.support.builders import managed
from tests.tui.terminal import PATIENCE, Terminal, terminal_on

Open = Callable[..., AbstractContextManager[Terminal]]

LEAVES_THE_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_THE_CURSOR = b"\x1b[?25h"
ASKS_FOR_THE_MOUSE = b"\x1b[?1000h"
TRUECOLOR = re.compile(rb"[34]8;2;")
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:[34][0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
SCREENS = ("f2", "f3", "f4", "f5", "f6", "f7")


@pytest.fixture
def opened(filled: Callable[..., Workspace], tmp_path: Path) -> Open:
    """Open a terminal on 200 users."""
    users = [managed(f"user{number:03}", full_name=f"User {number}") for number in range(200)]
    path = filled(*users, url="https://directory.example.com/").host_path
    return lambda **arguments: terminal_on(path, tmp_path / "secret.key", **arguments)


@pytest.mark.alone
def test_nothing_is_sent_while_nothing_happens(opened: Open) -> None:
    with opened() as terminal:
        for key in SCREENS:
            terminal.press(key)
            settle(terminal)
            assert terminal.read(1.5) == b"", key
        for keys in (("f6", "slash"), ("f1",), ("escape", "ctrl+p"), ("escape", "f2", "ctrl+l")):
            terminal.press(*keys)
            settle(terminal)
            assert terminal.read(1.5) == b"", keys


def settle(terminal: Terminal) -> None:
    """Wait for the end of a frame, which takes its time on a busy machine."""
    deadline = time.monotonic() + PATIENCE
    while terminal.read(1.5):
        assert time.monotonic() < deadline, "it never gets silent"


def test_the_log_on_is_silent_too(opened: Open) -> None:
    with opened(administrator="") as terminal:
        terminal.press("tab")
        assert terminal.read(1.5) == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(opened: Open, number: signal.Signals) -> None:
    with opened() as terminal:
        terminal.process.send_signal(number)
        terminal.wait_for(LEAVES_THE_ALTERNATE_SCREEN)
        assert SHOWS_THE_CURSOR in terminal.received
        assert terminal.process.wait(PATIENCE) == 128 + number


def test_a_signal_ends_a_dialog_too(opened: Open) -> None:
    with opened() as terminal:
        terminal.press("f6", "n", "x", "escape")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.wait_for(LEAVES_THE_ALTERNATE_SCREEN)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_quitting_gives_the_terminal_back(opened: Open) -> None:
    with opened() as terminal:
        terminal.press("q")
        terminal.wait_for(LEAVES_THE_ALTERNATE_SCREEN)
        assert terminal.process.wait(PATIENCE) == 0


def test_few_bytes_are_sent(opened: Open) -> None:
    with opened() as terminal:
        assert len(terminal.received) < 12_000
        terminal.press("f6")
        terminal.wait_for(b"user000")
        terminal.press("down")
        terminal.read(1.0)
        assert len(terminal.press("down")) < 1_500
        assert len(terminal.press("pagedown")) < 6_000


@pytest.mark.campaign
@pytest.mark.parametrize("size", [(20, 6), (60, 15), (120, 40), (200, 60)])
def test_every_size_works(opened: Open, size: tuple[int, int]) -> None:
    with opened() as terminal:
        for key in SCREENS:
            terminal.press(key)
            assert terminal.resize(*size), key
            terminal.press("tab", "f1", "escape")
            assert terminal.resize(80, 24), key
        assert terminal.process.poll() is None
        terminal.press("f6")
        terminal.received.clear()
        terminal.resize(81, 24)
        terminal.wait_for(b"user000")


@pytest.mark.parametrize(
    "arguments", [{"environment": {"NO_COLOR": "1"}}, {"low_bandwidth": True}], ids=str
)
def test_no_truecolor_where_none_is_wanted(opened: Open, arguments: dict[str, Any]) -> None:
    with opened(**arguments) as terminal:
        terminal.press(*SCREENS, "f1", "escape", "f6", "space", "down")
        assert not TRUECOLOR.search(terminal.received)


def test_no_colour_at_all(opened: Open) -> None:
    with opened(environment={"NO_COLOR": "1"}) as terminal:
        terminal.press(*SCREENS, "f3", "n", "escape", "f1", "escape", "f6", "space", "x", "escape")
        assert not COLOUR.search(terminal.received)


def test_a_terminal_that_is_gone_ends_the_program(opened: Open) -> None:
    with opened() as terminal:
        terminal.press("f6")
        os.close(terminal.master)
        try:
            assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP
        finally:
            terminal.master = os.open(os.devnull, os.O_RDONLY)


def test_colours_are_sent_otherwise(opened: Open) -> None:
    with opened() as terminal:
        assert TRUECOLOR.search(terminal.received)
        assert COLOUR.search(terminal.received)
        assert ASKS_FOR_THE_MOUSE in terminal.received


def test_low_bandwidth_sends_less_and_asks_for_no_mouse(opened: Open) -> None:
    sent = []
    for low in (False, True):
        with opened(low_bandwidth=low) as terminal:
            for key, shown in (
                ("f6", b"1 of 201"),
                ("pagedown", b"19 of 201"),
                ("f2", b"Try a log-on"),
            ):
                terminal.press(key)
                terminal.wait_for(shown)
                terminal.settle()
            sent.append(len(terminal.received))
            assert (ASKS_FOR_THE_MOUSE in terminal.received) is not low
    assert sent[1] < 0.8 * sent[0]


def test_a_read_only_session_says_so(opened: Open) -> None:
    with opened(readonly=True) as terminal:
        terminal.wait_for(b"read-only")
