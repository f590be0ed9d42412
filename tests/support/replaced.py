"""The system as no test can have it for real: a call of it that fails, is slow, or is seen.

This is the one place where a test puts something else into the place of a name, and it takes names
of Python's standard library and of bcrypt alone: nobody can have a disk fail at the third fsync, or
two names with one digest. For what is mailroster's own there are seams: parameters, settings, the
environment, a `Workspace` with another store (`tests.support.wrapped_store`).
`tests/test_seams.py` holds the tests to it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_OTHERS = {"bcrypt"}


@contextmanager
def in_place_of(owner: Any, name: str, call: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Let `call` answer within the block where `owner.name` would; give the real one."""
    module = owner.__name__ if hasattr(owner, "__spec__") else owner.__module__
    root = module.partition(".")[0]
    assert root in sys.stdlib_module_names | _OTHERS, f"{module} is no module of the system"
    real = getattr(owner, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, call)
        yield real


@contextmanager
def failing(
    owner: Any, name: str, number: int, when: Callable[..., bool] = lambda *_: True
) -> Iterator[None]:
    """Let this call fail with that `errno` within the block, `when` says so of its arguments."""
    real = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        if when(*arguments):
            raise OSError(number, os.strerror(number))
        return real(*arguments, **named)

    with in_place_of(owner, name, call):
        yield


def is_folder(descriptor: int, path: Path | None = None) -> bool:
    """Tell whether a descriptor is that of a folder, of this one if it is given."""
    found = os.fstat(descriptor)
    return stat.S_ISDIR(found.st_mode) and (path is None or os.path.samestat(found, path.stat()))
