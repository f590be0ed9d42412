"""Options: automatic deletion, the delete guard, notices, the filters and the archive root."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from rich.text import Text
from textual import on, work
from textual.widget import Widget
from textual.widgets import Input, Static
from typing_extensions import override

from store.interface import Snapshot
from store.models import FilterRule, Settings
from sync.status.receivers import check_webhook
from tui.actions import bindings_for
from tui.screens.settings_form import SettingsForm
from tui.widgets.fields import Field, PasswordField, Tick, row
from tui.widgets.filter_rules import FilterRules
from tui.widgets.scope import scope_text

_NEEDS_RULE = ("edit", "remove", "up", "down")
_TYPING_SECONDS = 0.1  # while somebody types on, a count would be out of date at once
_HINTS = {
    False: "exclude and skip beat include; syncs never delete a skipped user",
    True: "Enter keeps the rule, Esc drops it; arrows or a letter change a word",
}
_NO_LISTING = (
    "To see how many users are in scope, ask the directory first: Test Settings (F5), or "
    "Check connection (F2)."
)
_FEWER = "% fewer users than at the last sync"


def _number(key: str) -> Field:
    return Field(id=key, classes="number")


class OptionsScreen(SettingsForm):
    """What a sync may do, and for whom.

    A user is in scope if no exclude or skip rule matches and, where include rules exist, one does.
    """

    NAME = "options"
    SCOPES = ("options", "form")
    SECRET = "notify_webhook"  # noqa: S105 - the name of a setting
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self) -> None:
        super().__init__()
        self._rules = FilterRules(id="filters")

    def rows(self) -> Iterator[Widget]:
        """Yield the fields."""
        yield row("", Tick("Automatically delete users", id="auto_delete"))
        yield row("after", _number("delete_after_days"), "days of absence; 0: at once")
        yield row("Archive root", Field(placeholder="beside the store; or none", id="archive_root"))
        yield Static("Delete guard: stop if a sync would delete", classes="section")
        yield row("more than", _number("guard_max_deletes"), "users")
        yield row("or more than", _number("guard_max_delete_percent"), "% of the managed users")
        yield row("  and more than", _number("guard_small_deletes"), "users")
        yield row("or if the directory lists", _number("guard_max_shrink_percent"), _FEWER)
        yield Static("Notices: after a sync, report what is not well to", classes="section")
        yield row("webhook (URL)", PasswordField(id="notify_webhook"))
        yield row("mail address", Field(id="notify_mail"))

    def below(self) -> Iterator[Widget]:
        """Yield the filters, and how many users they let in."""
        yield Static(markup=False, id="hint")
        yield self._rules
        yield Static(markup=False, id="scope")

    def draft(self) -> Settings:
        """Return the settings as entered; raises `InvalidValue`, also for the webhook."""
        if webhook := self.secret():
            check_webhook(webhook)
        return super().draft()

    def follow_draft(self, settings: Settings) -> None:
        """Say how many users are in scope."""
        self._count(settings.filters)

    def show_message(self, text: Text) -> None:
        """Show this under the form, but nothing of a rule that is still being entered."""
        super().show_message(Text() if self._lacks_pattern() else text)

    def _lacks_pattern(self) -> bool:
        rules = self._rules
        return rules.editing and not rules.value[rules.place].pattern

    def on_screen_resume(self) -> None:
        """Take notice of what was fetched meanwhile."""
        if self.is_mounted:
            self.check()

    def on_descendant_focus(self) -> None:
        """The keys for rules work in their list alone."""
        self.refresh_bindings()

    @on(FilterRules.Changed)
    def _check_rules(self) -> None:
        hint = _HINTS[self._rules.editing]
        self.query_one("#hint", Static).update(Text.assemble(("Filters  ", "bold"), (hint, "dim")))
        self.check()

    def follow_store(self, snapshot: Snapshot) -> None:
        """Take over what others saved; a rule stays open, so that keys typed go on into it."""
        editing = self._rules.editing
        super().follow_store(snapshot)
        if editing and not self._rules.editing and self._rules.value:
            self._rules.edit_rule()

    @override
    def why_not(self, name: str) -> str | None:
        if name in (*_NEEDS_RULE, "add"):
            return self._why_no_rule(name)
        if name == "forget_webhook":
            return self.why_not_forget()
        return super().why_not(name)

    def _why_no_rule(self, name: str) -> str | None:
        rules = self._rules
        if rules.editing:
            if name != "edit":
                return "You are editing a rule. Press Enter to keep it, Esc to discard it."
            if self._lacks_pattern():
                return "The rule has no pattern yet. Enter one (* for everything), or press Esc."
            return None
        if isinstance(self.focused, Input):
            return "What you type goes into the field. Leave the field first (Tab)."
        if name == "add":
            return None
        if not rules.value:
            return "The list of filter rules is empty. Press n to add one."
        if self.focused is not rules.table:
            return "Go to the list of filter rules first (Tab)."
        if name == "up" and rules.place == 0:
            return "This rule is the first one."
        if name == "down" and rules.place == len(rules.value) - 1:
            return "This rule is the last one."
        return None

    async def go_back(self) -> None:
        """Give up the rule that is being edited, or leave."""
        if not self._rules.cancel():
            await super().go_back()

    def action_forget_webhook(self) -> None:
        """Remove the webhook when the form is saved."""
        self.forget_secret()

    def action_add(self) -> None:
        """Add a rule at the end."""
        self._rules.add_rule()

    def action_edit(self) -> None:
        """Change the rule under the cursor, or take what was changed."""
        if self._rules.editing:
            self._rules.finish()
        else:
            self._rules.edit_rule()

    def action_remove(self) -> None:
        """Remove the rule under the cursor."""
        self._rules.remove_rule()

    def action_up(self) -> None:
        """Move the rule under the cursor up."""
        self._rules.move_rule(-1)

    def action_down(self) -> None:
        """Move the rule under the cursor down."""
        self._rules.move_rule(1)

    @work(exclusive=True, group="count", exit_on_error=False)
    async def _count(self, rules: Sequence[FilterRule]) -> None:
        """Count the users in scope in a thread: of 100 000 users that takes a while."""
        listing = self.app.last_listing
        text = Text(_NO_LISTING, "dim")
        if listing is not None:
            await asyncio.sleep(_TYPING_SECONDS)
            text = await asyncio.to_thread(scope_text, listing, self.opened.filters, rules)
        self.query_one("#scope", Static).update(text)
