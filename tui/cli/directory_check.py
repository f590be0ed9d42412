"""`mailroster directory-check`: can a directory be used, before anything is set up?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from store.models import Settings
from store.text import printable
from sync.configure import draft
from sync.directory.conformance.findings import worst
from sync.directory.types.application_integration import APPLICATION_INTEGRATION
from sync.directory.types.ldap.ldap_type import LDAP
from tui.cli.exit_codes import CONFLICTS_SKIPPED, DIRECTORY_FAILED, OK
from tui.cli.session import json_option, print_json, read_passwords
from tui.cli.settings import parse_assignment

if TYPE_CHECKING:
    from sync.directory.conformance.findings import Finding

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
_KEEPS = ("conformant", "It keeps to the protocol.")
_CONCLUSIONS = {
    "ok": _KEEPS,
    "note": _KEEPS,
    "problem": ("problems", "It can be used, but some of what it lists would be left out."),
    "unchecked": ("unchecked", "Not all was checked. Check again later."),
    "broken": ("broken", "It cannot be used as it is."),
}


@click.command("directory-check")
@click.argument("url")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--user", metavar="NAME", help="The service's own user name; asks for its password.")
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

    URL is that of an Application Integration server, or ldaps:// of an LDAP directory, whose
    ldap_base follows it; then --user is the name to bind with. Says of each thing that is wrong
    what, why it matters and what to do. KEY=VALUE are the settings of a sync, such as ca_file or
    auth_success_field. Piped passwords are one line each, the service's first. --user costs two
    wrong attempts of the service's name, --log-on one of that user's. Nothing is written anywhere.

    Exit code 0: it keeps to the protocol. 13: some users would be left out. 20: it cannot be used,
    or not all could be checked.
    """
    changes: dict[str, Any] = {"url": url}
    for assignment in settings:
        changes |= parse_assignment(assignment)
    if user:
        changes |= {"requires_authentication": True, "user_name": user}
    kind = LDAP if url.lower().startswith("ldap") else APPLICATION_INTEGRATION
    wanted = draft(Settings(directory_service=kind.name), changes)
    prompts = ["Password of the directory service"] * bool(user) + [
        f"Password of {printable(log_on)}"
    ] * bool(log_on)
    passwords = read_passwords(prompts)
    service = passwords.pop(0) if user else ""
    findings = asyncio.run(
        _check(wanted, service, (log_on, passwords.pop()) if log_on else None, show=not as_json)
    )
    level = worst(findings)
    code = EXIT_CODES[level]
    status, conclusion = _CONCLUSIONS[level]
    if kind is LDAP and level in ("ok", "note"):
        conclusion = "It can be used."
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


async def _check(
    settings: Settings, password: str, log_on: tuple[str, str] | None, *, show: bool
) -> list[Finding]:
    if settings.directory_service == LDAP.name:
        from sync.directory.types.ldap.check import check_ldap as check
    else:
        from sync.directory.conformance.probes import (
            check_directory as check,  # httpx is slow to import
        )

    findings = []
    async for finding in check(settings, password, log_on):
        findings.append(finding)
        if show:
            _show(finding)
    return findings


def _show(finding: Finding) -> None:
    click.echo(f"{_MARKS[finding.level]} {finding.found}")
    for text in filter(None, (finding.why, finding.advice)):
        click.echo(f"{'':8} {text}")
