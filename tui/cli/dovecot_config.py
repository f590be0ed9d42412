"""`mailroster dovecot-config`: what Dovecot needs, for the installed version."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import click

from sync.logon import dovecot
from sync.logon.mail_access import default_homes
from tui.cli.installation import installed_command
from tui.cli.login_server import DEFAULT_PORT, homes_option
from tui.cli.session import Session, pass_session

_path = click.Path(path_type=Path)


@click.command("dovecot-config")
@click.option(
    "--version",
    type=click.Choice(list(dovecot.VERSIONS)),
    help="Dovecot's version (default: the installed one).",
)
@click.option(
    "--method",
    type=click.Choice(["checkpassword", "lua"]),
    help="How Dovecot asks mailroster (default: checkpassword on 2.3, lua on 2.4).",
)
@click.option("--lua", "print_lua", is_flag=True, help="Print the Lua file instead.")
@click.option(
    "--lua-file",
    type=_path,
    default=dovecot.DEFAULT_LUA,
    show_default=True,
    help="The path of the Lua file.",
)
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="The login-server's port.")
@homes_option
@click.option("--certificate", type=_path, help="Serve the network with this PEM certificate.")
@click.option("--key", type=_path, help="The certificate's PEM key, unless it is in the same file.")
@pass_session
def dovecot_config(
    session: Session,
    version: dovecot.Version | None,
    method: dovecot.Method | None,
    print_lua: bool,
    lua_file: Path,
    port: int,
    homes: Path | None,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Print a complete configuration for Dovecot.

    Save it as /etc/dovecot/dovecot.conf.
    """
    version = version or dovecot.installed_version()
    if print_lua:
        return click.echo(dovecot.lua_script(version, port), nl=False)
    workspace = session.workspace
    archive = workspace.archives(workspace.snapshot().settings).root
    archive_owner, store_owner = _owner(archive), _owner(workspace.host_path)
    for owner, path in ((store_owner, workspace.host_path), (archive_owner, archive)):
        if why := dovecot.out_of_reach(owner.st_uid, path):
            click.echo(f"warning: {why}", err=True)
    site = dovecot.Site(
        command=(*installed_command(), "--store", workspace.store_argument),
        owner=_name_of(store_owner.st_uid),
        archive=archive,
        uid=archive_owner.st_uid,
        gid=archive_owner.st_gid,
        homes=(homes or default_homes(workspace)).absolute(),
        port=port,
        lua=lua_file,
        certificate=certificate,
        key=key,
    )
    method = method or dovecot.DEFAULT_METHODS[version]
    return click.echo(dovecot.configuration(site, version, method), nl=False)


def _owner(path: Path) -> os.stat_result:
    """Return the owner of the path, or of its nearest folder that exists."""
    return os.stat(next(there for there in (path, *path.parents) if there.exists()))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
