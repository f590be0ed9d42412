"""Long work says in the terminal's title, and by a bell, that it has ended."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sync.workspace import Workspace
from tests.support.directory import Directory
from tests.tui.terminal import terminal_on
from tui.end_sign import EndSign

TITLE = b"\x1b]2;mailroster: Test Settings done"
GIVEN_BACK = b"\x1b[23;2t"


def test_how_it_ended_is_told_and_the_title_given_back_once() -> None:
    sent: list[str] = []
    sign = EndSign(1e-9, sent.append)
    with sign.of("Test Settings"):
        pass
    with suppress(ValueError), sign.of("writing"):
        raise ValueError
    with suppress(CancelledError), sign.of("Test Settings"):
        raise CancelledError
    sign.take_back()
    sign.take_back()
    assert [sent[0], sent[-1]] == ["\x1b[22;2t", "\x1b[23;2t"]
    assert ["Test Settings done" in sent[1], "writing failed" in sent[2]] == [True, True]
    assert len(sent) == 4


@pytest.mark.parametrize("after", [0, 3600])
def test_short_work_and_unwanted_signs_say_nothing(after: float) -> None:
    sent: list[str] = []
    with EndSign(after, sent.append).of("Test Settings"):
        pass
    assert not sent


@pytest.mark.parametrize("low_bandwidth", [False, True])
def test_a_fetch_on_a_terminal(
    filled: Callable[..., Workspace], tmp_path: Path, directory: Directory, low_bandwidth: bool
) -> None:
    directory.put("anna")
    path = filled().host_path
    own = tmp_path / "config" / "mailroster"
    own.mkdir(parents=True)
    (own / "tui.toml").write_text("sign_after = 0.000001")
    with terminal_on(path, tmp_path / "secret.key", low_bandwidth=low_bandwidth) as terminal:
        terminal.press("t")
        terminal.wait_for(b"1 create")
        assert (TITLE in terminal.received) is not low_bandwidth
        terminal.press("q")
        assert terminal.process.wait(20) == 0
        terminal.settle()
        assert (GIVEN_BACK in terminal.received) is not low_bandwidth
