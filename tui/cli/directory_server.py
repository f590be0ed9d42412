"""`mailroster directory-server`: an Application Integration server over a CSV or JSON file."""

from __future__ import annotations

from pathlib import Path

import click

from sync.directory_server import DirectoryServer
from tui.cli.session import read_password

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("directory-server")
@click.argument("file", type=_file)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
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
    """Serve FILE (.csv or .json) as a directory, until interrupted.

    Columns or fields: userName, distinguishedName, fullName, emailAddresses, passwordHash (bcrypt).
    """
    if key and not certificate:
        raise click.UsageError("--key needs --certificate. Nothing was started.")
    credentials = (user_name, read_password("Password of the service")) if user_name else None
    with DirectoryServer(
        file, host=host, port=port, credentials=credentials, certificate=certificate, key=key
    ) as server:
        click.echo(f"Serving {file.name} at {server.url} - stop with Ctrl+C", err=True)
        server.serve_forever()
