"""`mailroster checkpassword`: log-on for Dovecot 2.3 and other programs that use checkpassword."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from store.text import printable
from tui.cli.login_server import homes_option
from tui.cli.session import Session, pass_session

if TYPE_CHECKING:
    from sync.logon.mail_access import MailAccess


@click.command(context_settings={"ignore_unknown_options": True})
@homes_option
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_session
@click.pass_context
def checkpassword(
    ctx: click.Context, session: Session, homes: Path | None, program: tuple[str, ...]
) -> None:
    """Check a log-on for Dovecot 2.3, then run PROGRAM.

    It reads user name and password from descriptor 3. If it accepts them, PROGRAM runs in its
    place. Exit code 1: refused. 2: wrong usage. 3: unknown user, at a look-up. 111: mailroster
    cannot tell now; try later.
    """
    from sync.logon import checkpassword as interface

    try:
        answer = _answer(session, homes)
        if not isinstance(answer, int):
            session.workspace_for_log_on.close()
            environment = interface.environment_of(answer, os.environ)
            os.execvpe(program[0], program, environment)  # noqa: S606
    except Exception as error:  # noqa: BLE001 - Python's own exit code, 1, would be a refusal
        click.echo(f"mailroster: {printable(error, 500)}", err=True)
        answer = interface.TRY_LATER
    ctx.exit(answer)


def _answer(session: Session, homes: Path | None) -> MailAccess | int:
    """Return the access of an admitted user, or the exit code of a refusal."""
    from sync.errors import LogOnRefused
    from sync.logon import checkpassword as interface
    from sync.logon.mail_access import admit, default_homes, derive_access

    credentials = interface.read_credentials()
    if credentials is None:
        return interface.MISUSED
    if interface.wants_credentials(os.environ):
        return interface.REFUSED
    user_name, password = credentials
    workspace = session.workspace_for_log_on
    homes = (homes or default_homes(workspace)).absolute()
    if interface.is_lookup(os.environ):
        try:
            return derive_access(workspace, homes, user_name)
        except LogOnRefused:
            return interface.UNKNOWN_USER
    source = os.environ.get("TCPREMOTEIP")
    verdict, access = admit(workspace, homes, user_name, password, source)
    if access:
        return access
    if verdict.public == "refused":
        return interface.REFUSED
    click.echo(f"mailroster: {printable(verdict.error)}", err=True)
    return interface.TRY_LATER
