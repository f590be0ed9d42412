"""What Synchronize asks: renames, links, returns, ids, and why to skip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.text import Text
from textual.widget import Widget

from store.errors import InvalidValue
from store.models import User
from store.privileges import privilege_labels
from sync.planning.plan import Answer, Answers, Change
from tui.actions import bindings_for
from tui.screens.base import BaseScreen
from tui.screens.dialogs import Dialog, Entry
from tui.screens.sync_selection import answerable, question_of
from tui.texts.plain import counted, grouped, lines, plain
from tui.texts.users import listed_names
from tui.widgets.changes import field_lines
from tui.widgets.table import Column, Table

Chosen = Mapping[Answer | None, Sequence[str]]  # the users that one answer would cover
_ANSWERS: tuple[Answer | None, ...] = (
    "rename",
    "separate",
    "link",
    "same",
    "new",
    "take_ids",
    None,
)
_EVERY = {
    "same_all": "rename",
    "separate_all": "separate",
    "link_all": "link",
    "return_all": "same",
    "somebody_else_all": "new",
    "leave_all": None,
}
_MOST_ROWS = 6


class Reply(NamedTuple):
    """The answer, or None to leave the question open, and for how many it holds.

    `old` is the user that has the new name. With `every` the answer holds for all marked lines, or
    without marks for all shown lines.
    """

    answer: Answer | None
    old: str | None = None
    every: bool = False


class _QuestionDialog(Dialog[Reply]):
    """A question for one line, which may be answered for others along with it."""

    def __init__(self, title: str, change: Change, text: Text, answered: bool, chosen: Chosen):
        super().__init__(title, lines(field_lines(change), text) if change.fields else text)
        self._name = change.user_name
        self._answered = answered
        self._chosen = chosen

    def why_not(self, name: str) -> str | None:
        """Return why this answer cannot be given."""
        if name == "leave" and not self._answered:
            return "The question is open already. Press Esc to leave it open."
        if name in _EVERY and not set(self._chosen[_EVERY[name]]) - {self._name}:  # type: ignore[index]
            return "No other line can take this answer."
        return None

    def action_leave(self) -> None:
        """Leave it open."""
        self.dismiss(Reply(None))

    def action_leave_all(self) -> None:
        """Leave all open."""
        self.dismiss(Reply(None, every=True))


class RenameQuestion(_QuestionDialog):
    """Whether a new name belongs to a known user, and to which."""

    SCOPES = ("question", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(
        self, change: Change, users: Mapping[str, User | None], answered: bool, chosen: Chosen
    ) -> None:
        text = lines(
            "Rename: the same person. Privileges, archive, rights and history move along.",
            "Separate: somebody else, and the sync creates a new user. If it deletes users "
            "automatically, the user of the old name goes; an archive with mail stays.",
        )
        title = f"Is {change.user_name} a known user under a new name?"
        super().__init__(title, change, text, answered, chosen)
        self._table: Table[str] = Table(
            [Column("Until now", 2), Column("Full name", 2), Column("Privileges", 2)],
            lambda name: _candidate_cells(name, users[name]),
            str,
        )
        self._candidates = change.candidates

    def fields(self) -> Iterator[Widget]:
        """Yield the users that may have the new name."""
        if self._candidates:
            self._table.styles.height = min(len(self._candidates), _MOST_ROWS) + 1
            yield self._table

    def on_mount(self) -> None:
        """Start with the likeliest one."""
        self._table.load(self._candidates)
        super().on_mount()
        if self._candidates:
            self._table.focus()

    def why_not(self, name: str) -> str | None:
        """Return why this answer cannot be given."""
        if name == "same" and not self._candidates:
            return "To change the answer, leave the question open first (l)."
        return super().why_not(name)

    def action_same(self) -> None:
        """Answer that the user under the cursor has the new name."""
        self.dismiss(Reply("rename", self._table.current))

    def action_separate(self) -> None:
        """Answer that it is somebody else."""
        self.dismiss(Reply("separate"))

    def action_same_all(self) -> None:
        """Answer for all that they are the same persons."""
        self.dismiss(Reply("rename", every=True))

    def action_separate_all(self) -> None:
        """Answer for all that they are others."""
        self.dismiss(Reply("separate", every=True))


class LinkQuestion(_QuestionDialog):
    """Whether the local user and the directory's are one."""

    SCOPES = ("link", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, change: Change, user: User | None, answered: bool, chosen: Chosen) -> None:
        text = lines(
            "Link: the same person. From then on the directory checks the password. "
            "The privileges stay; name and addresses follow the directory.",
            "Leave: the local user stays as it is, and keeps the local password.",
        )
        if user is not None:
            text = lines(f"Privileges here: {privilege_labels(user.privileges)}", text)
        title = f"Are the local and the directory's user {change.user_name} one person?"
        super().__init__(title, change, text, answered, chosen)

    def action_link(self) -> None:
        """Link the two."""
        self.dismiss(Reply("link"))

    def action_link_all(self) -> None:
        """Link all."""
        self.dismiss(Reply("link", every=True))


