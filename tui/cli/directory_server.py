"""`mailroster directory-server`: an Application Integration server over a CSV or JSON file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from store.text import printable
from sync.server.directory_server import DirectoryServer
from tui.cli.session import read_password

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("directory-server")
@click.argument("file", type=_file)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 for a free one.",
)
@click.option("--user-name", help="Require Basic credentials; the password is read from stdin.")
@click.option("--certificate", type=_file, help="Serve HTTPS with this PEM certificate chain.")
@click.option("--key", type=_file, help="The certificate's PEM key, unless it is in the same file.")
def directory_server(
    file: Path,
    host: str,
    port: int,
    user_name: str | None,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Serve a CSV or JSON file as a directory.

    FILE ends in .csv or .json, and is served until interrupted. Columns or fields: userName,
    distinguishedName, fullName, emailAddresses, passwordHash (bcrypt).
    """
    if key and not certificate:
        raise click.UsageError("--key needs --certificate. Nothing was started.")
    credentials = (
        (user_name, read_password("Password of the directory service")) if user_name else None
    )
    with DirectoryServer(
        file, host=host, port=port, credentials=credentials, certificate=certificate, key=key
    ) as server:
        click.echo(f"Serving {printable(file)} at {server.url} - Ctrl+C stops.", err=True)
        if not certificate and host not in _LOOPBACK:
            click.echo("warning: other machines reach it without encryption.", err=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
