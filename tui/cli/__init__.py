"""The command line. Each command is imported only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from tui.cli.screens import low_bandwidth_option, readonly_option, run_screens
from tui.cli.session import Session, report_failure

_COMMANDS = {
    "checkpassword": "tui.cli.checkpassword:checkpassword",
    "demo": "tui.cli.demo:demo",
    "directory-check": "tui.cli.directory_check:directory_check",
    "directory-server": "tui.cli.directory_server:directory_server",
    "dovecot-config": "tui.cli.dovecot_config:dovecot_config",
    "history": "tui.cli.history:history",
    "login": "tui.cli.login:login",
    "login-server": "tui.cli.login_server:login_server",
    "settings": "tui.cli.settings:settings",
    "store": "tui.cli.store:store",
    "sync": "tui.cli.sync:sync",
    "systemd-units": "tui.cli.systemd_units:systemd_units",
    "test": "tui.cli.sync:test",
    "users": "tui.cli.users:users",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told without its values
            ctx.exit(report_failure(ctx.obj, error))


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow, and log-on goes through here

        click.echo(f"mailroster {version('mailroster')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--store", metavar="PATH", help="The user database (else $MAILROSTER_STORE).")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@readonly_option
@low_bandwidth_option
@click.pass_context
def cli(ctx: click.Context, store: str | None, readonly: bool, low_bandwidth: bool) -> None:
    """Keep a mail archive's users in step with a company directory.

    Without a command, the screens start.
    """
    ctx.obj = ctx.with_resource(Session(store))
    if ctx.invoked_subcommand is None:
        workspace = ctx.obj.unread_workspace
        ctx.exit(run_screens(workspace, readonly=readonly, low_bandwidth=low_bandwidth))
    if readonly or low_bandwidth:
        raise click.UsageError(
            "--readonly and --low-bandwidth are for the screens: `mailroster --readonly`, "
            "`mailroster demo --readonly`."
        )


def main() -> None:
    """Run the command line and exit with its code."""
    cli(prog_name="mailroster")
