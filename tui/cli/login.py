"""`mailroster login`: one log-on check for scripts and mail servers."""

from __future__ import annotations

import asyncio
import sys

import click

from store.errors import InvalidValue
from store.lockout import source_key
from sync.errors import LogOnRefused
from sync.logon.login import Verdict, check_log_on
from tui.cli.session import (
    Session,
    json_option,
    pass_session,
    print_json,
    read_password,
    wrong_usage,
)
from tui.texts.problems import told

REFUSED = 1
TRY_LATER = 111
EXIT_CODES = {"accepted": 0, "refused": REFUSED, "unavailable": TRY_LATER}
_MARKS = {True: "yes", False: "NO ", None: " ? "}


def _checked_source(_ctx: click.Context, _param: click.Parameter, source: str | None) -> str | None:
    try:
        source_key(source)
    except InvalidValue as error:
        raise wrong_usage(error.what, error.advice, error.untouched) from None
    return source


@click.command()
@click.argument("name")
@click.option(
    "--source",
    metavar="ADDRESS",
    callback=_checked_source,
    help="The IP address of the attempt; mailroster counts its failures.",
)
@click.option(
    "--explain", "wanted", is_flag=True, help="Say step by step why NAME can or cannot log on."
)
@json_option
@pass_session
@click.pass_context
def login(
    ctx: click.Context, session: Session, name: str, source: str | None, wanted: bool, as_json: bool
) -> None:
    """Check a log-on. The password comes from stdin, or a prompt.

    Exit code 0: accepted. 1: refused. 111: mailroster cannot tell now; try later.

    --explain needs no password, but checks one that you pipe in. It does not count as an attempt.
    """
    session.code_of_failure = TRY_LATER  # any other would be a verdict
    if wanted:
        ctx.exit(_explain(session, name, source, as_json))
    try:
        password = read_password("Password")
    except InvalidValue:
        verdict = Verdict("refused", error=LogOnRefused())
    else:
        verdict = check_log_on(session.workspace_for_log_on, name, password, source)
    code = EXIT_CODES[verdict.public]
    if verdict.error:
        click.echo(f"mailroster: {told(verdict.error)}", err=True)
    elif sys.stdin.isatty():
        click.echo("Accepted.", err=True)
    if as_json:
        error = verdict.error and verdict.error.to_record()
        print_json({"status": verdict.public, "exit_code": code, "error": error})
    ctx.exit(code)


def _explain(session: Session, name: str, source: str | None, as_json: bool) -> int:
    from sync.logon.explain import CONCLUSIONS, can_log_on, explain

    password = None if sys.stdin.isatty() else read_password("") or None
    steps = asyncio.run(explain(session.workspace, name, password, source))
    allowed = can_log_on(steps)
    code = {True: 0, False: REFUSED, None: TRY_LATER}[allowed]
    if as_json:
        print_json(
            {
                "can_log_on": allowed,
                "exit_code": code,
                "steps": [step.to_record() for step in steps],
            }
        )
        return code
    for step in steps:
        click.echo(f"{_MARKS[step.found]}  {step.text}")
    click.echo(CONCLUSIONS[allowed])
    return code
