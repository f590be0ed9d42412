"""Privileges of a user, and rights on archive folders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from store.errors import InvalidValue
from store.models import User
from store.text import printable

NONE = "none"
ADMIN = "admin"
LOGIN = "login"
CHANGE_PASSWORD = "changePassword"  # noqa: S105 - the name of a privilege
DELETE = "delete"
READ = "read"
WRITE = "write"

PRIVILEGES = {
    NONE: "None",
    ADMIN: "Administrator",
    LOGIN: "Log on",
    CHANGE_PASSWORD: "Change own password",
    "archive": "Archive E-mail",
    "modifyArchiveProfiles": "Manage archiving profiles",
    "export": "Export E-mail",
    "modifyExportProfiles": "Manage export profiles",
    DELETE: "Delete E-mail",
}
FOLDER_PRIVILEGES = {
    NONE: "None",
    READ: "Read",
    WRITE: "Write",
    DELETE: "Delete",
}
_ALONE = (NONE, ADMIN)

HAND_MADE_PRIVILEGES = (LOGIN, CHANGE_PASSWORD)
HAND_MADE_FOLDER_PRIVILEGES = (READ, WRITE)


def privilege_labels(privileges: Iterable[str]) -> str:
    """Return what people call these privileges, in a line."""
    return ", ".join(PRIVILEGES.get(name, name) for name in privileges)


def may_log_on(privileges: Collection[str]) -> bool:
    """Tell whether these privileges allow a log-on."""
    return LOGIN in privileges or ADMIN in privileges


def may_enter(user: User) -> bool:
    """Tell whether the user may log on: by the privileges, and as nothing suspends that."""
    return may_log_on(user.privileges) and not user.is_suspended


def may_delete(privileges: Collection[str], rights: Collection[str]) -> bool:
    """Tell whether these privileges and these rights on a folder allow to delete mail in it."""
    return DELETE in rights and (DELETE in privileges or ADMIN in privileges)


def delete_gap(
    privileges: Collection[str], folder_privileges: Mapping[str, Collection[str]]
) -> str | None:
    """Return what is missing where deleting is allowed by half, else None."""
    folders = sorted(folder for folder, rights in folder_privileges.items() if DELETE in rights)
    if folders and not any(may_delete(privileges, folder_privileges[name]) for name in folders):
        return (
            f"Delete on {', '.join(f'“{printable(name, 60)}”' for name in folders)} has no effect "
            "without the privilege delete."
        )
    if DELETE in privileges and not folders:
        return "The privilege delete has no effect without delete on a folder."
    return None


def check_privileges(privileges: Collection[str]) -> list[str]:
    """Return `privileges` without repetition, in the order of the table.

    Raises `InvalidValue` for an unknown identifier, for none at all, and where `none` or `admin`
    does not stand alone.
    """
    return _check(privileges, PRIVILEGES, "privilege")


def with_changes(
    held: Collection[str], given: Collection[str], taken: Collection[str]
) -> list[str]:
    """Return the privileges `held` with those `given` and without those `taken`.

    A given `none` or `admin` takes the place of all others. A user who stays an administrator gets
    nothing else, and a user with nothing left gets `none`. Raises `InvalidValue` for what does not
    go together.
    """
    given = check_privileges(given) if given else []
    left = {*held} - {*taken}
    if not set(given) & set(_ALONE):
        if ADMIN in left:
            return [ADMIN]
        given = [*(left - {NONE}), *given]
    return check_privileges(given or [NONE])


def check_folder_privileges(privileges: Collection[str]) -> list[str]:
    """Return the rights on one archive folder, checked like `check_privileges`."""
    return _check(privileges, FOLDER_PRIVILEGES, "folder privilege")


def _check(chosen: Collection[str], known: dict[str, str], what: str) -> list[str]:
    for name in chosen:
        if name not in known:
            raise InvalidValue(
                f"“{printable(name, 60)}” is not a {what}.",
                f"Choose from: {', '.join(known)}.",
            )
    if not chosen:
        raise InvalidValue(f"No {what} was given.", "Use “none” for no access.")
    for name in _ALONE:
        if name in chosen and len(set(chosen)) > 1:
            raise InvalidValue(
                f"The {what} “{name}” cannot be combined with others.",
                f"Leave out the others, or leave out “{name}”.",
            )
    return [name for name in known if name in chosen]
