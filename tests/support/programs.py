"""Programs that are not Python's, which some tests need."""

from __future__ import annotations

import os
import shutil

import pytest


def require(program: str, package: str) -> str:
    """Return the path of `program`; without it skip the test, or fail it where CI is set."""
    found = shutil.which(program)
    if found:
        return found
    reason = f"{program} is not installed (Debian: apt install {package})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
