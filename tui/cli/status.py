"""`mailroster status`: tell whether everything is well."""

from __future__ import annotations

import click

from sync.status.notices import tell_test
from sync.status.status import LEVELS, level_of, status_of, status_record, troubles
from tui.cli.exit_codes import OK, OTHER_ERROR
from tui.cli.session import Session, json_option, pass_session, print_json
from tui.texts.problems import told
from tui.texts.status import openmetrics, status_lines


@click.command()
@click.option(
    "--openmetrics", "as_metrics", is_flag=True, help="Print OpenMetrics, for a textfile collector."
)
@click.option("--notify-test", is_flag=True, help="Send a test notice to every receiver.")
@json_option
@pass_session
@click.pass_context
def status(
    ctx: click.Context, session: Session, as_metrics: bool, notify_test: bool, as_json: bool
) -> None:
    """Tell whether everything is well.

    It looks at the store, the archive, the last syncs and waiting work. It does not ask the
    directory, but shows its last answer. Exit code 0: everything is well; 1: look at it; 2: act.
    """
    if as_json and as_metrics:
        raise click.UsageError("Give --json or --openmetrics, not both.")
    if notify_test:
        if as_metrics:
            raise click.UsageError("Give --notify-test or --openmetrics, not both.")
        ctx.exit(_test_notices(session, as_json))
    found = status_of(session.unread_workspace)
    if as_json:
        print_json(status_record(found))
    elif as_metrics:
        click.echo(openmetrics(found), nl=False)
    else:
        for line in status_lines(found):
            click.echo(line)
    ctx.exit(LEVELS.index(level_of(troubles(found))))


def _test_notices(session: Session, as_json: bool) -> int:
    told_of = tell_test(session.unread_workspace)
    code = OTHER_ERROR if not told_of or any(told_of.values()) else OK
    if as_json:
        receivers = {name: found and found.to_record() for name, found in told_of.items()}
        print_json({"exit_code": code, "receivers": receivers})
        return code
    for name, problem in told_of.items():
        click.echo(f"{name}: {told(problem) if problem else 'delivered'}")
    if not told_of:
        click.echo("No receiver is set, so nobody got the test. Set notify_webhook or notify_mail.")
    return code
