"""The one registry of actions: it feeds bindings, key line, command palette and help.

An action `user.delete` belongs to the scope `user` and calls `action_delete` of a screen that has
this scope; the scope `app` belongs to the application.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from textual.binding import Binding, BindingType

APP = "app"
ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do. `key` may name several keys, separated by commas.

    A read-only session does not offer an action that `writes` to the user database. The key line
    leaves out a `rare` action; help and palette show it.
    """

    id: str
    key: str
    label: str
    tooltip: str
    writes: bool = False
    rare: bool = False

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
        return key_text(self.key)


READ_ONLY = "This session is read-only (--readonly)."
_KEY_TEXTS = {"escape": "Esc", "slash": "/", "space": "Space", "enter": "Enter", "at": "@"}


def key_text(keys: str) -> str:
    """Return the first of these keys as people write it."""
    key = keys.split(",")[0]
    return _KEY_TEXTS.get(key) or key.replace("ctrl+", "^").upper() if len(key) > 1 else key


HELP = Action(
    "app.help", "f1,question_mark", "Help", "Show every key of this screen and what it does."
)
ACTIONS = (
    Action(
        "app.connection", "f2", "Connection", "Set up how mailroster reaches the directory service."
    ),
    Action(
        "app.options", "f3", "Options", "Set automatic deletion, delete guard, filters, archive."
    ),
    Action(
        "app.privileges",
        "f4",
        "Privileges",
        "Set the default privileges of users that a sync creates.",
    ),
    Action("app.synchronize", "f5", "Synchronize", "Test Settings and Synchronize now."),
    Action("app.users", "f6", "Users", "See and change users, their authentication and passwords."),
    Action("app.history", "f7", "History", "See what was done, when and by whom, and undo it."),
    HELP,
    Action("app.command_palette", "ctrl+p", "Actions", "Find actions, users, settings and themes."),
    Action("app.back", "escape", "Back", "Go back one level; a form with changes asks first."),
    Action("app.quit", "q,ctrl+q", "Quit", "Leave mailroster; it asks if something is unsaved."),
    Action("logon.log_on", "enter", "Log on", "Log on with the user name and password entered."),
    Action(
        "quick.change_password", "p", "Change password", "Change your own local password.", True
    ),
    Action("first.create", "ctrl+s", "Create", "Create the first administrator and log on.", True),
    Action("form.save", "ctrl+s", "Save", "Check and save this form.", True),
    Action(
        "connection.check",
        "ctrl+t",
        "Check connection",
        "Ask the directory for its users with the values entered, saved or not.",
    ),
    Action(
        "connection.certificate",
        "ctrl+g",
        "Certificate",
        "Look at the server's certificate, and pin it or name its CA's file.",
    ),
    Action("connection.unpin", "ctrl+r", "Unpin", "Stop trusting the pinned certificate."),
    Action(
        "connection.forget_password",
        "ctrl+o",
        "Forget password",
        "Remove the stored password of the directory when the form is saved.",
    ),
    Action("connection.try_log_on", "ctrl+l", "Try a log-on", "Check a log-on step by step."),
    Action("options.add", "n", "New rule", "Add a filter rule at the end of the list."),
    Action(
        "options.edit",
        "enter",
        "Edit",
        "Edit the filter rule under the cursor; Enter again keeps it, Esc discards it.",
    ),
    Action("options.remove", "x,delete", "Remove", "Remove the filter rule under the cursor."),
    Action("options.up", "u", "Up", "Move the filter rule under the cursor up."),
    Action("options.down", "d", "Down", "Move the filter rule under the cursor down."),
    Action(
        "options.forget_webhook",
        "ctrl+o",
        "Forget webhook",
        "Remove the stored URL of the webhook when the form is saved.",
        rare=True,
    ),
    Action(
        "synchronize.test", "t", "Test Settings", "Ask the directory and show what would change."
    ),
    Action("synchronize.synchronize", "s", "Synchronize now", "Apply the changes shown.", True),
    Action(
        "synchronize.skip",
        "space",
        "Skip",
        "Skip the change under the cursor, or include it again.",
    ),
    Action(
        "synchronize.skip_group",
        "a",
        "Skip group",
        "Skip all changes of this kind, or include them again.",
    ),
    Action(
        "synchronize.answer",
        "enter",
        "Answer",
        "Answer the question under the cursor: a rename, a return, ids, or a local user to link.",
    ),
    Action("synchronize.mark", "m", "Mark", "Mark a line, to answer all marked lines together."),
    Action(
        "synchronize.skip_always",
        "x",
        "Skip always",
        "Leave the user, or all marked users, alone from now on; a filter keeps the reason.",
        True,
        rare=True,
    ),
    Action(
        "synchronize.save_plan",
        "p",
        "Save plan",
        "Save this plan to a file, to apply it later as it is.",
        True,
        rare=True,
    ),
    Action(
        "synchronize.warnings",
        "w",
        "Warnings",
        "Show the warnings about the directory's answer in full.",
        rare=True,
    ),
    Action(
        "synchronize.report",
        "e",
        "Report",
        "Write the plan, the failure or the result to a JSON or CSV file.",
        rare=True,
    ),
    Action("demo.switch_directory", "d", "Switch directory", "Demo: change the directory."),
    Action(
        "user.switch_authentication",
        "a",
        "Authentication",
        "Switch the method of the user, or of all marked users.",
        True,
    ),
    Action("user.explain", "e", "Explain", "Show step by step why the user can or cannot log on."),
    Action(
        "user.story",
        "h",
        "History",
        "Show what was done to the user, when, by whom and by which run.",
    ),
    Action(
        "user.privileges",
        "v",
        "Privileges",
        "Give and take privileges of the user, or of all marked users.",
        True,
    ),
    Action(
        "user.set_password", "p", "Password", "Set a local password of an integrated user.", True
    ),
    Action(
        "user.unlock",
        "u",
        "Unlock",
        "Clear the failed log-ons of the user, or of all marked users.",
        True,
    ),
    Action(
        "user.copy_address",
        "at",
        "Copy address",
        "Copy the primary address, if the terminal can.",
        rare=True,
    ),
    Action("user.edit", "c", "Change", "Change full name, distinguished name and addresses.", True),
    Action("user.rename", "r", "Rename", "Change the user name; the archive moves along.", True),
    Action("user.delete", "x,delete", "Delete", "Delete the user, or all marked users.", True),
    Action("users.new", "n", "New", "Add a user by hand.", True),
    Action("users.details", "enter", "Details", "Show everything about the user under the cursor."),
    Action("users.mark", "space", "Mark", "Mark the user under the cursor, or unmark it."),
    Action("users.mark_all", "m", "Mark all", "Mark all users that are shown, or unmark them all."),
    Action(
        "users.undo_switch",
        "z",
        "Undo switch",
        "Undo the last switch of authentication methods.",
        True,
        rare=True,
    ),
    Action(
        "page.rights", "enter", "Rights", "Change the rights on the folder under the cursor.", True
    ),
    Action("page.add_rights", "n", "New rights", "Give rights on another archive folder.", True),
    Action("history.details", "enter", "Details", "Show every change of the run under the cursor."),
    Action("history.show_undo", "u", "Undo", "Show what an undo of this run would change."),
    Action(
        "history.pinned",
        "p",
        "Pinned users",
        "Show the users that syncs do not delete until you release them.",
    ),
    Action("history.report", "e", "Report", "Write this run to a JSON or CSV file."),
    Action("run.show_undo", "u", "Undo", "Show what an undo of this run would change."),
    Action(
        "run.story", "h", "History of the user", "Show what else was done to the user in the line."
    ),
    Action("run.report", "e", "Report", "Write this run to a JSON or CSV file."),
    Action("undo.apply", "u", "Undo now", "Undo the run as shown.", True),
    Action("undo.skip", "space", "Skip", "Skip the change under the cursor, or include it again."),
    Action(
        "undo.skip_group",
        "a",
        "Skip group",
        "Skip all changes of this kind, or include them again.",
    ),
    Action(
        "undo.old_passwords",
        "w",
        "Old passwords",
        "Restore older passwords too, or keep the newer ones.",
    ),
    Action("undo.report", "e", "Report", "Write the plan, the failure or the result to a file."),
    Action("pinned.release", "r", "Release", "Let syncs delete these users again.", True),
    Action("pinned.details", "enter", "Details", "Show everything about the user."),
    Action("pinned.mark", "space", "Mark", "Mark the user under the cursor, or unmark it."),
    Action(
        "pinned.mark_all", "m", "Mark all", "Mark all users that are shown, or unmark them all."
    ),
    Action(
        "table.filter",
        "slash",
        "Filter",
        "Show only lines with a text, or after ! without it; column:text looks in one column.",
    ),
    Action(
        "table.sort",
        "o",
        "Sort",
        "Sort by the next column; after the last one, stop sorting.",
        rare=True,
    ),
    Action("table.reverse", "O", "Reverse", "Reverse the sort order.", rare=True),
    Action("filter.take", "enter,down", "To the lines", "Keep the filter and go to the lines."),
    Action("rows.up", "up,k", "Up", "Go to the line above.", rare=True),
    Action("rows.down", "down,j", "Down", "Go to the line below.", rare=True),
    Action("rows.page_up", "pageup", "Page up", "Go up by a page.", rare=True),
    Action("rows.page_down", "pagedown", "Page down", "Go down by a page.", rare=True),
    Action("rows.first", "home,g", "First", "Go to the first line.", rare=True),
    Action("rows.last", "end,G", "Last", "Go to the last line.", rare=True),
    Action("rows.copy", "y", "Copy", "Copy the name in the line, if the terminal can.", rare=True),
    Action("rows.copy_row", "Y", "Copy line", "Copy the whole line, with tabs.", rare=True),
    Action("method.integrated", "i", "Integrated", "Switch to local passwords."),
    Action("method.directory", "d", "Directory Services", "Switch to the directory's passwords."),
    Action("question.same", "r", "Rename", "The same person: privileges and archive move along."),
    Action("question.separate", "s", "Separate", "Somebody else: the sync creates a new user."),
    Action("question.leave", "l", "Leave open", "Take the answer back."),
    Action("question.same_all", "R", "Rename all", "Rename all marked, or all that are shown."),
    Action(
        "question.separate_all",
        "S",
        "Separate all",
        "Take all marked, or all shown, as somebody else.",
    ),
    Action("question.leave_all", "L", "Leave all open", "Take all these answers back."),
    Action("link.link", "i", "Link", "The same person: the directory checks the password then."),
    Action("link.leave", "l", "Leave", "Take the answer back; the local user stays as it is."),
    Action("link.link_all", "I", "Link all", "Link all marked local users, or all shown."),
    Action("link.leave_all", "L", "Leave all", "Take all these answers back."),
    Action(
        "return.return",
        "s",
        "Same person",
        "The same person: privileges and folder come back.",
    ),
    Action(
        "return.somebody_else",
        "n",
        "Somebody new",
        "Somebody new: the old folder is set aside.",
    ),
    Action("return.leave", "l", "Leave open", "Take the answer back."),
    Action(
        "return.return_all",
        "S",
        "All the same",
        "Take all marked, or all shown, as the same people.",
    ),
    Action(
        "return.somebody_else_all",
        "N",
        "All new",
        "Take all marked, or all shown, as somebody new.",
    ),
    Action("return.leave_all", "L", "Leave all open", "Take all these answers back."),
    Action("ids.take", "t", "Take over", "Store the ids that the directory lists with the names."),
    Action("ids.leave", "l", "Leave open", "Take the answer back."),
    Action("dialog.cancel", "escape", "Cancel", "Close without doing anything."),
    Action("message.close", "enter,escape", "Close", "Close this message."),
    Action("palette.accept", "enter", "Go", "Do it, or go there."),
    Action("confirm.yes", "y", "Yes", "Do what the title asks."),
    Action("confirm.no", "n,escape", "Cancel", "Do nothing."),
    Action("entry.accept", "enter", "OK", "Take what was entered."),
    Action("certificate.pin", "p", "Pin", "Trust this certificate and no other."),
    Action("certificate.ca_file", "c", "CA file", "Name the file of the CA that issued it."),
    Action("trial.accept", "enter", "Try", "Try the log-on; the password is not kept."),
    Action("number.accept", "enter", "Apply all", "Apply everything; needs the exact number."),
    Action("number.hold", "h", "Hold deletions", "Apply everything but the deletions."),
)


