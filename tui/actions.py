"""The one registry of actions: it feeds bindings, key line, command palette and help.

An action `users.delete` belongs to the scope `users` and calls `action_delete` of the screen that
has this scope; the scope `app` belongs to the application.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from textual.binding import Binding, BindingType

APP = "app"


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do. `key` may name several keys, separated by commas."""

    id: str
    key: str
    label: str
    tooltip: str

    @property
    def scope(self) -> str:
        """The screen or kind of dialog that the action belongs to, or `app`."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The name under which the action's method is called."""
        return self.id.partition(".")[2]

    @property
    def key_text(self) -> str:
        """The first key as people write it."""
        key = self.key.split(",")[0]
        return _KEY_TEXTS.get(key) or key.replace("ctrl+", "^").upper() if len(key) > 1 else key


_KEY_TEXTS = {"escape": "Esc", "slash": "/", "space": "Space", "enter": "Enter"}

ACTIONS = (
    Action("app.connection", "f2", "Connection", "How the directory service is reached."),
    Action("app.options", "f3", "Options", "Automatic deletion, delete guard, filters, archive."),
    Action("app.privileges", "f4", "Privileges", "Default privileges of users that a sync makes."),
    Action("app.synchronize", "f5", "Synchronize", "Test Settings and Synchronize now."),
    Action("app.users", "f6", "Users", "All users, their authentication method and password."),
    Action("app.help", "f1", "Help", "Show every key of this screen and what it does."),
    Action("app.command_palette", "ctrl+p", "Actions", "Search the actions by name."),
    Action("app.back", "escape", "Back", "Back out by one level; a form asks if it has changes."),
    Action("app.quit", "q,ctrl+q", "Quit", "Leave mailroster; asks if something is unsaved."),
    Action("logon.log_on", "enter", "Log on", "Log on with the user name and password entered."),
    Action("first.create", "ctrl+s", "Create", "Create the first administrator and log on."),
    Action("form.save", "ctrl+s", "Save", "Check and save what this form holds."),
    Action(
        "connection.check",
        "ctrl+t",
        "Check connection",
        "Ask the directory for its users with the values entered, saved or not.",
    ),
    Action("options.add", "n", "New rule", "Add a filter rule at the end of the list."),
    Action("options.edit", "enter", "Edit", "Change the filter rule under the cursor."),
    Action("options.remove", "x,delete", "Remove", "Remove the filter rule under the cursor."),
    Action("options.up", "u", "Up", "Move the filter rule under the cursor up."),
    Action("options.down", "d", "Down", "Move the filter rule under the cursor down."),
    Action("synchronize.test", "t", "Test Settings", "Ask the directory, show what would change."),
    Action("synchronize.synchronize", "s", "Synchronize now", "Apply the changes shown."),
    Action(
        "synchronize.skip", "space", "Skip", "Leave the change under the cursor out, or take it in."
    ),
    Action("synchronize.filter", "slash", "Filter", "Show only the lines that contain a text."),
    Action("demo.switch_directory", "d", "Switch directory", "Demo: change the directory."),
    Action(
        "users.switch_authentication",
        "a",
        "Authentication",
        "Switch the authentication method of the user under the cursor, or of all marked ones.",
    ),
    Action("users.new", "n", "New", "Add a user by hand."),
    Action(
        "users.delete", "x,delete", "Delete", "Delete the user under the cursor, or the marked."
    ),
    Action("users.set_password", "p", "Password", "Set a local password for an integrated user."),
    Action("users.details", "enter", "Details", "Show everything about the user under the cursor."),
    Action("users.mark", "space", "Mark", "Mark the user under the cursor, or take the mark away."),
    Action("users.filter", "slash", "Filter", "Show only the users that contain a text."),
    Action("dialog.cancel", "escape", "Cancel", "Close without doing anything."),
    Action("message.close", "enter,escape", "Close", "Close this message."),
    Action("confirm.yes", "y", "Yes", "Do it."),
    Action("confirm.no", "n,escape", "No", "Do nothing."),
    Action("entry.accept", "enter", "OK", "Take what was entered."),
    Action("number.accept", "enter", "Apply all", "Apply everything; needs the exact number."),
    Action("number.hold", "h", "Hold deletions", "Apply everything but the deletions."),
)


class Explains(Protocol):
    """Whoever has actions: `why_not` says why one cannot be done now, None if it can."""

    def why_not(self, name: str) -> str | None:
        """Return the reason, or None."""


def actions_of(*scopes: str) -> list[Action]:
    """Return the actions of `scopes`, in their order."""
    return [action for scope in scopes for action in ACTIONS if action.scope == scope]


def bindings_for(*scopes: str) -> list[BindingType]:
    """Return the bindings of `scopes`."""
    return [
        Binding(action.key, action.name, action.label, tooltip=action.tooltip, id=action.id)
        for action in actions_of(*scopes)
    ]


def reason_against(action: Action, screen: Any) -> str | None:
    """Return why `action` cannot be done on `screen` now, or None if it can."""
    owner: Explains = screen.app if action.scope == APP else screen
    return owner.why_not(action.name)
