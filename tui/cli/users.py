"""`mailroster users`: look at users and change them by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from store.errors import InvalidValue, NotFound
from store.locations import archive_root
from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, INTEGRATED, Authentication, User
from store.privileges import PRIVILEGES, delete_gap
from store.text import printable, quantity
from sync.planning.leavers import LeavingOn, leaving_on
from sync.runs import by_hand
from tui.cli.session import (
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    read_password,
    table_lines,
    wrong_usage,
)
from tui.texts import user_fields

_TITLES: tuple[str, ...] = (
    "user name",
    "full name",
    "primary address",
    "authentication",
    "privileges",
)
_WIDEST = 60  # characters of a column
_method = click.Choice(list(AUTHENTICATION_LABELS))


def _privilege_option(flag: str, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    known = click.Choice(list(PRIVILEGES))
    return click.option(flag, name, multiple=True, type=known, help="A privilege; repeatable.")


@click.group()
def users() -> None:
    """Look at users and change them by hand."""


@users.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List all users, under a line of titles.

    It cuts long values; `users show` and --json have them whole.
    """
    snapshot = session.workspace.snapshot()
    found = [User.from_row(row) for row in snapshot.users.values()]
    day_of = leaving_on(snapshot.settings)
    if as_json:
        return print_json([_with_day(user, day_of) for user in found])
    if not found:
        where = session.workspace.store.where
        click.echo(
            f"{where} has no users. Run `mailroster` to create the first administrator, or name "
            "another user database with --store or MAILROSTER_STORE.",
            err=True,
        )
    rows = [_TITLES] * bool(found)
    rows += [_columns(user, day_of) for user in sorted(found, key=lambda u: u.key)]
    for line in table_lines(rows, _WIDEST):
        click.echo(line)
    return None


@users.command()
@click.argument("name")
@json_option
@pass_session
def show(session: Session, name: str, as_json: bool) -> None:
    """Show one user."""
    user, snapshot = _find(session, name), session.workspace.snapshot()
    if as_json:
        return print_json(_with_day(user, leaving_on(snapshot.settings)))
    for line in table_lines(list(user_fields.all_fields(user, snapshot))):
        click.echo(line)
    return None


