"""What of a plan is wanted: the answers to its questions, and the changes that are skipped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sync.planning.plan import IDS, Answer, Answers, Change, Plan, Question
from sync.runs.apply import divide, without


class Selection:
    """The administrator's decisions about the plan on the screen; they outlive its next version.

    `wanted` are the changes to apply. `left_out` names the others: skipped changes, and changes
    that need a name or an address that a skipped change keeps.
    """

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.answers = Answers()
        self.skip: frozenset[str] = frozenset()
        self.wanted: list[Change] = []
        self.left_out: frozenset[str] = frozenset()

    @property
    def changes(self) -> Sequence[Change]:
        """The lines of the plan."""
        return self.plan.changes if self.plan else ()

    def take(self, plan: Plan) -> None:
        """Go on with another version of the plan; forget skips that it has no change for."""
        self.plan = plan
        self.skip &= {change.user_name for change in plan.changes if change.edit}
        self._divide()

    def toggle(self, names: Collection[str]) -> None:
        """Skip these changes, or include those that are skipped already."""
        self.skip ^= frozenset(names)
        self._divide()

    def toggle_group(self, change: Change) -> None:
        """Skip all changes of this kind; if all are skipped, include them again."""
        group = {
            other.user_name
            for other in self.changes
            if other.edit and other.action == change.action
        }
        self.toggle(group if group <= self.skip else group - self.skip)

    def is_left_out(self, change: Change) -> bool:
        """Tell whether the change is left out, skipped or not."""
        return change.edit is not None and change.user_name in self.left_out

    def applied(self) -> None:
        """Forget the decisions: they were carried out."""
        self.answers, self.skip = Answers(), frozenset()

    def plan_to_save(self) -> Plan | None:
        """Return the plan as it would be applied now."""
        return self.plan and without(self.plan, self.skip)

    def _divide(self) -> None:
        wanted, left_out = divide(self.plan, self.skip) if self.plan else ([], [])
        self.wanted = wanted
        self.left_out = frozenset(change.user_name for change in left_out)


def question_of(change: Change, answers: Answers) -> Question | None:
    """Return the question that this line asks, or that was answered for it."""
    if change.asks or change.user_name not in answers:
        return change.asks
    if change.user_name == IDS:
        return "ids"
    if change.user_name in Answers(same=answers.same, new=answers.new):
        return "return"
    return "link" if change.user_name in Answers(link=answers.link) else "rename"


def answerable(
    changes: Iterable[Change], question: Question, answer: Answer | None, answers: Answers
) -> list[str]:
    """Return the names for which all at once may be answered so.

    Renames are answered together only where one user alone came under the name, and under no
    other; the rest needs a look at each. With None, answers that were given are taken back.
    """
    asking = [change for change in changes if question_of(change, answers) == question]
    if answer is None:
        return [change.user_name for change in asking if change.user_name in answers]
    open_ = [change for change in asking if change.asks]
    if answer != "rename":
        return [change.user_name for change in open_]
    claims: dict[str, int] = {}
    for change in open_:
        for old in change.candidates:
            claims[old] = claims.get(old, 0) + 1
    return [
        change.user_name
        for change in open_
        if len(change.candidates) == 1 and claims[change.candidates[0]] == 1
    ]
