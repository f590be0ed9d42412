"""`mailroster directory-server`: an Application Integration server over an export of users."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from store.text import printable
from sync.server.directory_file import hash_directory_password
from sync.server.directory_server import DirectoryServer
from sync.server.file_columns import mapping
from tui.cli.session import read_password, wrong_usage
from tui.collector import collect_seldom

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def _hash_password(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(hash_directory_password(read_password("Password to hash")))
        ctx.exit()


@click.command("directory-server")
@click.argument("file", required=False, type=_file)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port; 0 for a free one.",
)
@click.option(
    "--map",
    "columns",
    metavar="FIELD=COLUMN,...",
    help="Names of the columns, or of an export: active-directory, entra, google.",
)
@click.option(
    "--hash-password",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_hash_password,
    help="Hash a password for the column passwordHash, and serve nothing.",
)
@click.option("--user-name", help="Require Basic credentials; the password is read from stdin.")
@click.option("--certificate", type=_file, help="Serve HTTPS with this PEM certificate chain.")
@click.option("--key", type=_file, help="The certificate's PEM key, unless it is in the same file.")
def directory_server(
    file: Path | None,
    host: str,
    port: int,
    columns: str | None,
    user_name: str | None,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Serve a CSV or JSON file as a directory.

    It serves FILE until you press Ctrl+C. Columns or fields: userName, distinguishedName, fullName,
    emailAddresses, id, passwordHash (bcrypt). It recognises the exports of Active Directory,
    Microsoft Entra and Google Workspace; for others use --map userName=Login,fullName=Name.
    """
    if file is None:
        advice = "Name the file to serve, or add --hash-password."
        raise wrong_usage("directory-server needs a FILE.", advice, "Nothing was started.")
    if key and not certificate:
        raise wrong_usage("--key needs --certificate.", "", "Nothing was started.")
    credentials = (
        (user_name, read_password("Password of the directory service")) if user_name else None
    )
    with DirectoryServer(
        file,
        layout=mapping(columns) if columns else None,
        host=host,
        port=port,
        credentials=credentials,
        certificate=certificate,
        key=key,
    ) as server:
        for note in server.notes:
            click.echo(f"note: {note}", err=True)
        click.echo(f"Serving {printable(file)} at {server.url} - Ctrl+C stops.", err=True)
        if not certificate and host not in _LOOPBACK:
            click.echo("warning: other machines reach this server without encryption.", err=True)
        with suppress(KeyboardInterrupt):
            collect_seldom()
            server.serve_forever()
