"""What a command tells that ends in its middle: at Ctrl+C, or because the system fails."""

from __future__ import annotations

from store.errors import Problem, StoreError
from store.text import printable
from sync.workspace import Workspace


class Interrupted(Problem):
    """The administrator interrupted the command."""

    kind = "interrupted"

    def __init__(self) -> None:
        super().__init__("Interrupted.", "")


class SystemFailed(Problem):
    """A call to the system failed where nothing more is known of it than its own words."""

    kind = "system"

    def __init__(self, error: OSError) -> None:
        where = f" ({printable(error.filename)})" if error.filename else ""
        super().__init__(
            f"The system failed to do what was asked of it: {error.strerror}{where}.",
            "Check the disk and the rights there, and try again.",
        )


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
        problem.what += " Whether anything was written cannot be told."
        problem.untouched = f"The store cannot be read: {error.strerror}."
        return problem
    except StoreError as error:
        problem.what += f" Whether anything was written cannot be told: {error.what}"
        problem.untouched = "What was written is whole."
        problem.advice = f"{error.advice} {problem.advice}".strip()
        return problem
    if now == generation:
        problem.untouched = "No user and no setting was changed."
        return problem
    problem.what += (
        " By then the store had been written, by this command or another one: "
        f"its generation is {now} now and was {generation or 'unknown'}."
    )
    problem.untouched = "What was written is whole."
    look = (
        "Look at it with `mailroster history list` and `mailroster users list` before you try "
        "again."
    )
    problem.advice = f"{look} {problem.advice}".strip()
    return problem
