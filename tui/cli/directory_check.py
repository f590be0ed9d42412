"""`mailroster directory-check`: does an Application Integration server keep to the protocol?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from store.models import APPLICATION_INTEGRATION, Settings
from store.text import printable
from sync.configure import draft
from tui.cli.session import (
    CONFLICTS_SKIPPED,
    DIRECTORY_FAILED,
    OK,
    json_option,
    print_json,
    read_passwords,
)
from tui.cli.settings import parse_assignment

if TYPE_CHECKING:
    from sync.directory.findings import Finding

EXIT_CODES = {"ok": OK, "note": OK, "problem": CONFLICTS_SKIPPED, "broken": DIRECTORY_FAILED}
_MARKS = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM ", "broken": "BROKEN  "}
_CONCLUSIONS = {
    OK: ("conformant", "It keeps to the protocol."),
    CONFLICTS_SKIPPED: ("problems", "It can be used, but some of what it lists would be left out."),
    DIRECTORY_FAILED: ("broken", "It cannot be used as it is."),
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

    URL is that of an Application Integration server. Says of each thing that is wrong what, why it
    matters and what to do. KEY=VALUE are the settings of a sync, such as ca_file or
    auth_success_field. Piped passwords are one line each, the service's first. --user costs two
    wrong attempts of the service's name, --log-on one of that user's. Nothing is written anywhere.

    Exit code 0: it keeps to the protocol. 13: some users would be left out. 20: it cannot be used.
    """
    changes: dict[str, Any] = {"url": url}
    for assignment in settings:
        changes |= parse_assignment(assignment)
    if user:
        changes |= {"requires_authentication": True, "user_name": user}
    wanted = draft(Settings(directory_service=APPLICATION_INTEGRATION), changes)
    prompts = ["Password of the directory service"] * bool(user) + [
        f"Password of {printable(log_on)}"
    ] * bool(log_on)
    passwords = read_passwords(prompts)
    service = passwords.pop(0) if user else ""
    findings = asyncio.run(
        _check(wanted, service, (log_on, passwords.pop()) if log_on else None, show=not as_json)
    )
    code = max(EXIT_CODES[finding.level] for finding in findings)
    status, conclusion = _CONCLUSIONS[code]
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
    from sync.directory.conformance import check_directory  # httpx is slow to import

    findings = []
    async for finding in check_directory(settings, password, log_on):
        findings.append(finding)
        if show:
            _show(finding)
    return findings


def _show(finding: Finding) -> None:
    click.echo(f"{_MARKS[finding.level]} {finding.found}")
    for text in filter(None, (finding.why, finding.advice)):
        click.echo(f"{'':8} {text}")