class Explains(Protocol):
    """A screen or the application: an object that has actions."""

    @property
    def app(self) -> Any:
        """The application."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the actions that are offered."""

    def why_not(self, name: str) -> str | None:
        """Return why the action cannot be done now, None if it can."""


def actions_of(*scopes: str) -> list[Action]:
    """Return the actions of `scopes`, in their order."""
    return [action for scope in scopes for action in ACTIONS if action.scope == scope]


def bindings_for(*scopes: str) -> list[BindingType]:
    """Return the bindings of `scopes`."""
    return [
        Binding(action.key, action.name, action.label, tooltip=action.tooltip, id=action.id)
        for action in actions_of(*scopes)
    ]


def shown_key(action: Action, app: Any) -> str:
    """Return the action's key in this session, as people write it."""
    return key_text(app.keys.get(action.id, action.key))


def reason_against(action: Action, screen: Any) -> str | None:
    """Return why `action` cannot be done on `screen` now, or None if it can."""
    return refusal(screen.app if action.scope == APP else screen, action.name)


def refusal(owner: Explains, name: str) -> str | None:
    """Return why `owner` cannot do this now, or None if it can."""
    if owner.app.readonly and any(
        action.writes for action in actions_of(*owner.scopes) if action.name == name
    ):
        return READ_ONLY
    return owner.why_not(name)
