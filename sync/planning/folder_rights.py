"""The rights on archive folders, which go by the owner's name: they follow when users are renamed.

Rights that others hold on a deleted user's folder stay, so that a deputy still reads the mail that
stays; but they end when somebody new gets that name, whose mail they must not open. That they end
is a change of the plan; that they move is part of the rename.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Literal

from store.interface import Edit
from store.models import User, UserRow
from store.names import match_key
from store.text import printable
from sync.planning.changes import rights_text
from sync.planning.plan import Change, FieldChange

Rights = dict[str, list[str]]
RIGHTS: Literal["folder_privileges"] = "folder_privileges"

_folders = itemgetter(RIGHTS)


def renamed_keys(edits: Sequence[Edit]) -> dict[str, str]:
    """Map the old keys of the users whom the edits rename to the new ones."""
    return {
        edit.key: key
        for edit in edits
        if edit.rev and edit.user and (key := edit.user.key) != edit.key
    }


def new_keys(edits: Sequence[Edit]) -> set[str]:
    """Return the keys of users whom the edits make anew, not of those whom an undo brings back."""
    return {edit.key for edit in edits if not edit.rev and edit.user and not edit.user.created}


def settled_keys(users: Mapping[str, UserRow], changes: Iterable[Change]) -> set[str]:
    """Return the keys of users who stay and whose change itself says what rights they have."""
    return {
        change.edit.key
        for change in changes
        if change.edit
        and change.edit.rev
        and change.edit.user
        and not change.follows
        and change.edit.user.folder_privileges != users[change.edit.key][RIGHTS]
    }


def with_ended_rights(users: Mapping[str, UserRow], changes: Iterable[Change]) -> list[Change]:
    """Return the changes with the end of everybody's rights on folders that get a new owner.

    A user who changes anyway has it as one field more, another one gets a change that `follows`
    those of the new owners. Both are found anew where they are there already.
    """
    own = [change for change in changes if not change.follows]
    edits = [change.edit for change in own if change.edit]
    settled = settled_keys(users, own)
    renamed = renamed_keys(edits)
    taken = (new_keys(edits) | set(renamed.values())) - renamed.keys()
    losing: dict[str, set[str]] = {}
    if taken and not taken.isdisjoint(chain.from_iterable(map(_folders, users.values()))):
        losing = {
            key: ended
            for key, row in users.items()
            if key not in settled and (ended := taken & row[RIGHTS].keys())
        }
    shown = []
    for change in own:
        if change.edit and change.edit.rev and change.edit.key not in settled:
            ended = losing.pop(change.edit.key, set())
            if change.edit.user and (ended or RIGHTS in change.fields):
                change = _with_field(change, users[change.edit.key], ended)
        shown.append(change)
    return [*shown, *(_ending(users[key], ended) for key, ended in losing.items())]


def _with_field(change: Change, row: UserRow, ended: set[str]) -> Change:
    fields = {name: both for name, both in change.fields.items() if name != RIGHTS}
    return replace(change, fields={**fields, RIGHTS: _ended(row, ended)} if ended else fields)


def _ending(row: UserRow, ended: set[str]) -> Change:
    before = User.from_row(row)
    left = {folder: given for folder, given in row[RIGHTS].items() if folder not in ended}
    names = ", ".join(f"“{printable(name, 60)}”" for name in sorted(ended))
    return Change(
        action="update",
        user_name=row["user_name"],
        reason=f"rights end, as the archive folder of {names} gets a new owner",
        fields={RIGHTS: _ended(row, ended)},
        edit=Edit.update(before, replace(before, folder_privileges=left)),
        follows=tuple(sorted(ended)),
    )


def _ended(row: UserRow, ended: set[str]) -> FieldChange:
    left = {folder: given for folder, given in row[RIGHTS].items() if folder not in ended}
    return FieldChange(rights_text(row[RIGHTS]), rights_text(left))


def returned_keys(changes: Iterable[Change]) -> dict[str, str]:
    """Map the keys of folders that move with users who come or go under another name.

    Who comes back brings the folder of the earlier name; if that is undone it moves back.
    """
    moved: dict[str, str] = {}
    for change in changes:
        if change.edit and change.candidates and change.action in ("return", "create", "delete"):
            earlier, name = match_key(change.candidates[0]), match_key(change.user_name)
            moved.update({earlier: name} if change.edit.user else {name: earlier})
    return moved


def with_moved_rights(
    users: Mapping[str, UserRow],
    edits: Sequence[Edit],
    settled: Collection[str] = (),
    returned: Mapping[str, str] | None = None,
) -> list[Edit]:
    """Return the edits with everybody's rights on renamed folders under the new names.

    Rights that others hold on the name of a user who is made anew have ended by edits of theirs
    (`with_ended_rights`). Users without an edit of their own get one where rights move. An edit to
    a user who stays speaks of folders by their old names, the edit that makes a user by the new
    ones, and so do those of the `settled` keys. The folders of `returned` users move like those of
    renamed ones.
    """
    renamed, new = {**renamed_keys(edits), **(returned or {})}, new_keys(edits)
    if not renamed and not new:
        return list(edits)
    concerned = {*renamed, *renamed.values(), *new}
    moved = [
        edit
        if not edit.rev
        or not edit.user
        or edit.key in settled
        or concerned.isdisjoint(edit.user.folder_privileges)
        else replace(edit, user=_with_rights(edit.user, renamed, new))
        for edit in edits
    ]
    edited = {edit.key for edit in edits if edit.rev}
    return [*moved, *(_others(users, edited, concerned, renamed, new) if renamed else ())]


def _others(
    users: Mapping[str, UserRow],
    edited: set[str],
    concerned: set[str],
    renamed: Mapping[str, str],
    new: set[str],
) -> Iterator[Edit]:
    if concerned.isdisjoint(chain.from_iterable(map(_folders, users.values()))):
        return
    for key, row in users.items():
        if key not in edited and not concerned.isdisjoint(row["folder_privileges"]):
            before = User.from_row(row)
            yield Edit.update(before, _with_rights(before, renamed, new))


def _with_rights(user: User, renamed: Mapping[str, str], new: set[str]) -> User:
    return replace(user, folder_privileges=moved_rights(user.folder_privileges, renamed, new))


def moved_rights(rights: Rights, renamed: Mapping[str, str], new: Collection[str] = ()) -> Rights:
    """Return the rights with the old names of folders replaced by the new ones.

    Rights on a new name that nobody leaves are a former user's, and must not open another's mail;
    nor those on the name of somebody `new`.
    """
    taken = {*renamed.values(), *new}
    return {
        renamed.get(folder, folder): list_
        for folder, list_ in rights.items()
        if folder in renamed or folder not in taken
    }
