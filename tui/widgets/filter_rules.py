"""Filter rules as a list; the one that is being edited is entered in its own place there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from store.models import FilterRule
from store.text import printable
from sync.planning.filters import RULE_ACTIONS, RULE_FIELDS
from tui.widgets.choice import Choice
from tui.widgets.fields import Field
from tui.widgets.table import Column, Table

NEW_RULE = FilterRule(action="exclude", field="user_name", pattern="")
_COLUMNS = (
    Column("", width=4),
    Column("Rule", width=9),
    Column("Field", width=19),
    Column("Pattern", 3),
    Column("Reason", 2),
)
Numbered = tuple[int, FilterRule]


class RuleLine(Horizontal):
    """The fields of one rule, under the columns of the list."""

    DEFAULT_CSS = """
    RuleLine Static { width: 6; }
    RuleLine .action { width: 9; }
    RuleLine .field { width: 19; }
    RuleLine .pattern { width: 3fr; }
    RuleLine .reason { width: 2fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rule = NEW_RULE
        self._action = Choice(RULE_ACTIONS, classes="action")
        self._field = Choice(RULE_FIELDS, classes="field")
        self.pattern = Field(placeholder="pattern with * and ?").add_class("pattern")
        self._reason = Field(placeholder="reason").add_class("reason")

    def compose(self) -> ComposeResult:
        """Build number, action, field, pattern and reason."""
        yield Static(markup=False)
        yield from (self._action, self._field, self.pattern, self._reason)

    @property
    def rule(self) -> FilterRule:
        """The rule as entered; what was not touched is as it was, however it is shown."""
        texts = {"pattern": self.pattern.value, "reason": self._reason.value}
        typed = {
            name: text.strip()
            for name, text in texts.items()
            if text != printable(getattr(self._rule, name))
        }
        chosen = {"action": self._action.value, "field": self._field.value}
        return replace(self._rule, **chosen, **typed)  # type: ignore[arg-type]

    def show(self, number: int, rule: FilterRule) -> None:
        """Show `rule`."""
        self._rule = rule
        self.query_one(Static).update(f"  {number}")
        self._action.value, self._field.value = rule.action, rule.field
        self.pattern.value, self._reason.value = rule.pattern, rule.reason


class FilterRules(Vertical):
    """The rules of the scope in their order.

    `edit_rule` and `add_rule` open a line in the list; `finish` and `cancel` close it.
    """

    DEFAULT_CSS = """
    FilterRules { layers: list line; }
    FilterRules Table { height: 1fr; layer: list; }
    FilterRules RuleLine { height: 1; display: none; layer: line; position: absolute; }
    FilterRules.-editing RuleLine { display: block; }
    """

    class Changed(Message):
        """The rules are others, or another one is under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rules: list[FilterRule] = []
        self._before: list[FilterRule] | None = None
        self._line = RuleLine()
        self.table: Table[Numbered] = Table(_COLUMNS, _cells, lambda numbered: str(numbered[0]))

    def compose(self) -> ComposeResult:
        """Build the list, and the line over it."""
        yield self.table
        yield self._line

    @property
    def value(self) -> tuple[FilterRule, ...]:
        """The rules, with the one that is being edited as it is entered."""
        return tuple(self._rules)

    @value.setter
    def value(self, rules: Iterable[FilterRule]) -> None:
        self._close()
        self._show(list(rules))

    @property
    def place(self) -> int:
        """The place of the rule under the cursor."""
        current = self.table.current
        return current[0] if current else 0

    @property
    def editing(self) -> bool:
        """Whether a rule is being edited."""
        return self._before is not None

    def add_rule(self) -> None:
        """Add a rule at the end and edit it."""
        before = self._rules
        self._show([*before, NEW_RULE])
        self.table.action_go_to(-1)
        self.edit_rule()
        self._before = before

    def edit_rule(self) -> None:
        """Edit the rule under the cursor."""
        self._before = list(self._rules)
        self._line.show(self.place + 1, self._rules[self.place])
        self.add_class("-editing")
        self.call_after_refresh(self._put_line)
        self._line.pattern.focus()
        self.table.disabled = True
        self.post_message(self.Changed())

    def finish(self) -> None:
        """Take the rule as it was entered."""
        self._close()
        self._show(self._rules)

    def cancel(self) -> bool:
        """Give the edit up; tell whether there was one."""
        if self._before is None:
            return False
        self.value = self._before
        return True

    def remove_rule(self) -> None:
        """Remove the rule under the cursor."""
        self._show(self._rules[: self.place] + self._rules[self.place + 1 :])

    def move_rule(self, step: int) -> None:
        """Move the rule under the cursor by so many places."""
        rules, place = list(self._rules), self.place
        rules[place], rules[place + step] = rules[place + step], rules[place]
        self._show(rules)
        self.table.action_move(step)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the line at its place."""
        self.call_after_refresh(self._put_line)

    @on(Input.Changed)
    @on(Choice.Changed)
    def _take(self, event: Message) -> None:
        event.stop()
        if self._before is not None:
            self._rules[self.place] = self._line.rule
            self.post_message(self.Changed())

    @on(Input.Submitted)
    async def _accept(self, event: Input.Submitted) -> None:
        event.stop()
        await self.screen.run_action("edit")

    @on(Table.Moved)
    def _moved(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed())

    def _show(self, rules: list[FilterRule]) -> None:
        self._rules = rules
        self.table.load(list(enumerate(rules)))

    def _close(self) -> None:
        self.table.disabled = False
        if self._line.has_focus_within:
            self.table.focus()
        self._before = None
        self.remove_class("-editing")

    def _put_line(self) -> None:
        if self.editing:
            self._line.styles.offset = (0, self.table.cursor_line)


def _cells(numbered: Numbered) -> tuple[str, ...]:
    place, rule = numbered
    return (f"{place + 1}", rule.action, rule.field, rule.pattern, rule.reason)
