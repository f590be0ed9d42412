"""The dialogs about users: which method, what is known about one, privileges, folder rights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from textual import events
from textual.widget import Widget
from typing_extensions import override

from store.models import DIRECTORY_SERVICES, INTEGRATED, Authentication, User
from store.privileges import FOLDER_PRIVILEGES, PRIVILEGES
from tui.actions import bindings_for
from tui.screens.dialogs import Dialog
from tui.texts.plain import grouped
from tui.texts.user_fields import SYNC_REPLACES
from tui.texts.users import how_many
from tui.widgets.fields import Field, Tick, row
from tui.widgets.privilege_boxes import PrivilegeBoxes

NO_PRIVILEGE = "Choose a privilege, or None for no access."


class ChooseMethod(Dialog[Authentication]):
    """The method to switch all marked users to, where they have different ones."""

    SCOPES = ("method", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, local: int, directory: int) -> None:
        super().__init__(
            "Switch to which method?",
            f"Marked: {grouped(local)} Integrated, {grouped(directory)} Directory Services. Users "
            "that have the chosen method already stay as they are.",
        )

    def action_integrated(self) -> None:
        """Switch to local passwords."""
        self.dismiss(INTEGRATED)

    def action_directory(self) -> None:
        """Switch to the directory's passwords."""
        self.dismiss(DIRECTORY_SERVICES)


class Details(NamedTuple):
    """What `EditUser` was told."""

    full_name: str
    distinguished_name: str
    email_addresses: list[str]


class EditUser(Dialog[Details]):
    """Full name, distinguished name and addresses of a user."""

    SCOPES = ("form", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, user: User) -> None:
        text = "Separate addresses with commas; the first one is primary."
        if user.authentication == DIRECTORY_SERVICES:
            text += f" {SYNC_REPLACES}"
        super().__init__(f"Change {user.user_name}", text)
        self._user = user

    def fields(self) -> Iterator[Widget]:
        """Yield the fields."""
        user = self._user
        yield row("Full name", Field(user.full_name or "", id="full_name"))
        yield row("Distinguished name", Field(user.distinguished_name or "", id="dn"))
        yield row("E-mail addresses", Field(", ".join(user.email_addresses), id="addresses"))

    def action_accept(self) -> None:
        """Enter in the last field saves."""
        self.action_save()

    def action_save(self) -> None:
        """Take what was entered."""
        full_name, dn, addresses = (field.entered().strip() for field in self.query(Field))
        self.dismiss(Details(full_name, dn, addresses.replace(",", " ").split()))


class PrivilegeChange(NamedTuple):
    """What `ChoosePrivileges` was told."""

    given: tuple[str, ...]
    taken: tuple[str, ...]


class ChoosePrivileges(Dialog[PrivilegeChange]):
    """Privileges to give to the users and to take away."""

    SCOPES = ("form", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, users: Sequence[User]) -> None:
        held = [{*user.privileges} for user in users]
        self._of_all, some = set.intersection(*held), set.union(*held)
        text = (
            "None and Administrator exclude all others. Press an underlined letter to tick its box."
        )
        if some != self._of_all:
            text += " [~]: some users have it, and it stays as it is."
        super().__init__(f"Privileges of {how_many(users)}", text)
        self._boxes = PrivilegeBoxes(PRIVILEGES, self._of_all, mixed=some - self._of_all)

    def fields(self) -> Iterator[Widget]:
        """Yield the boxes."""
        yield self._boxes

    def on_mount(self) -> None:
        """Start at the first box."""
        self.query(Tick).first().focus()

    def on_key(self, event: events.Key) -> None:
        """Take the boxes' letters wherever the focus is."""
        self._boxes.on_key(event)

    def on_privilege_boxes_changed(self) -> None:
        """Say what is still wrong."""
        self.show_problem(self.why_not("save") or "")
        self.refresh_bindings()

    @override
    def why_not(self, name: str) -> str | None:
        if name == "save" and not self._boxes.value and not self._boxes.mixed:
            return NO_PRIVILEGE
        return None

    def action_save(self) -> None:
        """Take what was ticked."""
        ticked, mixed = self._boxes.value, self._boxes.mixed
        self.dismiss(
            PrivilegeChange(
                tuple(name for name in ticked if name not in self._of_all),
                tuple(name for name in PRIVILEGES if name not in (*ticked, *mixed)),
            )
        )


class Rights(NamedTuple):
    """What `FolderRights` was told."""

    owner: str
    rights: tuple[str, ...]


class FolderRights(Dialog[Rights]):
    """The rights on one archive folder; none ticked takes the entry away."""

    SCOPES = ("form", "dialog")
    BINDINGS = bindings_for(*SCOPES)

    def __init__(self, title: str, owner: str, rights: Collection[str]) -> None:
        super().__init__(
            title, "Enter the folder's owner by user name. Without a tick the entry is removed."
        )
        self._owner = Field(owner, placeholder="user name of the folder's owner")
        self._boxes = PrivilegeBoxes(FOLDER_PRIVILEGES, rights)

    def fields(self) -> Iterator[Widget]:
        """Yield the owner and the boxes."""
        yield row("Archive folder of", self._owner)
        yield self._boxes

    @override
    def why_not(self, name: str) -> str | None:
        if name == "save" and not self._owner.value.strip():
            return "Enter the folder's owner."
        return None

    def on_input_changed(self) -> None:
        """Grey what cannot be done now."""
        self.refresh_bindings()

    def action_accept(self) -> None:
        """Go on from the owner to the rights."""
        self.focus_next()

    def action_save(self) -> None:
        """Take what was entered."""
        self.dismiss(Rights(self._owner.value.strip(), self._boxes.value))
