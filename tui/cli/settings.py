"""`mailroster settings`: show and change the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from store.files.durable import LARGEST_TEXT, read_regular
from store.models import SECRET_SETTINGS, Settings
from store.text import printable
from sync.configure import configure
from sync.directory.types import added_settings, setting, setting_keys
from sync.planning.filters import parse_rules, rule_text
from tui.cli.session import (
    Session,
    json_option,
    pass_session,
    print_json,
    read_password,
    read_passwords,
    table_lines,
    wrong_usage,
)

_PROMPTS = {
    "password": "Password of the directory service",
    "notify_webhook": "URL of the webhook",
}
_LISTS = ("default_privileges", "default_folder_privileges")


@click.group()
def settings() -> None:
    """Show or change the settings."""


@settings.command()
@json_option
@pass_session
def show(session: Session, as_json: bool) -> None:
    """Show every setting.

    For a stored password it shows only that one is set; for a pinned certificate the fingerprint,
    the subject and the last day, with --json its PEM text.
    """
    current = session.workspace.snapshot().settings
    if as_json:
        return print_json(_record(current))
    for line in table_lines([(key, _text(current, key)) for key in setting_keys()]):
        click.echo(line)
    return None


@settings.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
@pass_session
def set_(session: Session, assignments: tuple[str, ...], as_json: bool) -> None:
    """Change settings.

    `set password` and `set notify_webhook` take no value, because it is a secret: they ask for it,
    or read it from stdin if piped.

    Separate the items of a list with commas and filter rules with semicolons, such as
    "filters=include email_domain example.com; skip user_name anna # on leave". If a pattern
    contains # or ; or begins with a quote, put it in quotes, and double the quotes in it. For
    pinned_certificate give PEM text, or the path of a file with it; mailroster pins the first
    certificate in it.
    """
    changes: dict[str, Any] = {}
    secrets: list[str] = []
    for assignment in assignments:
        key, equals, _ = assignment.partition("=")
        if key in SECRET_SETTINGS:
            if equals:
                raise wrong_usage(
                    "Every user of this machine can read a password on the command line.",
                    f"Run `mailroster settings set {key}` and type it.",
                )
            secrets.append(key)
        else:
            changes |= parse_assignment(assignment)
    prompts = [_PROMPTS[key] for key in secrets]
    typed = read_passwords(prompts) if len(prompts) > 1 else map(read_password, prompts)
    after = configure(session.workspace, changes, secrets=dict(zip(secrets, typed, strict=True)))
    if as_json:
        print_json(_record(after))


def parse_assignment(text: str) -> dict[str, Any]:
    """Return the one setting in KEY=VALUE; raises a usage error."""
    key, equals, value = text.partition("=")
    if not equals:
        raise wrong_usage(f"“{printable(key, 60)}” has no value.", "Write KEY=VALUE.")
    return {key: _parsed(key, value)}


def _parsed(key: str, value: str) -> Any:
    if key == "filters":
        return parse_rules(value)
    if key in _LISTS:
        return [item.strip() for item in value.split(",") if item.strip()]
    if key == "password_command":
        import shlex

        return shlex.split(value)
    if key == "pinned_certificate" and value and "-----BEGIN" not in value:
        try:
            return read_regular(Path(value), LARGEST_TEXT).decode("ascii")
        except (OSError, ValueError) as error:
            raise wrong_usage(
                f"The certificate file cannot be read: {error}.",
                "Give PEM text, or the path of a file with it.",
            ) from None
    return value


def _record(current: Settings) -> dict[str, Any]:
    more = {key: setting(current, key) for key in added_settings()}
    secrets = {key: "(set)" if setting(current, key) else "" for key in SECRET_SETTINGS}
    return {**current.to_stored(), **more, **secrets}


def _text(current: Settings, key: str) -> str:
    if key == "filters":
        return "; ".join(map(rule_text, current.filters))
    if key == "pinned_certificate" and current.pinned_certificate:
        return _pin_text(current.pinned_certificate)
    if key == "password_command":
        import shlex

        return shlex.join(current.password_command)
    value = _record(current)[key]
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _pin_text(pem: str) -> str:
    from sync.directory.certificate import read_pin
    from sync.errors import CertificateRefused

    try:
        pin = read_pin(pem)
    except CertificateRefused as error:
        return error.what
    until = f"{pin.valid_until:%Y-%m-%d}"
    return printable(f"SHA-256 {pin.fingerprint}, {pin.subject or '(no subject)'}, until {until}")
