"""The problem of a command that ends halfway: at Ctrl+C, or because the system fails."""

from __future__ import annotations

from store.errors import Problem, StoreError
from store.text import printable
from sync.workspace import Workspace


class Interrupted(Problem):
    """The administrator interrupted the command."""

    kind = "interrupted"

    def __init__(self) -> None:
        super().__init__("Interrupted.", "")


_NO_THREAD = "can't start new thread"  # in Python's own words


class SystemFailed(Problem):
    """A call to the system failed, and only the system's own words tell why."""

    kind = "system"

    @classmethod
    def of(cls, error: BaseException) -> SystemFailed | None:
        """Return the problem if `error` is the system's: a file, memory or a thread."""
        if isinstance(error, OSError) and error.strerror:
            where = f" ({printable(error.filename)})" if error.filename else ""
            return cls(
                f"The operating system reported an error: {error.strerror}{where}.",
                "Check the disk and the permissions there, then try again.",
            )
        missing = "memory" if isinstance(error, MemoryError) else ""
        if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
            missing = "threads"
        if missing:
            return cls(
                f"The operating system gives mailroster no more {missing}.",
                "Look at the limits of this user and of the service, then try again.",
            )
        return None


def cut_short(problem: Problem, workspace: Workspace | None, generation: int | None) -> Problem:
    """Return the problem with what was written until then.

    `workspace` is None where the store was not read yet; `generation` is that of its first reading.
    """
    if workspace is None:
        problem.untouched = "Nothing was written."
        return problem
    try:
        now = workspace.snapshot().generation
    except OSError as error:
        problem.what += " mailroster cannot tell whether it wrote anything."
        problem.untouched = f"The store cannot be read: {error.strerror}."
        return problem
    except StoreError as error:
        problem.what += f" mailroster cannot tell whether it wrote anything: {error.what}"
        problem.untouched = "Changes that were written are complete."
        problem.advice = f"{error.advice} {problem.advice}".strip()
        return problem
    if now == generation:
        problem.untouched = "No user and no setting was changed."
        return problem
    problem.what += (
        " The store was written meanwhile, by this command or another one: "
        f"its generation was {generation or 'unknown'} and is {now} now."
    )
    problem.untouched = "Changes that were written are complete."
    look = "Check `mailroster history list` and `mailroster users list` before you try again."
    problem.advice = f"{look} {problem.advice}".strip()
    return problem
