"""`mailroster settings`: show and change the settings."""

from __future__ import annotations

from typing import Any

import click

from store.models import SETTING_KEYS, Settings
from store.text import printable
from sync.configure import configure
from sync.planning.filters import parse_rule, rule_text
from tui.cli.session import (
    Session,
    json_option,
    pass_session,
    print_json,
    read_password,
    table_lines,
)

_LISTS = ("default_privileges", "default_folder_privileges")


@click.group()
def settings() -> None:
    """Show or change the settings."""


@settings.command()
@json_option
@pass_session
def show(session: Session, as_json: bool) -> None:
    """Show every setting. A stored password is only said to be set."""
    current = session.workspace.snapshot().settings
    if as_json:
        return print_json(_record(current))
    for line in table_lines([(key, _text(current, key)) for key in SETTING_KEYS]):
        click.echo(line)
    return None


@settings.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
@pass_session
def set_(session: Session, assignments: tuple[str, ...], as_json: bool) -> None:
    """Change settings. `set password` asks for the password, or reads it from stdin if piped.

    Lists are separated by commas. Filter rules are separated by semicolons, such as
    "filters=include email_domain example.com; exclude user_name svc-*". A value for
    pinned_certificate is PEM text, or the path of a file with it.
    """
    changes: dict[str, Any] = {}
    password: str | None = None
    for assignment in assignments:
        key, equals, _ = assignment.partition("=")
        if key == "password":
            if equals:
                raise click.UsageError(
                    "A password on the command line can be read by every user of this machine. "
                    "Nothing was changed. Use `settings set password` and type it."
                )
            password = read_password("Password of the directory service")
        else:
            changes |= parse_assignment(assignment)
    after = configure(session.workspace, changes, password=password)
    if as_json:
        print_json(_record(after))


def parse_assignment(text: str) -> dict[str, Any]:
    """Return the one setting in KEY=VALUE; raises a usage error."""
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(
            f"“{printable(key, 60)}” has no value. Nothing was changed. Write KEY=VALUE."
        )
    return {key: _parsed(key, value)}


def _parsed(key: str, value: str) -> Any:
    if key == "filters":
        return [parse_rule(rule) for rule in value.split(";") if rule.strip()]
    if key in _LISTS:
        return [item.strip() for item in value.split(",") if item.strip()]
    if key == "password_command":
        import shlex

        return shlex.split(value)
    if key == "pinned_certificate" and value and not value.lstrip().startswith("-----BEGIN"):
        try:
            with open(value, encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError) as error:
            raise click.UsageError(
                f"The certificate file cannot be read: {error}. Nothing was changed. "
                "Give PEM text, or the path of a file with it."
            ) from None
    return value


def _record(current: Settings) -> dict[str, Any]:
    return {**current.to_stored(), "password": "(set)" if current.password else ""}


def _text(current: Settings, key: str) -> str:
    if key == "filters":
        return "; ".join(map(rule_text, current.filters))
    value = _record(current)[key]
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)
