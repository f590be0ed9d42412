"""`mailroster directory-check`: check a directory before anything is set up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from store.models import Settings
from store.text import printable
from sync.configure import draft
from sync.directory.conformance.check import check_type
from sync.directory.conformance.findings import Finding, worst
from sync.directory.types import type_at, type_of
from tui.cli.exit_codes import CONFLICTS_SKIPPED, DIRECTORY_FAILED, OK
from tui.cli.session import json_option, print_json, read_passwords
from tui.cli.settings import parse_assignment

EXIT_CODES = {
    "ok": OK,
    "note": OK,
    "problem": CONFLICTS_SKIPPED,
    "unchecked": DIRECTORY_FAILED,
    "broken": DIRECTORY_FAILED,
}
_MARKS = {
    "ok": "ok      ",
    "note": "note    ",
    "problem": "PROBLEM ",
    "unchecked": "?       ",
    "broken": "BROKEN  ",
}
_KEEPS = ("conformant", "The directory keeps to the protocol.")
_CONCLUSIONS = {
    "ok": _KEEPS,
    "note": _KEEPS,
    "problem": ("problems", "mailroster can use the directory, but leaves out some of its list."),
    "unchecked": ("unchecked", "mailroster could not check everything. Check again later."),
    "broken": ("broken", "mailroster cannot use the directory as it is."),
}


@click.command("directory-check")
@click.argument("url")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--user", metavar="NAME", help="Authenticate as NAME; asks for the password.")
@click.option(
    "--log-on", metavar="NAME", help="Check this user's log-on too; asks for the password."
)
@json_option
@click.pass_context
def directory_check(
    ctx: click.Context,
    url: str,
    settings: Sequence[str],
    user: str | None,
    log_on: str | None,
    as_json: bool,
) -> None:
    """Check whether a directory keeps to the protocol.

    URL is the address of an Application Integration server, or ldaps://... for an LDAP directory.
    For LDAP add ldap_base=... after the URL, and give the name to bind with as --user. KEY=VALUE
    sets a setting for this check, such as ca_file or auth_success_field.

    For each fault it says what is wrong, why it matters and what to do. It writes nothing. At an
    Application Integration server it makes two failed attempts on the name of --user. With --log-on
    it makes two on that name, one of them with an empty password. At an LDAP directory it makes
    only one, on the name of --log-on. If you pipe passwords, put each on its own line, that of
    --user first.

    Exit code 0: the directory keeps to the protocol. 13: a sync would leave out some users. 20:
    mailroster cannot use the directory, or could not check everything.
    """
    changes: dict[str, Any] = {"url": url}
    for assignment in settings:
        changes |= parse_assignment(assignment)
    if user:
        changes |= {"requires_authentication": True, "user_name": user}
    kind = type_at(url)
    wanted = draft(Settings(directory_service=kind.name), changes)
    kind = type_of(wanted) or kind
    prompts = ["Password of the directory service"] * bool(user) + [
        f"Password of {printable(log_on)}"
    ] * bool(log_on)
    passwords = read_passwords(prompts)
    service = passwords.pop(0) if user else ""
    findings = asyncio.run(
        _collect(
            check_type(kind, wanted, service, (log_on, passwords.pop()) if log_on else None),
            show=not as_json,
        )
    )
    level = worst(findings)
    code = EXIT_CODES[level]
    status, conclusion = _CONCLUSIONS[level]
    if not kind.examine and level in ("ok", "note"):
        conclusion = "mailroster can use the directory."
    if as_json:
        print_json(
            {
                "status": status,
                "exit_code": code,
                "findings": list(map(asdict, findings)),
                "error": None,
            }
        )
    else:
        click.echo(conclusion)
    ctx.exit(code)


async def _collect(check: AsyncIterator[Finding], *, show: bool) -> list[Finding]:
    findings = []
    async for finding in check:
        findings.append(finding)
        if show:
            _show(finding)
    return findings


def _show(finding: Finding) -> None:
    click.echo(f"{_MARKS[finding.level]} {finding.found}")
    for text in filter(None, (finding.why, finding.advice)):
        click.echo(f"{'':8} {text}")