@users.command()
@click.argument("name")
@click.option("--full-name", help="The full name.")
@click.option("--address", "addresses", multiple=True, help="An e-mail address; repeatable.")
@click.option(
    "--auth", type=_method, default=INTEGRATED, show_default=True, help="The authentication method."
)
@_privilege_option("--privilege", "privileges")
@json_option
@pass_session
def add(
    session: Session,
    name: str,
    full_name: str | None,
    addresses: tuple[str, ...],
    auth: Authentication,
    privileges: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a user.

    It asks for an integrated user's password, or reads it from stdin if piped. Without --privilege
    the user gets login and changePassword. The user may read and write the own archive folder.
    """
    user = User(
        user_name=name,
        full_name=full_name,
        email_addresses=list(addresses),
        authentication=auth,
        privileges=list(privileges),
    )
    password = read_password("New password", confirm=True) if auth == INTEGRATED else None
    added = by_hand.add_user(session.workspace, user, password)
    _done(added, f"Added {_name(added)}.", as_json)
    if messages := session.workspace.messages(added.user_name):
        click.echo(
            f"The archive folder of this name holds {quantity(messages, 'message')} from before, "
            "and this user gets them. If they are somebody else's, move the folder away.",
            err=True,
        )


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@json_option
@pass_session
def delete(session: Session, name: str, yes: bool, as_json: bool) -> None:
    """Delete a user. It keeps an archive folder that holds mail, and removes an empty one.

    If the directory still lists the user, the next sync brings the user back, or asks. To keep the
    user away, use `sync --skip-always NAME`.
    """
    user = _find(session, name)
    settings = session.workspace.snapshot().settings
    back = user_fields.coming_back_text([user], settings)
    if not yes:
        confirm(f"Delete {_name(user)}?")
    is_kept = bool(by_hand.delete_users(session.workspace, [user]))
    if as_json:
        archive = "kept" if is_kept else "removed"
        print_json({"user_name": user.user_name, "archive": archive})
    is_here = archive_root(settings.archive_root, session.workspace.host_path) is not None
    mail = user_fields.archive_text(is_kept=is_kept, is_here=is_here)
    click.echo("\n".join(filter(None, (f"Deleted {_name(user)}; {mail}.", back))), err=True)


@users.command("set-auth")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.argument("method", type=_method)
@click.option("--force", is_flag=True, help="Switch even if the directory does not know a name.")
@json_option
@pass_session
def set_auth(
    session: Session, names: tuple[str, ...], method: Authentication, force: bool, as_json: bool
) -> None:
    """Switch the authentication method of users.

    All switches are one write. Before a switch to Directory Services it asks the directory whether
    it knows the names. A switch to Integrated needs a local password: if you name one user and that
    user has none, it asks for one, or reads it from stdin if piped.
    """
    found = list({user.key: user for user in (_find(session, name) for name in names)}.values())
    password = None
    if method == INTEGRATED and len(found) == 1 and not found[0].password_hash:
        password = read_password("New password", confirm=True)
    if method == DIRECTORY_SERVICES and not force:
        _check_known(session, found)
    changed = by_hand.switch_authentication(session.workspace, found, method, password)
    if as_json:
        records = [_record(user) for user in changed]
        print_json(records[0] if len(names) == 1 else records)
    for user in changed:
        _done(user, f"Switched {_name(user)} to {AUTHENTICATION_LABELS[method]}.", as_json=False)


@users.command("set-password")
@click.argument("name")
@json_option
@pass_session
def set_password(session: Session, name: str, as_json: bool) -> None:
    """Set an integrated user's password.

    It asks for the password, or reads it from stdin if piped.
    """
    user = _find(session, name)
    password = read_password("New password", confirm=True)
    changed = by_hand.set_password(session.workspace, user, password)
    _done(changed, f"Set a new password for {_name(changed)}.", as_json)


@users.command()
@click.argument("name")
@click.option("--full-name", help="The full name; empty for none.")
@click.option("--dn", "distinguished_name", help="The distinguished name; empty for none.")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="An e-mail address, the first is primary; repeatable. Replaces all; empty for none.",
)
@json_option
@pass_session
def edit(
    session: Session,
    name: str,
    full_name: str | None,
    distinguished_name: str | None,
    addresses: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change full name, distinguished name or addresses."""
    user = _find(session, name)
    changes: dict[str, Any] = {}
    if full_name is not None:
        changes["full_name"] = full_name
    if distinguished_name is not None:
        changes["distinguished_name"] = distinguished_name
    if addresses:
        changes["email_addresses"] = [address for address in addresses if address]
    if not changes:
        raise wrong_usage("You named nothing to change.", "Give --full-name, --dn or --address.")
    edited = by_hand.edit_user(session.workspace, user, replace(user, **changes))
    _done(edited, f"Changed {_name(edited)}.", as_json)
    if user.authentication == DIRECTORY_SERVICES:
        click.echo(user_fields.SYNC_REPLACES, err=True)


@users.command()
@click.argument("name")
@click.argument("new_name")
@json_option
@pass_session
def rename(session: Session, name: str, new_name: str, as_json: bool) -> None:
    """Rename a user. The archive folder and everybody's rights on it move along."""
    user = _find(session, name)
    renamed = by_hand.rename_user(session.workspace, user, new_name)
    _done(renamed, f"Renamed {_name(user)} to {_name(renamed)}.", as_json)
    advice = user_fields.rename_there_too(user)
    if advice and user.key != renamed.key:
        click.echo(advice, err=True)


@users.command("set-privileges")
@click.argument("name")
@click.argument("privileges", nargs=-1, type=click.Choice(list(PRIVILEGES)))
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="OWNER=read,write",
    help="The rights on OWNER's archive folder; repeatable. OWNER= removes the entry.",
)
@json_option
@pass_session
def set_privileges(
    session: Session,
    name: str,
    privileges: tuple[str, ...],
    folders: tuple[str, ...],
    as_json: bool,
) -> None:
    """Replace privileges, rights on folders, or both. `none` and `admin` exclude all others."""
    if not privileges and not folders:
        raise wrong_usage("Name privileges, or --folder.", "")
    chosen = {}
    for folder in folders:
        owner, equals, rights = folder.rpartition("=")
        if not equals:
            raise wrong_usage(
                f"“{folder}” is not OWNER=RIGHTS.", "Write it as --folder anna=read,write."
            )
        chosen[owner] = [right.strip() for right in rights.split(",") if right.strip()]
    user = _find(session, name)
    changed = by_hand.set_privileges(session.workspace, user, privileges or None, chosen)
    _done(changed, user_fields.given_text(changed, privileges, chosen), as_json)
    if gap := delete_gap(changed.privileges, changed.folder_privileges):
        click.echo(gap, err=True)


