"""The rights on archive folders, which go by the owner's name: they follow when users are renamed.

Rights that others hold on a deleted user's folder stay, so that a deputy still reads the mail that
stays; but they end when somebody new gets that name, whose mail they must not open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter

from store.interface import Edit
from store.models import User, UserRow

Rights = dict[str, list[str]]

_folders = itemgetter("folder_privileges")


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


def with_moved_rights(users: Mapping[str, UserRow], edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits with everybody's rights on renamed folders under the new names.

    Rights that others hold on the name of a user who is made anew end. Users without an edit of
    their own get one where they have such rights. An edit to a user who stays speaks of folders
    by their old names, the edit that makes a user by the new ones.
    """
    renamed, new = renamed_keys(edits), new_keys(edits)
    if not renamed and not new:
        return list(edits)
    concerned = {*renamed, *renamed.values(), *new}
    moved = [
        edit
        if not edit.rev or not edit.user or concerned.isdisjoint(edit.user.folder_privileges)
        else replace(edit, user=_with_rights(edit.user, renamed, new))
        for edit in edits
    ]
    edited = {edit.key for edit in edits if edit.rev}
    return [*moved, *_others(users, edited, concerned, renamed, new)]


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
