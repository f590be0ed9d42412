"""A workspace whose store is a real one, but for what a test has it do instead or before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from store.interface import Store
from sync.workspace import Workspace


class Wrapped:
    """Passes everything on to `real`, but for what stands in `instead`."""

    def __init__(self, real: Any, **instead: Any) -> None:
        self.__dict__.update(instead, real=real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real, name, value)


def with_store(workspace: Workspace, **instead: Any) -> Workspace:
    """The workspace with these methods and attributes in its store."""
    wrapped = cast("Store", Wrapped(workspace.store, **instead))
    return replace(workspace, open_store=lambda: wrapped)


def with_attempts(workspace: Workspace, **instead: Any) -> Workspace:
    """The workspace with these methods in its counts of failed log-ons."""
    return with_store(workspace, attempts=Wrapped(workspace.store.attempts, **instead))


class Gate:
    """While it is `shut`, calls through it from threads other than the main one wait."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self.waiting = 0

    def through(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call behind the gate."""

        def waits(*arguments: Any, **named: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                self.waiting += 1
                assert self._open.wait(30)
            return call(*arguments, **named)

        return waits

    def shut(self) -> None:
        """Let nobody through."""
        self._open.clear()

    def open(self) -> None:
        """Let everybody through."""
        self._open.set()


def gated(workspace: Workspace) -> tuple[Gate, Workspace]:
    """A gate, and the workspace whose state is read through it: so a plan takes its time."""
    gate = Gate()
    return gate, with_store(workspace, snapshot=gate.through(workspace.store.snapshot))
