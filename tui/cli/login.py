"""`mailroster login`: one log-on check for scripts and mail servers."""

from __future__ import annotations

import asyncio

import click

from store.errors import InvalidValue, StoreError
from sync.errors import LogOnRefused, SyncError
from sync.login import log_on
from tui.cli.session import (
    Session,
    error_record,
    json_option,
    pass_session,
    print_json,
    read_password,
)

REFUSED = 1
TRY_LATER = 111


@click.command()
@click.argument("name")
@json_option
@pass_session
@click.pass_context
def login(ctx: click.Context, session: Session, name: str, as_json: bool) -> None:
    """Check a log-on. The password comes from stdin, or a prompt.

    Exit code 0: accepted. 1: refused. 111: nobody can tell now, try later.
    """
    status, code = "accepted", 0
    error: Exception | None = None
    try:
        asyncio.run(log_on(session.workspace, name, read_password("Password")))
    except (LogOnRefused, InvalidValue) as failure:
        status, code, error = "refused", REFUSED, failure
    except (StoreError, SyncError) as failure:
        status, code, error = "unavailable", TRY_LATER, failure
    if error:
        click.echo(f"mailroster: {error}", err=True)
    if as_json:
        print_json({"status": status, "exit_code": code, "error": error and error_record(error)})
    ctx.exit(code)
