"""How the screens are started, and the options that this takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sync.demo import Demo
    from sync.workspace import Workspace

_REDRAWS_PER_SECOND = "10"

readonly_option = click.option(
    "--readonly", is_flag=True, help="Start screens that write nothing to the user database."
)
low_bandwidth_option = click.option(
    "--low-bandwidth",
    is_flag=True,
    help="Start screens for a slow line: the terminal's own colours, fewer redraws, no mouse.",
)


def run_screens(
    workspace: Workspace,
    *,
    readonly: bool = False,
    low_bandwidth: bool = False,
    administrator: str | None = None,
    demo: Demo | None = None,
) -> int:
    """Run the screens and return the exit code; see `MailrosterApp`."""
    if low_bandwidth:
        os.environ.setdefault("TEXTUAL_FPS", _REDRAWS_PER_SECOND)  # read when textual is imported
    from tui.terminal import run_app

    return run_app(
        workspace,
        administrator=administrator,
        demo=demo,
        readonly=readonly,
        low_bandwidth=low_bandwidth,
    )