@users.command("change-privileges")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_privilege_option("--give", "given")
@_privilege_option("--take", "taken")
@json_option
@pass_session
def change_privileges(
    session: Session,
    names: tuple[str, ...],
    given: tuple[str, ...],
    taken: tuple[str, ...],
    as_json: bool,
) -> None:
    """Give and take privileges of users.

    It is one write; other privileges stay as they are. If you give `none` or `admin`, it replaces
    all others. An administrator gets no other privilege unless you also take `admin`.
    """
    if not given and not taken:
        raise wrong_usage("Name privileges with --give, --take or both.", "")
    found = {user.key: user for user in (_find(session, name) for name in names)}.values()
    changed = by_hand.change_privileges(session.workspace, list(found), given, taken)
    if as_json:
        print_json([_record(user) for user in changed])
    for user in changed:
        _done(user, user_fields.privileges_now(user), as_json=False)


@users.command()
@click.argument("name", required=False)
@click.option("--source", metavar="ADDRESS", help="Unlock this IP address.")
@json_option
@pass_session
def unlock(session: Session, name: str | None, source: str | None, as_json: bool) -> None:
    """Unlock a user or an IP address. It clears the failed log-ons."""
    if (name is None) == (source is None):
        raise wrong_usage("Name a user or --source ADDRESS.", "")
    if name is not None:
        user = _find(session, name)
        what = user.user_name
        cleared = sum(by_hand.unlock_users(session.workspace, [user]).values())
    else:
        what, cleared = str(source), by_hand.unlock_source(session.workspace, str(source))
    if as_json:
        print_json({"unlocked": what, "had_failures": cleared > 0})
    name = printable(what)
    unlocked = f"Unlocked {name}; cleared {quantity(cleared, 'failed log-on')}."
    click.echo(unlocked if cleared else f"{name} has no failed log-ons.", err=True)


def _check_known(session: Session, users: list[User]) -> None:
    unknown = asyncio.run(by_hand.unknown_to_directory(session.workspace, users))
    if unknown:
        settings = session.workspace.snapshot().settings
        days = settings.delete_after_days
        when = f"a sync deletes after {quantity(days, 'day')}" if days else "the next sync deletes"
        deleted = f" Automatic deletion is on: {when} a user that the directory does not list."
        raise InvalidValue(
            f"The directory does not know {_quoted(unknown)}. Such a user could not log on after "
            f"the switch.{deleted if settings.auto_delete else ''}",
            "Correct the name there, or add --force.",
        )
    click.echo(f"The directory knows {_quoted(users)}.", err=True)


def _quoted(users: list[User]) -> str:
    return ", ".join(f"“{printable(user.user_name)}”" for user in users)


def _find(session: Session, name: str) -> User:
    user = session.workspace.snapshot().find(name)
    if user is None:
        raise NotFound(
            f"The user “{printable(name, 60)}” does not exist.",
            "`mailroster users list` shows all.",
        )
    return user


def _done(user: User, done: str, as_json: bool) -> None:
    if as_json:
        print_json(_record(user))
    click.echo(done, err=True)


def _name(user: User) -> str:
    return printable(user.user_name)


def _record(user: User) -> dict[str, Any]:
    record = dict(user.to_row())
    record["has_password"] = record.pop("password_hash") is not None
    return record


def _with_day(user: User, day_of: LeavingOn) -> dict[str, Any]:
    return {**_record(user), "leaving_on": day_of(user.to_row())}


def _columns(user: User, day_of: LeavingOn) -> tuple[str, ...]:
    day = day_of(user.to_row())
    return (
        user.user_name,
        user.full_name or "",
        user.email_addresses[0] if user.email_addresses else "",
        f"{user.authentication}{f', leaving on {day}' if day else ''}",
        ",".join(user.privileges),
    )
