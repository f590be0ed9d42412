"""One change at a time among those that look at the users first and then write."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sync.workspace import Workspace


def change_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Hold the lock against other changes of users, by hand or by a run.

    It is held for the looking and the writing only; a run that waits for the directory has the
    `run_lock` alone, so that meanwhile users can be changed by hand. A run that needs both takes
    that one first. Raises `StoreBusy`, naming the holder, or `StoreUnwritable`.
    """
    return workspace.store.lock("change", "Users are being changed by")