class ReturnQuestion(_QuestionDialog):
    """Whether a name stands for the same person as before."""

    SCOPES = ("return", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, change: Change, answered: bool, chosen: Chosen) -> None:
        text = lines(
            "Same person: the user keeps, or gets back, the privileges, the archive folder and the "
            "rights of others on it, but never Administrator.",
            "Somebody new: the user starts with the default privileges and an empty archive "
            "folder. The folder from before is set aside under its own name; no mail is lost.",
        )
        title = f"Is {change.user_name} the same person as before?"
        super().__init__(title, change, text, answered, chosen)

    def action_return(self) -> None:
        """Answer that it is the same person."""
        self.dismiss(Reply("same"))

    def action_somebody_else(self) -> None:
        """Answer that it is somebody new."""
        self.dismiss(Reply("new"))

    def action_return_all(self) -> None:
        """Answer for all that they are the same persons."""
        self.dismiss(Reply("same", every=True))

    def action_somebody_else_all(self) -> None:
        """Answer for all that they are new."""
        self.dismiss(Reply("new", every=True))


class IdsQuestion(_QuestionDialog):
    """Whether a directory's ids are taken over by name."""

    SCOPES = ("ids", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, change: Change, answered: bool, chosen: Chosen) -> None:
        text = lines(
            "If you take them over, users get the ids that the directory lists with their names.",
            "From then on the same id means the same person, under any name. If a name comes with "
            "another id, mailroster asks you. Make sure that each name is still the same person.",
        )
        super().__init__(
            "Take the ids of this directory over by name?", change, text, answered, chosen
        )

    def action_take(self) -> None:
        """Take the ids over."""
        self.dismiss(Reply("take_ids"))


async def ask_answer(
    screen: BaseScreen, change: Change, among: Sequence[Change], answers: Answers
) -> Answers | None:
    """Ask the question of this line and return all answers with the new one, None for no answer.

    `among` are the lines that may be answered along with it, after a question that names how many.
    """
    question = question_of(change, answers)
    if question is None:
        return None
    chosen = {answer: answerable(among, question, answer, answers) for answer in _ANSWERS}
    answered = change.user_name in answers
    find = screen.app.snapshot.find
    dialog: _QuestionDialog
    if question == "link":
        dialog = LinkQuestion(change, find(change.user_name), answered, chosen)
    elif question == "return":
        dialog = ReturnQuestion(change, answered, chosen)
    elif question == "ids":
        dialog = IdsQuestion(change, answered, chosen)
    else:
        candidates = {name: find(name) for name in change.candidates}
        dialog = RenameQuestion(change, candidates, answered, chosen)
    reply = await screen.ask(dialog)
    if reply is None:
        return None
    if not reply.every:
        return answers.with_answer(reply.answer, [change.user_name], reply.old)
    names = chosen[reply.answer]
    asked = sum(item.asks == question for item in among)
    others = asked - len(names) if reply.answer == "rename" else 0
    if not await screen.confirm(*_every_text(reply.answer, len(names), others)):
        return None
    return answers.with_answer(reply.answer, names)


async def ask_reason(screen: BaseScreen, names: Sequence[str]) -> str | None:
    """Ask why syncs should leave these users alone from now on."""

    def check(text: str) -> Text:
        if not text.strip():
            raise InvalidValue(
                "", "Enter a reason; the rule keeps it for later readers.", untouched=""
            )
        return Text()

    if len(names) == 1:
        who, them, rule = names[0], "this user", "a skip rule"
    else:
        who, them, rule = f"{grouped(len(names))} users", "these users", "a skip rule for each"
    text = lines(
        f"Syncs will not create, change or delete {them}. mailroster adds {rule} to the filters on "
        "Options; remove the rule to undo this.",
        *([listed_names(list(names), 5)] if len(names) > 1 else []),
    )
    reason = await screen.ask(Entry(f"Leave {who} alone from now on? Reason:", text, "", check))
    return reason and reason.strip()


def _every_text(answer: Answer | None, count: int, others: int) -> tuple[str, Text]:
    """Return title and text of the question before `count` lines are answered at once.

    `others` are the questions about renames among them that stay open.
    """
    title, means = {
        "rename": ("Rename {}?", "Each is the same person as before, under a new name."),
        "separate": ("Take {} as somebody else?", "The sync creates each as a new user."),
        "link": ("Link {}?", "From then on the directory checks each password."),
        "same": ("Take {} as the same people?", "Each keeps, or gets back, privileges and folder."),
        "new": (
            "Take {} as somebody new?",
            "Each starts with an empty folder; the folders from before are set aside.",
        ),
        "take_ids": ("Take the ids over for {}?", "mailroster matches them by name."),
        None: ("Leave {} open?", "This takes their answers back."),
    }[answer]
    text = lines(means, "mailroster writes nothing before Synchronize now.")
    if others:
        stay = "stays as it is" if others == 1 else "stay as they are"
        questions = f"{counted(others, 'other question')} {stay}: several users may be meant."
        text = lines(text, plain(questions, "yellow"))
    return title.format(counted(count, "user")), text


def _candidate_cells(name: str, user: User | None) -> Sequence[str]:
    if user is None:
        return name, "", ""
    return name, user.full_name or "", privilege_labels(user.privileges)
