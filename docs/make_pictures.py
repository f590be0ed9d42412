"""Makes the README's pictures from the running demo: `python docs/make_pictures.py`."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

from sync.demo import Demo
from tui.app import MailrosterApp

FOLDER = Path(__file__).parent / "pictures"
SIZE = (120, 30)
HOST = "mx1.example.com"
FONT_FROM_ELSEWHERE = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)
PORT = re.compile(r"127\.0\.0\.1:\d{5}")
WHILE_IT_WORKS = 1.0  # seconds


async def main() -> None:
    """Walk through the demo and write three pictures."""
    FOLDER.mkdir(exist_ok=True)
    os.environ["COLORTERM"] = "truecolor"
    os.environ.pop("NO_COLOR", None)
    with patch.object(socket, "gethostname", return_value=HOST), Demo.open() as demo:
        app = MailrosterApp(demo.workspace, administrator=demo.administrator, demo=demo)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(WHILE_IT_WORKS)
            await press(pilot, "d", "t", *["down"] * 8)
            app.clear_notifications()
            await take(pilot, "preview")
            await press(pilot, "f6", "down", "space", "down", "space", "down")
            await take(pilot, "users")
            await press(pilot, "f2", "ctrl+t")
            await take(pilot, "connection")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys and give each its time."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(WHILE_IT_WORKS)


async def take(pilot: Pilot[Any], name: str) -> None:
    """Write what is on the screen, without what differs from run to run."""
    await pilot.pause(WHILE_IT_WORKS)
    picture = pilot.app.export_screenshot(title=f"mailroster: {name}")
    picture = PORT.sub("127.0.0.1:18080", FONT_FROM_ELSEWHERE.sub("", picture))
    (FOLDER / f"{name}.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
