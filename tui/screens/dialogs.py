"""The dialogs: a message, a question, a text, a new password, a number that must be typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from store.errors import Problem
from store.passwords import MAX_BYTES, MIN_CHARACTERS, password_problem
from store.text import printable
from tui.actions import APP, HELP, Action, actions_of, bindings_for, reason_against, shown_key
from tui.texts.plain import counted, lines, plain
from tui.texts.problems import told
from tui.widgets.fields import Field, NumberField, PasswordField, row
from tui.widgets.keys import SCREENS, KeyLine

T = TypeVar("T")

PASSWORD_RULE = (
    f"At least {MIN_CHARACTERS} characters, at most {MAX_BYTES} bytes, and not the user name. "
    "Use a few unrelated words."
)


class _Text(VerticalScroll):
    """What is to be read, which takes at most this share of the terminal's height."""

    def __init__(self, share: float) -> None:
        super().__init__(classes="text")
        self._share = share

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return no more lines than it may have: the box around it would leave them blank."""
        wanted = super().get_content_height(container, viewport, width)
        return min(wanted, int(viewport.height * self._share))


class Dialog(ModalScreen[T]):
    """A box over the screen; cancelling it answers `None`.

    `labels` are what the line of keys calls actions here, by their ids, in the place of "Yes".
    """

    SCOPES: ClassVar[tuple[str, ...]] = ()
    SHARE: ClassVar[float] = 0.62
    BINDINGS = [
        Binding(HELP.key, "app.help", show=False, id=HELP.id),
        Binding("up", "scroll_text(-1)", show=False),
        Binding("down", "scroll_text(1)", show=False),
        Binding("pageup", "scroll_text(-8)", show=False),
        Binding("pagedown", "scroll_text(8)", show=False),
    ]

    def __init__(self, title: str, text: Text | str = "") -> None:
        super().__init__()
        self.labels: dict[str, str] = {}
        self._heading = plain(title, "bold", limit=140)
        self._text = text if isinstance(text, Text) else plain(text)

    def compose(self) -> ComposeResult:
        """Build heading, text, fields and keys."""
        with Vertical(classes="box"):
            yield Static(self._heading, markup=False, classes="heading")
            if self._text:
                with _Text(self.SHARE):
                    yield Static(self._text, markup=False)
            yield from self.fields()
            yield Static(markup=False, classes="problem")
            yield KeyLine(*self.SCOPES)

    def on_mount(self) -> None:
        """Go to the first field and show the keys."""
        for field in self.query(Field):
            field.focus()
            break
        self.refresh_bindings()

    def fields(self) -> Iterator[Widget]:
        """Yield what is entered."""
        yield from ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""
        return self.SCOPES

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now, None if it can."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        return None if self.why_not(action) else True

    def show_problem(self, problem: Text | str) -> None:
        """Show what is wrong with what was entered."""
        shown = self.query_one(".problem", Static)
        shown.update(problem if isinstance(problem, Text) else plain(problem, "red"))
        shown.set_class(bool(problem), "-told")

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field, from the last one accept."""
        event.stop()
        fields = list(self.query(Field))
        if event.input is fields[-1]:
            await self.app.run_action("accept", self)
        else:
            self.focus_next()

    def action_scroll_text(self, lines_down: int) -> None:
        """Scroll what is to be read, while the focus is in a field."""
        for text in self.query(".text"):
            text.scroll_relative(y=lines_down, animate=False, force=True, immediate=True)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class Message(Dialog[None]):
    """Something to read."""

    SCOPES = ("message",)
    BINDINGS = bindings_for(*SCOPES)

    def action_close(self) -> None:
        """Close the message."""
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """A question whether to do what the title says; `y` is called by its words."""

    SCOPES = ("confirm",)
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, title: str, text: Text | str = "") -> None:
        super().__init__(title, text)
        question = title.rpartition(". ")[2].removesuffix("?")
        self.labels = {"confirm.yes": printable(question, 50)}

    def action_yes(self) -> None:
        """Answer yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Answer no."""
        self.dismiss(False)


