"""`mailroster users`: look at users and change them by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import click

from store.errors import InvalidValue
from store.models import AUTHENTICATION_LABELS, DIRECTORY_SERVICES, INTEGRATED, Authentication, User
from store.privileges import PRIVILEGES, delete_gap
from store.text import printable
from sync.runs.report import value_text
from sync.users import by_hand
from sync.users.rename import rename_user
from sync.users.several import delete_users
from tui.cli.session import (
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    read_password,
    table_lines,
)

_method = click.Choice(list(AUTHENTICATION_LABELS))


@click.group()
def users() -> None:
    """Look at users and change them by hand."""


@users.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List all users."""
    found = [User.from_row(row) for row in session.workspace.snapshot().users.values()]
    if as_json:
        return print_json([_record(user) for user in found])
    if not found:
        path = printable(session.workspace.path)
        click.echo(
            f"There are no users in {path}. Another user database is named with --store or "
            "MAILROSTER_STORE; `mailroster` makes the first administrator.",
            err=True,
        )
    for line in table_lines([_columns(user) for user in sorted(found, key=lambda u: u.key)]):
        click.echo(line)
    return None


@users.command()
@click.argument("name")
@json_option
@pass_session
def show(session: Session, name: str, as_json: bool) -> None:
    """Show one user."""
    record = _record(_find(session, name))
    if as_json:
        return print_json(record)
    for line in table_lines([(key.replace("_", " "), _text(record[key])) for key in record]):
        click.echo(line)
    return None


@users.command()
@click.argument("name")
@click.option("--full-name", help="The full name.")
@click.option("--address", "addresses", multiple=True, help="An e-mail address; repeatable.")
@click.option(
    "--auth", type=_method, default=INTEGRATED, show_default=True, help="The authentication method."
)
@click.option(
    "--privilege",
    "privileges",
    multiple=True,
    type=click.Choice(list(PRIVILEGES)),
    help="A privilege; repeatable.",
)
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
    """Add a user. An integrated user's password is asked for, or read from stdin if piped."""
    user = User(
        user_name=name,
        full_name=full_name,
        email_addresses=list(addresses),
        authentication=auth,
        privileges=list(privileges),
    )
    password = read_password("New password", confirm=True) if auth == INTEGRATED else None
    added = by_hand.add_user(session.workspace, user, password)
    _done(added, "was added", as_json)
    archives = session.workspace.archives(session.workspace.snapshot().settings)
    if messages := archives.messages(added.user_name):
        click.echo(
            f"The archive folder of that name holds {messages} messages from before, which this "
            "user finds there. Move them away if they are somebody else's.",
            err=True,
        )


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@json_option
@pass_session
def delete(session: Session, name: str, yes: bool, as_json: bool) -> None:
    """Delete a user. An archive folder that holds mail is kept, an empty one removed."""
    user = _find(session, name)
    if not yes:
        confirm(f"Delete “{printable(user.user_name)}”?")
    kept = delete_users(session.workspace, [user])
    archive = "kept" if kept else "removed"
    if as_json:
        print_json({"user_name": user.user_name, "archive": archive})
    click.echo(f"“{printable(user.user_name)}” was deleted, the archive {archive}.", err=True)


@users.command("set-auth")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.argument("method", type=_method)
@click.option("--force", is_flag=True, help="Switch even if the directory does not know a name.")
@json_option
@pass_session
def set_auth(
    session: Session, names: tuple[str, ...], method: Authentication, force: bool, as_json: bool
) -> None:
    """Switch the authentication method, in one write.

    To Directory Services, the directory is asked first whether it knows the names. To integrated,
    a user without a local password needs one: asked for, or read from stdin if piped, where one
    user is named.
    """
    by_key = {user.key: user for user in (_find(session, name) for name in names)}
    found = list(by_key.values())
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
        _done(user, f"now has the method {AUTHENTICATION_LABELS[method]}", as_json=False)


@users.command("set-password")
@click.argument("name")
@json_option
@pass_session
def set_password(session: Session, name: str, as_json: bool) -> None:
    """Set an integrated user's password.

    It is asked for, or read from stdin if piped.
    """
    user = _find(session, name)
    password = read_password("New password", confirm=True)
    changed = by_hand.set_password(session.workspace, user, password)
    _done(changed, "has a new password", as_json)


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
        raise click.UsageError("Say what to change; --help lists it. Nothing was changed.")
    _done(
        by_hand.edit_user(session.workspace, user, replace(user, **changes)), "was changed", as_json
    )
    if user.authentication == DIRECTORY_SERVICES:
        click.echo("The next sync sets these fields as the directory has them.", err=True)


