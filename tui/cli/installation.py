"""How other programs start this installation of mailroster."""

from __future__ import annotations

import sys
from pathlib import Path


def installed_command() -> tuple[str, ...]:
    """Return the command that runs this installation, wherever it is called from."""
    script = Path(sys.executable).with_name("mailroster")
    return (str(script),) if script.exists() else (sys.executable, "-m", "tui.cli")
