"""`mailroster login-server`: log-on for mail servers and reverse proxies on this machine."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from tui.cli.session import Session, pass_session
from tui.collector import collect_seldom

DEFAULT_PORT = 14300

homes_option = click.option(
    "--homes",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the users' homes (default: beside the user database).",
)


@click.command("login-server")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 for a free one.",
)
@homes_option
@pass_session
def login_server(session: Session, host: str, port: int, homes: Path | None) -> None:
    """Answer log-ons over HTTP on this machine.

    It runs until you press Ctrl+C. POST a form with userName, password and source (the client's IP
    address), or GET with Basic credentials and X-Real-IP. 200: accepted. 403 (GET: 401): refused.
    503: mailroster cannot tell now; try later.
    """
    from sync.logon.login_server import LoginServer
    from sync.logon.mail_access import default_homes

    workspace = session.workspace
    server = LoginServer(
        workspace, (homes or default_homes(workspace)).absolute(), host=host, port=port
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    click.echo(f"Answering log-ons at {server.url} - stop with Ctrl+C", err=True)
    collect_seldom()
    server.run()
