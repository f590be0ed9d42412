"""A problem's parts as the sentences that a person reads."""

from __future__ import annotations

from store.errors import Problem


def told(problem: Problem, what: str = "") -> str:
    """Return the problem's sentences in their order; `what`, if given, stands for the first."""
    return " ".join(filter(None, (what or problem.what, problem.untouched, problem.advice)))
