"""Options: automatic deletion, the delete guard, the filters and the archive root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from store.models import REASON_MARK, FilterRule, Settings
from store.text import printable
from sync.directory.listing import Listing
from sync.planning.filters import RULE_ACTIONS, RULE_FIELDS, parse_rule, rule_text, scope_of
from tui.actions import bindings_for
from tui.screens.dialogs import Entry
from tui.screens.settings_form import SettingsForm
from tui.widgets.fields import Field, Tick, row
from tui.widgets.plain import lines
from tui.widgets.table import Column, Table

RULE_HELP = (
    f"{', '.join(RULE_ACTIONS)}; then {', '.join(RULE_FIELDS)}; then a pattern with * "
    f"and ?; then, if you like,{REASON_MARK}and a reason.\n"
    "In scope is who matches an include rule, or there is none, and no exclude or skip rule. "
    "A skip rule leaves users alone: they are not deleted either."
)
_NAMES_LENGTH = 90
_NEEDS_RULE = ("edit", "remove", "up", "down")
Numbered = tuple[int, FilterRule]


class OptionsScreen(SettingsForm):
    """What a sync may do, and for whom."""

    NAME = "options"
    SCOPES = ("options", "form")
    CSS_PATH = "options.tcss"
    BINDINGS = bindings_for(*SCOPES)
    KEYS = (
        "auto_delete",
        "guard_max_deletes",
        "guard_max_delete_percent",
        "guard_small_deletes",
        "guard_max_shrink_percent",
        "archive_root",
        "filters",
    )

    def __init__(self) -> None:
        super().__init__()
        self._rules: list[FilterRule] = []
        self._table: Table[Numbered] = Table(
            [
                Column("", width=4),
                Column("Rule", width=9),
                Column("Field", width=19),
                Column("Pattern", 3),
                Column("Reason", 2),
            ],
            _rule_cells,
            lambda numbered: str(numbered[0]),
            id="filters",
        )

    def body(self) -> ComposeResult:
        """Build the form over the list of rules."""
        with VerticalScroll(classes="form", can_focus=False):
            yield row("", Tick("Automatically delete users", id="auto_delete"))
            yield row("Archive root", Field(placeholder="beside the store", id="archive_root"))
            yield Static(
                "Delete guard: the number must be typed if a sync deletes", classes="section"
            )
            yield row("more users than", Field(id="guard_max_deletes"))
            yield row("or more % of managed than", Field(id="guard_max_delete_percent"))
            yield row("  and more users than", Field(id="guard_small_deletes"))
            yield row("or if % fewer are listed", Field(id="guard_max_shrink_percent"))
        yield Static("Filters", classes="section filters")
        yield self._table
        yield Static(markup=False, id="scope")
        yield Static(markup=False, id="message")

    def put(self, key: str, value: Any) -> None:
        """Show the value of one setting."""
        if key == "filters":
            self._show_rules(list(value))
        else:
            super().put(key, value)

    def get(self, key: str) -> Any:
        """Return what is entered for one setting."""
        return tuple(self._rules) if key == "filters" else super().get(key)

    def follow_draft(self, settings: Settings) -> None:
        """Say how many users are in scope."""
        self.query_one("#scope", Static).update(self._scope_text(settings.filters))

    def on_screen_resume(self) -> None:
        """Take notice of what was fetched meanwhile."""
        if self.is_mounted:
            self.check()

    def on_descendant_focus(self) -> None:
        """The keys for rules work in their list alone."""
        self.refresh_bindings()

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now."""
        if name in (*_NEEDS_RULE, "add") and isinstance(self.focused, Input):
            return "What is typed goes into the field; leave it first (Tab)."
        if name in _NEEDS_RULE:
            if not self._rules:
                return "There is no filter rule; n adds one."
            if self.focused is not self._table:
                return "Go to the list of filter rules first (Tab)."
            if name == "up" and self._place == 0:
                return "This rule is the first one."
            if name == "down" and self._place == len(self._rules) - 1:
                return "This rule is the last one."
        return super().why_not(name)

    @property
    def _place(self) -> int:
        current = self._table.current
        return current[0] if current else 0

    def on_table_moved(self) -> None:
        """Another rule is under the cursor."""
        self.refresh_bindings()

    @work(exclusive=True, group="rule", exit_on_error=False)
    async def action_add(self) -> None:
        """Add a rule at the end."""
        await self._enter_rule("New filter rule", "exclude user_name ", len(self._rules))

    @work(exclusive=True, group="rule", exit_on_error=False)
    async def action_edit(self) -> None:
        """Change the rule under the cursor."""
        place = self._place
        await self._enter_rule("Filter rule", rule_text(self._rules[place]), place)

    def action_remove(self) -> None:
        """Remove the rule under the cursor."""
        place = self._place
        self._change_rules(self._rules[:place] + self._rules[place + 1 :])

    def action_up(self) -> None:
        """Move the rule under the cursor up."""
        self._move(-1)

    def action_down(self) -> None:
        """Move the rule under the cursor down."""
        self._move(1)

    def _move(self, step: int) -> None:
        place, rules = self._place, list(self._rules)
        rules[place], rules[place + step] = rules[place + step], rules[place]
        self._change_rules(rules)
        self._table.action_move(step)

    async def _enter_rule(self, title: str, value: str, place: int) -> None:
        def rules_with(text: str) -> list[FilterRule]:
            return [*self._rules[:place], parse_rule(text), *self._rules[place + 1 :]]

        text = await self.ask(
            Entry(
                title,
                lines(*RULE_HELP.split("\n")),
                value,
                lambda text: self._scope_text(rules_with(text)),
            )
        )
        if text is not None:
            self._change_rules(rules_with(text))
            self._table.focus()

    def _change_rules(self, rules: list[FilterRule]) -> None:
        self._show_rules(rules)
        self.check()

    def _show_rules(self, rules: list[FilterRule]) -> None:
        self._rules = rules
        self._table.load(list(enumerate(rules)))

    def _scope_text(self, rules: Sequence[FilterRule]) -> Text:
        listing = self.app.listing
        if listing is None:
            return Text("How many users are in scope shows after Test Settings (F5).", "dim")
        return scope_text(listing, self.opened.filters, rules)


def scope_text(listing: Listing, before: Sequence[FilterRule], after: Sequence[FilterRule]) -> Text:
    """Return how many listed users are in scope under `after`, and who was not or no longer is."""
    was, now = scope_of(before), scope_of(after)
    inside = 0
    come: list[str] = []
    leave: list[str] = []
    for user in listing.users:
        is_in = now(user)
        inside += is_in
        if is_in != was(user):
            (come if is_in else leave).append(user.user_name)
    return lines(
        f"{inside} of {len(listing.users)} last fetched users in scope, "
        f"{len(come) + len(leave)} change side",
        *(
            Text.assemble((f"{word} ({len(names)}): ", colour), _names(names))
            for word, colour, names in (("+ come in", "green", come), ("- leave", "red", leave))
            if names
        ),
    )


def _names(names: list[str]) -> Text:
    """Return as many of `names` as two lines of a narrow terminal hold."""
    shown: list[str] = []
    length = 0
    for name in names:
        shown.append(printable(name, 40))
        length += len(shown[-1]) + 2
        if length > _NAMES_LENGTH:
            break
    rest = len(names) - len(shown)
    return Text(", ".join(shown) + (f" and {rest} more" if rest else ""))


def _rule_cells(numbered: Numbered) -> tuple[str, ...]:
    place, rule = numbered
    return (f"{place + 1}", rule.action, rule.field, rule.pattern, rule.reason)