class Entry(Dialog[str]):
    """A text to enter; `check` returns what to show about it, or raises with what is wrong."""

    SCOPES = ("entry", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(
        self, title: str, text: Text | str, value: str, check: Callable[[str], Text]
    ) -> None:
        super().__init__(title, text)
        self._value = value
        self._check = check

    def fields(self) -> Iterator[Widget]:
        """Yield the field; what is typed replaces the text that it proposes."""
        field = Field(self._value)
        field.selection = Selection(0, len(field.value))
        yield field

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check while typing."""
        event.stop()
        self._checked(event.value)

    def action_accept(self) -> None:
        """Take the text if it is right."""
        value = self.query_one(Field).value
        if self._checked(value):
            self.dismiss(value)

    def _checked(self, value: str) -> bool:
        try:
            self.show_problem(self._check(value))
        except Problem as error:
            self.show_problem(told(error))
            return False
        return True


class NewPassword(Dialog[str]):
    """A new local password, entered twice."""

    SCOPES = ("entry", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, title: str, user_name: str) -> None:
        super().__init__(title, PASSWORD_RULE)
        self._user_name = user_name

    def fields(self) -> Iterator[Widget]:
        """Yield the two fields."""
        yield row("Password", PasswordField(id="password"))
        yield row("Once more", PasswordField(id="again"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check while typing."""
        event.stop()
        self.show_problem(self._problem())

    def action_accept(self) -> None:
        """Take the password if it is right."""
        if problem := self._problem():
            self.show_problem(problem)
        else:
            self.dismiss(self.query_one("#password", Input).value)

    def _problem(self) -> str:
        fields = self.query_one("#password", Input), self.query_one("#again", Input)
        return new_password_problem(fields[0].value, fields[1].value, self._user_name)


class TypedNumber(Dialog[Literal["all", "hold"]]):
    """The delete guard's question: the exact number of deletions must be typed."""

    SCOPES = ("number", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, title: str, text: Text, number: int, verb: str = "delete") -> None:
        super().__init__(title, text)
        self._number = number
        self._what = f"{verb} {counted(number, 'user')}"
        self.labels = {"number.accept": self._what.capitalize()}

    def fields(self) -> Iterator[Widget]:
        """Yield the field for the number."""
        yield row(f"Type {self._number} to {self._what}", NumberField())

    def action_accept(self) -> None:
        """Apply everything if the number is right."""
        if self.query_one(NumberField).value == str(self._number):
            self.dismiss("all")
        else:
            self.show_problem("This is not the number of deletions.")

    def action_hold(self) -> None:
        """Apply everything but the deletions."""
        self.dismiss("hold")


class Help(Message):
    """Every action of a screen and of the application, with its key and what it does."""

    SHARE = 0.8

    def __init__(self, scopes: tuple[str, ...], screen: Widget) -> None:
        text, logged_on = Text(), getattr(screen.app, "administrator", None) is not None
        for heading, actions in (
            ("On this screen", actions_of(*scopes)),
            ("Everywhere", actions_of(APP)),
        ):
            if actions:
                text.append(f"{heading}\n", "bold")
            for action in actions:
                if logged_on or action.name not in SCREENS:
                    text.append_text(_help_line(action, screen))
        super().__init__("Help", text)


def _help_line(action: Action, screen: Widget) -> Text:
    text = Text(f" {shown_key(action, screen.app):>5}  {action.label}: {action.tooltip}")
    if reason := reason_against(action, screen):
        text = lines(text, plain(f"        not now: {reason}"))
        text.stylize("dim")
    return text.append("\n")


def new_password_problem(password: str, again: str, user_name: str) -> str:
    """Return what is wrong with a new password that was entered twice, or nothing."""
    if problem := password_problem(password, user_name):
        return f"The password {problem}."
    return "" if password == again else "The two entries of the password differ."


def sentence(problem: str) -> str:
    """Return what is wrong as a sentence of its own."""
    return f"{problem[:1].upper()}{problem[1:]}."