@users.command()
@click.argument("name")
@click.argument("new_name")
@json_option
@pass_session
def rename(session: Session, name: str, new_name: str, as_json: bool) -> None:
    """Rename a user. The archive folder and everybody's rights on it move along."""
    user = _find(session, name)
    renamed = rename_user(session.workspace, user, new_name)
    _done(renamed, f"was “{printable(user.user_name)}” before", as_json)
    if user.authentication == DIRECTORY_SERVICES and user.key != renamed.key:
        click.echo(
            "Rename this user in the directory too: it is asked for the password under the new "
            "name, and the next sync takes the old one for a new user.",
            err=True,
        )


@users.command("set-privileges")
@click.argument("name")
@click.argument("privileges", nargs=-1, type=click.Choice(list(PRIVILEGES)))
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="OWNER=read,write",
    help="The rights on OWNER's archive folder; repeatable. Without rights: no entry.",
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
    """Replace the privileges, those on archive folders, or both. None and admin stand alone."""
    if not privileges and not folders:
        raise click.UsageError("Name privileges, or --folder. Nothing was changed.")
    chosen = {}
    for folder in folders:
        owner, equals, rights = folder.rpartition("=")
        if not equals:
            raise click.UsageError(
                f"“{folder}” is not OWNER=RIGHTS. Nothing was changed. "
                "Write it as --folder anna=read,write."
            )
        chosen[owner] = [right.strip() for right in rights.split(",") if right.strip()]
    user = _find(session, name)
    changed = by_hand.set_privileges(session.workspace, user, privileges or None, chosen)
    _done(changed, f"now has the privileges {', '.join(changed.privileges)}", as_json)
    if gap := delete_gap(changed.privileges, changed.folder_privileges):
        click.echo(gap, err=True)


@users.command()
@click.argument("name", required=False)
@click.option("--source", metavar="ADDRESS", help="Unlock this IP address.")
@json_option
@pass_session
def unlock(session: Session, name: str | None, source: str | None, as_json: bool) -> None:
    """Forget failed log-ons of a user, or of an IP address."""
    if (name is None) == (source is None):
        raise click.UsageError("Name a user or --source ADDRESS. Nothing was changed.")
    if name is not None:
        user = _find(session, name)
        what, had = user.user_name, by_hand.unlock_user(session.workspace, user)
    else:
        what, had = str(source), session.workspace.lockout.unlock(source=source)
    if as_json:
        print_json({"unlocked": what, "had_failures": had})
    said = "Its failed log-ons were forgotten" if had else "There were no failed log-ons"
    click.echo(f"“{printable(what)}” is not locked. {said}.", err=True)


def _check_known(session: Session, users: list[User]) -> None:
    unknown = asyncio.run(by_hand.unknown_to_directory(session.workspace, users))
    if unknown:
        raise InvalidValue(
            f"The directory does not know {_quoted(unknown)}, who could not log on after the "
            "switch. Nothing was written. Correct the name there, or add --force."
        )
    click.echo(f"The directory knows {_quoted(users)}.", err=True)


def _quoted(users: list[User]) -> str:
    return ", ".join(f"“{printable(user.user_name)}”" for user in users)


def _find(session: Session, name: str) -> User:
    user = session.workspace.snapshot().find(name)
    if user is None:
        raise InvalidValue(
            f"There is no user “{printable(name, 60)}”. Nothing was changed. "
            "`mailroster users list` shows all."
        )
    return user


def _done(user: User, what: str, as_json: bool) -> None:
    if as_json:
        print_json(_record(user))
    click.echo(f"“{printable(user.user_name)}” {what}.", err=True)


def _record(user: User) -> dict[str, Any]:
    record = dict(user.to_row())
    record["has_password"] = record.pop("password_hash") is not None
    return record


def _columns(user: User) -> tuple[str, ...]:
    return (
        user.user_name,
        user.full_name or "",
        user.email_addresses[0] if user.email_addresses else "",
        user.authentication,
        ",".join(user.privileges),
    )


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{folder}: {','.join(rights)}" for folder, rights in value.items())
    return value_text(value if isinstance(value, list) or value is None else str(value))
